import type { Env } from "../../agent/env.ts";
import { type Fault, faultNamed, touches } from "./faults.ts";
import type { Framing } from "./framing.ts";
import { exception, type Query } from "./served.ts";

/** The units behind one way in: what they answer, or do wrong instead, to whoever is connected. */
export interface Units {
  /** Told all that the client sends: false once its stream is lost. */
  connect(client: Client): (chunk: Buffer) => boolean;
  /** One unit, or all of them. @throws on a fault that there is none of here */
  misbehave(how: string, unit?: number): void;
  /** Nothing is said any more. */
  stop(): void;
}

/** One who asks. */
export interface Client {
  readonly isThere: boolean;
  /** `taken`: the system has them, and may be given more. */
  write(bytes: Buffer, taken?: () => void): void;
  /** Ends the connection, with or without a good-bye; there, where there is one. */
  end(how: "reset" | "hangup"): void;
}

/** How a flood flows: so many times so much at once, octets, and again after a pause, once it was taken. */
export interface Flow {
  readonly times: number;
  readonly octets: number;
  readonly pauseMs: number;
}

export function unitsOf(framing: Framing, flow: Flow, reply: (query: Query) => number[], env: Env): Units {
  const single = new Map<number, Fault>();
  const clients = new Set<Client>();
  const { later, cancelAll } = timersOf(env);
  let common: Fault = { kind: "none" };
  let newest: Client | undefined;
  let turn = 0;
  const wrongs = Object.keys(framing.wrong);
  const isFlooding = (): boolean => [common, ...single.values()].some(({ kind }) => kind === "flood");
  const flood = flooder(framing.stray, flow, isFlooding, later);

  function hear(client: Client): (chunk: Buffer) => boolean {
    let rest: Buffer = Buffer.alloc(0);
    return (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (;;) {
        const taken = framing.take(rest);
        if (taken === "lost") return false;
        if (taken === null) return true;
        rest = rest.subarray(taken.bytes);
        const { query, transaction } = taken;
        const pack = (body: readonly number[]): Buffer => framing.pack(transaction, body);
        answer(single.get(query.unit) ?? common, {
          ...{ client, query, pack, later, flood },
          newest: () => newest,
          right: () => pack(reply(query)),
          wrong(what = wrongs[turn++ % 4] ?? "") {
            return framing.wrong[what]?.(transaction, reply(query)) ?? Buffer.alloc(0);
          },
        });
      }
    };
  }

  return {
    connect(client) {
      newest = client;
      for (const one of clients) if (!one.isThere) clients.delete(one);
      clients.add(client);
      if (isFlooding()) flood(client);
      return hear(client);
    },
    misbehave(how, unit) {
      const fault = faultNamed(how, wrongs);
      if (unit === undefined) {
        single.clear();
        common = fault;
      } else single.set(unit, fault);
      if (isFlooding()) for (const client of clients) flood(client);
    },
    stop() {
      cancelAll();
      clients.clear();
      single.clear();
      common = { kind: "silent" };
    },
  };
}

interface Asked {
  readonly client: Client;
  readonly query: Query;
  pack(body: readonly number[]): Buffer;
  right(): Buffer;
  /** Of what is not named, each in turn. */
  wrong(what?: string): Buffer;
  later: Later;
  newest(): Client | undefined;
  flood(client: Client): void;
}

function answer(fault: Fault, asked: Asked): void {
  const { client, query, pack, right, later } = asked;
  switch (fault.kind) {
    case "none":
      client.write(right());
      break;
    case "silent":
      break;
    case "delay":
      later(fault.ms, () => client.write(right()));
      break;
    case "late":
      // A line goes on, and a gateway hands on to whom it then has: not to the one who has given up.
      later(fault.ms, () => asked.newest()?.write(right()));
      break;
    case "exception":
      client.write(pack(exception(query, fault.number)));
      break;
    case "hole":
      client.write(touches(fault.places, query) ? pack(exception(query, 2)) : right());
      break;
    case "deaf":
      if (!touches(fault.places, query)) client.write(right());
      break;
    case "drip":
      drip(client, right(), later);
      break;
    case "flood":
      asked.flood(client);
      break;
    case "reset":
    case "hangup":
      client.end(fault.kind);
      break;
    case "rubbish":
      client.write(asked.wrong());
      break;
    case "wrong":
      client.write(asked.wrong(fault.what));
  }
}

type Later = (ms: number, work: () => void) => void;

function timersOf({ after }: Env): { later: Later; cancelAll(): void } {
  const pending = new Set<() => void>();
  return {
    later(ms, work) {
      const cancel = after(ms, () => {
        pending.delete(cancel);
        work();
      });
      pending.add(cancel);
    },
    cancelAll() {
      for (const cancel of pending) cancel();
    },
  };
}

/** Begins to pour on a client, once; ends when it is over, or the client has gone. */
function flooder(stray: Buffer, { times, octets, pauseMs }: Flow, isOn: () => boolean, later: Later) {
  const flooded = new Set<Client>();
  const many = Buffer.concat(Array<Buffer>(Math.ceil(octets / stray.length)).fill(stray));
  return (client: Client): void => {
    if (flooded.has(client)) return;
    flooded.add(client);
    const pour = (): void => {
      if (!isOn() || !client.isThere) {
        flooded.delete(client);
        return;
      }
      for (let nth = 1; nth < times; nth++) client.write(many);
      // A pause always: who sends without one lets nobody else in this process live.
      client.write(many, () => later(pauseMs, pour));
    };
    pour();
  };
}

function drip(client: Client, bytes: Buffer, later: Later): void {
  if (bytes.length === 0) return;
  client.write(bytes.subarray(0, 1));
  later(1, () => drip(client, bytes.subarray(1), later));
}

import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import type { Env } from "../../agent/env.ts";
import type { Hint, Listener, ListenerStatus, ListenHooks } from "../driver.ts";
import { unaskedBudget } from "../unasked-budget.ts";
import type { Engines } from "./engines.ts";
import { type LocalEngine, localEngine } from "./local-engine.ts";
import { alike, textOfValue } from "./notification.ts";
import { communityReceiver, isV3, type Received, refused } from "./received.ts";
import { takenInforms } from "./resent.ts";
import type { Bus } from "./schema.ts";
import type { Trap, TrapOptions } from "./trap-schema.ts";
import { userReceiver } from "./user-receiver.ts";

/** Hears traps and informs. What is within the budget is judged at once, so that nothing waits and nothing piles up. */

type Hooks = ListenHooks<Bus, Trap>;
type Send = (datagram: Buffer) => void;

/** More than any trap has: they are made to fit a packet. */
const octetsMax = 8192;
const bindingsMax = 50;

/** The listener without its socket. */
export interface Ear {
  /** Total: whatever the datagram is. @param send answers its sender */
  hear(datagram: Buffer, source: string, send: Send): void;
  status(): Omit<ListenerStatus, "at" | "trouble">;
}

export function earOf(options: TrapOptions, env: Env, engines: Engines, hooks: Hooks): Ear {
  const local = localEngine(env, hooks.kept, hooks.keep);
  const receive = receiverOf(options, env, engines, local);
  const isWithinBudget = unaskedBudget(env);
  const taken = takenInforms(env);
  const counts = { received: 0, answered: 0, dropped: 0 };
  const reasons = new Map<string, ListenerStatus["refused"][number]>();

  return {
    hear(datagram, source, send) {
      counts.received++;
      if (!isWithinBudget(source, engines.at(source).length > 0)) {
        counts.dropped++;
        hooks.onDropped(source);
        return;
      }
      const heard = receive(datagram);
      if (heard.kind === "notification") {
        const { inform } = heard.notification;
        if (inform !== undefined && taken.has(source, inform)) counts.answered++;
        else hooks.onHint(hintOf(heard, source, engines));
        if (inform !== undefined) taken.add(source, inform);
        if (heard.confirm) send(heard.confirm());
        return;
      }
      if (heard.reply) send(heard.reply);
      if (heard.kind === "asked") counts.answered++;
      else {
        const { why } = heard;
        const count = (reasons.get(why)?.count ?? 0) + 1;
        reasons.set(why, { why, count, source, at: env.clock.wall() });
      }
    },
    status: () => ({
      ...counts,
      known: `engine ${local.engineId.toString("hex")}, boots ${local.boots}`,
      refused: [...reasons.values()],
    }),
  };
}

function receiverOf(
  { communities = [], users = [] }: TrapOptions,
  env: Env,
  engines: Engines,
  local: LocalEngine,
): (datagram: Buffer) => Received {
  const ofCommunity = communityReceiver(new Set(communities.map((one) => one.reveal())));
  const ofUser = userReceiver(users, { env, engines, local });
  return (datagram) => {
    if (datagram.length > octetsMax) return refused(`larger than ${octetsMax} octets`);
    if (!isV3(datagram)) return ofCommunity(datagram);
    try {
      return ofUser(datagram);
    } catch (error) {
      // A system that allows approved cryptography only has no MD5 and no DES.
      return refused(`this machine cannot check it: ${error}`);
    }
  };
}

/**
 * The sender's address says whose it is. Where no device is there, as behind address translation, an engine does that has proven
 * itself; then the agent's address in a trap, which a proxy has sent on: anybody can write it.
 */
function hintOf(
  { notification, by, engineId }: Extract<Received, { kind: "notification" }>,
  source: string,
  engines: Engines,
): Hint<Bus, Trap> {
  const { oid, agentAddress, bindings } = notification;
  const ways = [
    () => engines.at(source),
    () => (engineId === undefined ? [] : engines.of(engineId)),
    () => (agentAddress === undefined ? [] : engines.at(agentAddress)),
  ];
  let buses: readonly Bus[] = [];
  for (const way of ways) if (buses.length === 0) buses = way();
  return {
    ...{ source, by, trap: oid, buses },
    bindings: bindings.slice(0, bindingsMax).map((one) => ({ name: one.oid, text: textOfValue(one.value) })),
    isOf: (trap) => alike(trap.oid) === alike(oid),
  };
}

const againMs = 30_000;

export function listen(options: TrapOptions, env: Env, engines: Engines, hooks: Hooks): Listener {
  const ear = earOf(options, env, engines, hooks);
  let socket: Socket | undefined;
  let at = `${options.address}:${options.port}`;
  let trouble: string | null = null;
  let cancel = (): void => {};
  let isClosed = false;
  let { passed } = hooks;

  const fail = (broken: Socket, error: Error): void => {
    if (isClosed || socket !== broken) return;
    socket = undefined;
    broken.close();
    if (trouble === null) env.report("traps.deaf", { at, error: error.message });
    trouble = error.message;
    cancel = env.after(againMs, open);
  };
  const open = (): void => {
    // Not shared with another process: the system would hand it a part of the traps.
    const opened = createSocket({ type: options.address.includes(":") ? "udp6" : "udp4", reuseAddr: false });
    socket = opened;
    opened.on("error", (error) => fail(opened, error));
    opened.once("listening", () => {
      const { address, port } = opened.address();
      at = `${address}:${port}`;
      trouble = null;
      env.report("traps.listening", { at });
    });
    opened.on("message", (datagram, from) => ear.hear(datagram, sourceOf(from), answering(opened, from)));
    const place = passed === null ? { port: options.port, address: options.address } : { fd: passed };
    passed = null; // once closed, it is gone
    try {
      opened.bind({ ...place, exclusive: true });
    } catch (error) {
      fail(opened, error as Error); // what was passed is no socket for datagrams
    }
  };

  open();
  return {
    status: () => ({ at, trouble, ...ear.status() }),
    close() {
      cancel();
      if (isClosed) return Promise.resolve();
      isClosed = true;
      return new Promise((resolve) => (socket ? socket.close(() => resolve()) : resolve()));
    },
  };
}

/** A datagram may be forged to come from port 0, to which nothing can be sent: Node throws. */
export const answering =
  (socket: Pick<Socket, "send">, { address, port }: Pick<RemoteInfo, "address" | "port">): Send =>
  (reply) => {
    if (port > 0) socket.send(reply, port, address, () => {});
  };

/** An IPv4 address as IPv4 has it, also where it came through a socket of IPv6. */
const sourceOf = ({ address }: RemoteInfo): string => address.replace(/^::ffff:(?=\d+\.)/, "");

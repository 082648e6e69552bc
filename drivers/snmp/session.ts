import { type Env, within } from "../../agent/env.ts";
import type { Inquiry, Reading, Session, Told } from "../driver.ts";
import { afterAnswer, afterSilence, afterTooBig, type Capacity, unlimited } from "./capacity.ts";
import { type Found, readingOf, toldOf } from "./codec.ts";
import { communityBased } from "./community.ts";
import type { Answer, Dialect } from "./dialect.ts";
import { type Engines, enginesOf } from "./engines.ts";
import { Exchange } from "./exchange.ts";
import { errors } from "./message.ts";
import { findPeer, type Peer } from "./peer.ts";
import type { Point, Request } from "./plan.ts";
import { type Address, type Bus, type Device, defaultCommunity } from "./schema.ts";
import { userBased } from "./user-based.ts";

type Asked = Pick<Point, "id" | "address">;

/**
 * Reads one device with GetRequests, one at a time. How many OIDs the device can answer at once is learnt
 * from its tooBig or its silence, and remembered until the session ends.
 */
export class SnmpSession implements Session<Request> {
  readonly #bus: Bus;
  readonly #env: Env;
  readonly #engines: Engines;
  readonly #dialect: Dialect;
  #capacity: Capacity;
  /** OIDs that made a request fail: they are asked for last and each alone, so that the others are not kept waiting. */
  readonly #failing = new Set<string>();
  /** Looked up at the first read, and again after each fault: by then the name may be another address's. */
  #peer: Promise<Peer | Error> | undefined;
  #current: Exchange | undefined;
  #closed = false;

  constructor(bus: Bus, env: Env, engines: Engines = enginesOf(env)) {
    this.#bus = bus;
    this.#env = env;
    this.#engines = engines;
    this.#dialect = dialectOf(bus, env, engines);
    this.#capacity = unlimited(bus.maxOids);
  }

  async read(request: Request, timeoutMs: number): Promise<readonly Reading[]> {
    const found = await this.#find(request.points, timeoutMs);
    return request.points.map((point) => readingOf(point, found.get(point.id)));
  }

  async identify({ parts }: Inquiry<Device, Address>, timeoutMs: number): Promise<readonly Told[]> {
    const asked = parts.map(({ name, address }) => ({ id: name, address }));
    const found = await this.#find(asked, timeoutMs);
    return asked.map((one) => toldOf(one, found.get(one.id)));
  }

  async #find(asked: readonly Asked[], timeoutMs: number): Promise<ReadonlyMap<string, Found>> {
    const deadline = this.#env.clock.mono() + timeoutMs;
    const found = new Map<string, Found>();
    const isFailing = ({ address }: Asked): boolean => this.#failing.has(address.oid);
    const alone = asked.filter(isFailing).map((one) => [one]);
    for (let open = [asked.filter((one) => !isFailing(one)), ...alone].filter(isSome); open.length > 0; ) {
      const [first = [], ...rest] = open;
      const batch = first.slice(0, this.#capacity.now);
      const answer = await this.#ask(batch, deadline, timeoutMs);
      for (const [id, one] of this.#found(batch, answer)) found.set(id, one);
      const halves = isUnblamed(answer, batch) ? halved(first, batch.length) : [first];
      open = [...halves, ...rest].map((some) => some.filter(({ id }) => !found.has(id))).filter(isSome);
    }
    return found;
  }

  /** Either some of the batch is found now, or the next batch is smaller: so `#find` comes to an end. */
  #found(batch: readonly Asked[], answer: Answer): (readonly [string, Found])[] {
    switch (answer.kind) {
      case "bindings":
        for (const { address } of batch) this.#failing.delete(address.oid);
        return batch.map(({ id }, at) => [id, answer.bindings[at]]);
      case "fault":
        return batch.map(({ id }) => [id, { fault: answer.fault, detail: answer.detail }]);
      case "refused": {
        if (isUnblamed(answer, batch)) return [];
        if (answer.status === errors.tooBig && batch.length > 1) {
          this.#capacity = afterTooBig(this.#capacity, batch.length);
          return [];
        }
        // One OID that fails makes a GetRequest fail whole: without the one blamed the others can be asked again.
        const blamed = batch.filter(({ address }) => batch.length === 1 || address.oid === answer.oid);
        for (const { address } of blamed) this.#failing.add(address.oid);
        const fault = answer.status === errors.noSuchName ? "no_such_point" : "device_error";
        return (blamed.length > 0 ? blamed : batch).map(({ id }) => [id, { fault, detail: answer.detail }]);
      }
    }
  }

  async #ask(batch: readonly Asked[], deadline: number, timeoutMs: number): Promise<Answer> {
    const leftMs = deadline - this.#env.clock.mono();
    const answer = await this.#exchange(batch, deadline);
    if (answer.kind === "bindings") this.#capacity = afterAnswer(this.#capacity, batch.length);
    if (answer.kind !== "fault") return answer;
    // What is asked near the end of a read may be right and come too late.
    const isSilent = answer.fault === "timeout" && leftMs >= timeoutMs / 2;
    if (isSilent) this.#capacity = afterSilence(this.#capacity, batch.length);
    this.#peer = undefined;
    this.#dialect.forget();
    return answer;
  }

  async #exchange(batch: readonly Asked[], deadline: number): Promise<Answer> {
    const leftMs = () => Math.floor(deadline - this.#env.clock.mono());
    if (leftMs() <= 0) return { kind: "fault", fault: "timeout", detail: "no time left in this read" };
    const { host, port } = this.#bus;
    this.#peer ??= findPeer(host, port).catch((error: Error) => error);
    const peer = await within(this.#env, leftMs(), this.#peer, () => new Error(`looking up ${host} takes too long`));
    if (this.#closed) return { kind: "fault", fault: "unreachable", detail: "the session is closed" };
    if (peer instanceof Error) return { kind: "fault", fault: "unreachable", detail: peer.message };
    this.#engines.place(this.#bus, peer);
    this.#current = new Exchange(this.#env, {
      peer,
      turn: this.#dialect.ask(batch.map(({ address }) => address.oid)),
      timeoutMs: Math.max(1, leftMs()),
    });
    return this.#current.answer;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#current?.cancel("the session is closed");
  }
}

function dialectOf(bus: Bus, env: Env, engines: Engines): Dialect {
  const { version, community, user = "", auth, priv, context = "" } = bus;
  if (version === 3) return userBased({ user, auth, priv, context }, env, (told) => engines.proven(bus, told));
  return communityBased(version, community?.reveal() ?? defaultCommunity);
}

/** One of several OIDs does not exist, and the device does not say which: halves of them are asked. */
const isUnblamed = (answer: Answer, batch: readonly Asked[]): boolean =>
  answer.kind === "refused" && answer.status === errors.noSuchName && answer.oid === undefined && batch.length > 1;

function halved(asked: readonly Asked[], size: number): Asked[][] {
  const middle = Math.ceil(size / 2);
  return [asked.slice(0, middle), asked.slice(middle, size), asked.slice(size)];
}

const isSome = (asked: readonly Asked[]): boolean => asked.length > 0;

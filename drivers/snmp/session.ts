import type { PointId } from "../../agent/core/sample.ts";
import { type Env, within } from "../../agent/env.ts";
import { faults, type Reading, type Session } from "../driver.ts";
import { readingOf } from "./codec.ts";
import { type Answer, Exchange } from "./exchange.ts";
import { errors } from "./message.ts";
import { findPeer, type Peer } from "./peer.ts";
import type { Point, Request } from "./plan.ts";
import type { Bus } from "./schema.ts";

/**
 * Reads one device with GetRequests, one at a time. How many OIDs the device can answer at once is learnt
 * from its tooBig, and remembered until the session ends.
 */
export class SnmpSession implements Session<Request> {
  readonly #bus: Bus;
  readonly #env: Env;
  #oidsMax: number;
  /** Looked up at the first read, and again after each fault: by then the name may be another address's. */
  #peer: Promise<Peer | Error> | undefined;
  #current: Exchange | undefined;
  #closed = false;

  constructor(bus: Bus, env: Env) {
    this.#bus = bus;
    this.#env = env;
    this.#oidsMax = bus.maxOids;
  }

  async read(request: Request, timeoutMs: number): Promise<readonly Reading[]> {
    const deadline = this.#env.clock.mono() + timeoutMs;
    const readings = new Map<PointId, Reading>();
    for (let open = request.points; open.length > 0; open = open.filter(({ id }) => !readings.has(id))) {
      const batch = open.slice(0, this.#oidsMax);
      const answer = await this.#ask(batch, deadline);
      for (const reading of this.#readings(batch, answer)) readings.set(reading.point, reading);
    }
    return request.points.map(({ id }) => readings.get(id) ?? { point: id, fault: "bad_reply", detail: "not read" });
  }

  /** Either some of the batch is read now, or the next batch is smaller: so `read` comes to an end. */
  #readings(batch: readonly Point[], answer: Answer): Reading[] {
    switch (answer.kind) {
      case "bindings":
        return batch.map((point, at) => readingOf(point, answer.varbinds[at]));
      case "fault":
        return faults({ points: batch }, answer.fault, answer.detail);
      case "refused": {
        if (answer.status === errors.tooBig && batch.length > 1) {
          this.#oidsMax = Math.ceil(batch.length / 2);
          return [];
        }
        // One OID that fails makes a GetRequest fail whole: without the one blamed the others can be asked again.
        const blamed = batch.filter(({ address }) => address.oid === answer.oid);
        const fault = blamed.length > 0 && answer.status === errors.noSuchName ? "no_such_point" : "device_error";
        return faults({ points: blamed.length > 0 ? blamed : batch }, fault, answer.detail);
      }
    }
  }

  async #ask(batch: readonly Point[], deadline: number): Promise<Answer> {
    const answer = await this.#exchange(batch, deadline);
    if (answer.kind === "fault") this.#peer = undefined;
    return answer;
  }

  async #exchange(batch: readonly Point[], deadline: number): Promise<Answer> {
    const leftMs = () => Math.floor(deadline - this.#env.clock.mono());
    if (leftMs() <= 0) return { kind: "fault", fault: "timeout", detail: "no time left in this read" };
    const { host, port, community } = this.#bus;
    this.#peer ??= findPeer(host, port).catch((error: Error) => error);
    const peer = await within(this.#env, leftMs(), this.#peer, () => new Error(`looking up ${host} takes too long`));
    if (this.#closed) return { kind: "fault", fault: "unreachable", detail: "the session is closed" };
    if (peer instanceof Error) return { kind: "fault", fault: "unreachable", detail: peer.message };
    this.#current = new Exchange(this.#env, {
      peer,
      community: community.reveal(),
      oids: batch.map(({ address }) => address.oid),
      timeoutMs: Math.max(1, leftMs()),
    });
    return this.#current.answer;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#current?.cancel("the session is closed");
  }
}

import type { Env } from "../../agent/env.ts";
import { faults, type Inquiry, type Reading, type Session, type Told } from "../driver.ts";
import { untold } from "../told.ts";
import { type Answer, type Result, type ResultKey, resultKey } from "./answer.ts";
import { errorCode, errorFault, errorTag, readingOf, refusalFault, toldOf } from "./codec.ts";
import { type Exchange, readMultiple, readSingle } from "./exchange.ts";
import type { Hub, Line } from "./hub.ts";
import { chunks, type Point, type Request } from "./plan.ts";
import { objectOf, propertiesOf, questions } from "./question.ts";
import { type Bus, type Device, deviceObject, deviceProperties, type Part, statusFlags } from "./schema.ts";

/** Aborts that say "less at once": buffer-overflow, segmentation-not-supported, apdu-too-long. */
const tooMuch: ReadonlySet<number> = new Set([1, 4, 11]);
const unrecognizedService = 9; // Reject

/**
 * Reads one device, one request at a time, in as few requests as the device can take: what it takes is
 * learnt from its refusals, and remembered until the session ends.
 */
export class BacnetSession implements Session<Request> {
  readonly #env: Env;
  readonly #line: Line;
  /** Most points to ask for at once, learnt from refusals. */
  #pointsMax = Number.POSITIVE_INFINITY;
  /** The device knows ReadProperty only. */
  #singly = false;
  /** Status-flags seen to be missing; matters only when asking singly. */
  readonly #flagless = new Set<ResultKey>();
  #current: Exchange | undefined;
  #closed = false;

  constructor(bus: Bus, env: Env, hub: Hub) {
    this.#env = env;
    this.#line = hub.line(bus.host, bus.port);
  }

  async read(request: Request, timeoutMs: number): Promise<readonly Reading[]> {
    const deadline = this.#env.clock.mono() + timeoutMs;
    const readings = new Map<string, Reading>();
    const queue = chunks(request.points, Math.min(this.#pointsMax, request.points.length || 1));
    for (let batch = queue.shift(); batch; batch = queue.shift()) {
      const outcome = await this.#readBatch(batch, deadline);
      if (outcome === "too much") queue.unshift(...chunks(batch, Math.ceil(batch.length / 2)));
      else for (const reading of outcome) readings.set(reading.point, reading);
    }
    return request.points.map(({ id }) => readings.get(id) ?? { point: id, fault: "bad_reply", detail: "not read" });
  }

  async identify({ device, parts }: Inquiry<Device, Part>, timeoutMs: number): Promise<readonly Told[]> {
    const deadline = this.#env.clock.mono() + timeoutMs;
    const object = { type: deviceObject, instance: device.instance };
    const asked = parts.map(({ name, address }) => ({ name, property: deviceProperties[address.property] }));
    if (!this.#singly) {
      const question = { object, properties: asked.map(({ property }) => property) };
      const answer = await this.#ask(deadline, (ms) => readMultiple(this.#env, this.#line, [question], ms));
      if (answer.kind === "fault") return asked.map(({ name }) => untold(name, answer.fault, answer.detail));
      if (answer.kind === "results")
        return asked.map(({ name, property }) => toldOf(name, answer.results.get(resultKey(object, property))));
    }
    const answers: Told[] = [];
    for (const { name, property } of asked) {
      const results = new Map<ResultKey, Result>();
      const key = resultKey(object, property);
      const answer = await this.#ask(deadline, (ms) => readSingle(this.#env, this.#line, object, property, ms));
      const fault = this.#collect(answer, key, results);
      answers.push(fault ? untold(name, fault.fault, fault.detail) : toldOf(name, results.get(key)));
    }
    return answers;
  }

  /** Readings of the batch, or that it must be asked for in halves; a batch of one is never too much. */
  async #readBatch(batch: readonly Point[], deadline: number): Promise<Reading[] | "too much"> {
    if (this.#singly) return this.#readSingly(batch, deadline);
    const answer = await this.#ask(deadline, (timeoutMs) =>
      readMultiple(this.#env, this.#line, questions(batch), timeoutMs),
    );
    switch (answer.kind) {
      case "results":
        return batch.map((point) => readingOf(point, answer.results));
      case "fault":
        return faults({ points: batch }, answer.fault, answer.detail);
      case "error":
        return this.#afterError(batch, answer, deadline);
      case "reject":
      case "abort":
        return this.#afterRefusal(batch, answer, deadline);
    }
  }

  /** Some devices refuse all of a request for one object they lack: then the halves find which. */
  #afterError(batch: readonly Point[], error: Extract<Answer, { kind: "error" }>, deadline: number) {
    if (error.errorCode === errorCode.unrecognizedService) this.#singly = true;
    if (this.#singly) return this.#readSingly(batch, deadline);
    const { fault, detail } = errorFault(error.errorClass, error.errorCode);
    if (fault !== "no_such_point") return faults({ points: batch }, fault, detail);
    return batch.length > 1 ? "too much" : this.#readSingly(batch, deadline);
  }

  #afterRefusal(batch: readonly Point[], refusal: Extract<Answer, { kind: "abort" | "reject" }>, deadline: number) {
    const { kind, reason } = refusal;
    if (kind === "abort" && !tooMuch.has(reason)) {
      const { fault, detail } = refusalFault(kind, reason);
      return faults({ points: batch }, fault, detail);
    }
    if (batch.length === 1 || (kind === "reject" && reason === unrecognizedService)) {
      this.#singly = true;
      return this.#readSingly(batch, deadline);
    }
    this.#pointsMax = Math.ceil(batch.length / 2);
    return "too much";
  }

  async #readSingly(batch: readonly Point[], deadline: number): Promise<Reading[]> {
    const readings: Reading[] = [];
    for (const point of batch) readings.push(await this.#readOne(point, deadline));
    return readings;
  }

  async #readOne(point: Point, deadline: number): Promise<Reading> {
    const object = objectOf(point);
    const results = new Map<ResultKey, Result>();
    for (const property of propertiesOf(point)) {
      const key = resultKey(object, property);
      if (this.#flagless.has(key)) continue;
      const answer = await this.#ask(deadline, (timeoutMs) =>
        readSingle(this.#env, this.#line, object, property, timeoutMs),
      );
      const fault = this.#collect(answer, key, results);
      if (fault) return { point: point.id, ...fault };
      if (answer.kind !== "error") continue;
      if (property === statusFlags) this.#flagless.add(key);
      break; // the flags of a value that cannot be read tell nothing
    }
    return readingOf(point, results);
  }

  #collect(answer: Answer, key: ResultKey, results: Map<ResultKey, Result>) {
    switch (answer.kind) {
      case "results":
        for (const [found, result] of answer.results) results.set(found, result);
        return undefined;
      case "error":
        results.set(key, [{ type: errorTag, value: answer }]);
        return undefined;
      case "fault":
        return { fault: answer.fault, detail: answer.detail };
      case "abort":
      case "reject":
        return refusalFault(answer.kind, answer.reason);
    }
  }

  async #ask(deadline: number, start: (timeoutMs: number) => Exchange): Promise<Answer> {
    if (this.#closed) return { kind: "fault", fault: "unreachable", detail: "the session is closed" };
    const leftMs = Math.floor(deadline - this.#env.clock.mono());
    if (leftMs <= 0) return { kind: "fault", fault: "timeout", detail: "no time left in this read" };
    this.#current = start(leftMs);
    return this.#current.answer;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#current?.cancel("the session is closed");
  }
}

import type { Mono } from "../../agent/core/sample.ts";
import type { Env } from "../../agent/env.ts";
import { faults, type Inquiry, type Reading, type Session, type Told } from "../driver.ts";
import { textOf, told, untold } from "../told.ts";
import { decode, octetsOf } from "./codec.ts";
import { isMissing } from "./failure.ts";
import { type Answer, dial, type Link, type Range } from "./link.ts";
import { type Request, split } from "./plan.ts";
import {
  type Address,
  type Bus,
  type Device,
  meantBy,
  type Part,
  placeOf,
  type TextAddress,
  widthOf,
} from "./schema.ts";

/** Reads requests over one link at a time and makes another link when that one has ended. */
export function openSession(bus: Bus, env: Env): Session<Request> {
  let link: Link | undefined;
  let closed = false;
  /** Requests a device refused as a whole: asked in parts from then on, so that the refusal costs once. */
  const inParts = new Set<string>();

  async function onLink(until: Mono, exchange: (on: Link, ms: number) => Promise<Answer>): Promise<Answer> {
    const left = until - env.clock.mono();
    if (closed) return { fault: "unreachable", detail: "session closed" };
    if (left <= 0) return { fault: "timeout", detail: "no time left in this read" };
    if (!link?.usable) link = dial(bus, env);
    return exchange(link, left);
  }
  const ask = (range: Range, until: Mono): Promise<Answer> => onLink(until, (on, ms) => on.ask(range, ms));

  /** One value after the other, until the link ends: then the rest fails alike, for each would wait as long. */
  async function readInParts(request: Request, until: Mono): Promise<Reading[]> {
    const readings: Reading[] = [];
    let lost: Answer | undefined;
    for (const part of split(request)) {
      const answer = lost ?? (await ask(part, until));
      if (!link?.usable) lost = answer;
      readings.push(...readingsOf(part, answer));
    }
    return readings;
  }

  return {
    async read(request, timeoutMs) {
      const until = env.clock.mono() + timeoutMs;
      const key = keyOf(request);
      if (!inParts.has(key)) {
        const answer = await ask(request, until);
        if (!("fault" in answer && isMissing(answer)) || split(request).length === 1)
          return readingsOf(request, answer);
        inParts.add(key);
      }
      return readInParts(request, until);
    },
    async identify({ device: { unit }, parts }: Inquiry<Device, Part>, timeoutMs) {
      const until = env.clock.mono() + timeoutMs;
      const answers: Told[] = [];
      for (const { name, address } of parts) {
        const answer =
          "object" in address
            ? await onLink(until, (on, ms) => on.identify(unit, address.object, ms))
            : await ask(rangeOf(unit, address), until);
        answers.push(toldBy(name, address, answer));
      }
      return answers;
    },
    async close() {
      closed = true;
      link?.end({ fault: "unreachable", detail: "session closed" });
    },
  };
}

function readingsOf(request: Request, answer: Answer): Reading[] {
  if ("fault" in answer) {
    if (!isMissing(answer) || !isOneValue(request)) return faults(request, answer.fault, answer.detail);
    const { table, start: register } = request;
    const meant = meantBy({ table, register });
    const hint = meant === null ? "" : `; if ${register} is the number in a manual, it is ${meant}`;
    return faults(request, "no_such_point", `${answer.detail} for ${placeOf({ table, register })}${hint}`);
  }
  return request.points.map(({ id, address }) => {
    const from = address.register - request.start;
    return { point: id, ...decode(address, answer.data.slice(from, from + widthOf(address))) };
  });
}

const isOneValue = (request: Request): boolean => split(request).length === 1;

const keyOf = ({ unit, table, start, count }: Request): string => `${unit} ${table} ${start}+${count}`;

const registersIn = (address: Address | TextAddress): number =>
  address.type === "string" ? Math.ceil(address.length / 2) : widthOf(address);

const rangeOf = (unit: number, address: Address | TextAddress): Range => ({
  unit,
  table: address.table,
  start: address.register,
  count: registersIn(address),
});

function toldBy(part: string, address: Part, answer: Answer): Told {
  if ("fault" in answer) {
    const isAbsent = answer.exception === 1 || isMissing(answer);
    return untold(part, isAbsent ? "no_such_point" : answer.fault, answer.detail);
  }
  if ("object" in address) return told(part, textOf(Buffer.from(answer.data)));
  if (address.type === "string") return told(part, textOf(octetsOf(address, answer.data)));
  const decoded = decode(address, answer.data);
  return "fault" in decoded ? untold(part, decoded.fault, decoded.detail) : told(part, String(decoded.value));
}

import type { Mono } from "../../agent/core/sample.ts";
import type { Env } from "../../agent/env.ts";
import { faults, type Reading, type Session } from "../driver.ts";
import { decode } from "./codec.ts";
import { isMissing } from "./failure.ts";
import { type Answer, dial, type Link } from "./link.ts";
import { type Request, split } from "./plan.ts";
import { type Bus, widthOf } from "./schema.ts";

/** Reads requests over one link at a time and makes another link when that one has ended. */
export function openSession(bus: Bus, env: Env): Session<Request> {
  let link: Link | undefined;
  let closed = false;
  /** Requests a device refused as a whole: asked in parts from then on, so that the refusal costs once. */
  const inParts = new Set<string>();

  async function ask(request: Request, until: Mono): Promise<Answer> {
    const left = until - env.clock.mono();
    if (closed) return { fault: "unreachable", detail: "session closed" };
    if (left <= 0) return { fault: "timeout", detail: "no time left in this read" };
    if (!link?.usable) link = dial(bus, env);
    return link.ask(request, left);
  }

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
    async close() {
      closed = true;
      link?.end({ fault: "unreachable", detail: "session closed" });
    },
  };
}

function readingsOf(request: Request, answer: Answer): Reading[] {
  if ("fault" in answer) {
    const missing = isMissing(answer) && isOneValue(request);
    return faults(request, missing ? "no_such_point" : answer.fault, answer.detail);
  }
  return request.points.map(({ id, address }) => {
    const from = address.register - request.start;
    return { point: id, ...decode(address, answer.data.slice(from, from + widthOf(address))) };
  });
}

const isOneValue = (request: Request): boolean => split(request).length === 1;

const keyOf = ({ unit, table, start, count }: Request): string => `${unit} ${table} ${start}+${count}`;

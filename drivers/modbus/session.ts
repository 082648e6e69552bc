import type { Mono } from "../../agent/core/sample.ts";
import { type Env, within } from "../../agent/env.ts";
import { faults, type Inquiry, type Reading, type Session, type Told } from "../driver.ts";
import { textOf, told, untold } from "../told.ts";
import { decode, octetsOf } from "./codec.ts";
import { isMissing } from "./failure.ts";
import { type Holes, noHoles, readAround } from "./holes.ts";
import { objectsOf, serverIdQuestion, serverIdText } from "./identification.ts";
import { dial, type Link } from "./link.ts";
import type { Request } from "./plan.ts";
import { type Answer, type Question, questionOf, type Range } from "./question.ts";
import {
  type Address,
  type Bus,
  type Device,
  isRtu,
  meantBy,
  type Part,
  placeOf,
  type TextAddress,
  widthOf,
} from "./schema.ts";

const closeMs = 900;

/** Reads requests over one link at a time and makes another link when that one has ended. */
export function openSession(bus: Bus, env: Env): Session<Request> {
  let link: Link | undefined;
  let closed = false;
  let turn: Promise<unknown> = Promise.resolve();
  /** Until when a unit may still answer what was given up. RTU frames do not say what they answer. */
  const doubted = new Map<number, Mono>();
  /** What devices refused, by request. In memory only: a start learns it anew, which takes one poll. */
  const refused = new Map<string, Holes>();

  async function ask(question: Question, until: Mono): Promise<Answer> {
    const now = env.clock.mono();
    const left = until - now;
    if (closed) return { fault: "unreachable", detail: "session closed" };
    if (left <= 0) return { fault: "timeout", detail: "no time left in this read" };
    if (!link?.usable) link = dial(bus, env, link?.gone);
    // Half of its time at most: the unit may be well again.
    const notBefore = Math.min(doubted.get(question.unit) ?? 0, now + left / 2);
    const answer = await link.ask(question, left, notBefore);
    if (isRtu(bus) && !link.usable) doubted.set(question.unit, env.clock.mono() + left);
    return answer;
  }

  async function read(request: Request, until: Mono): Promise<readonly Reading[]> {
    const key = keyOf(request);
    const known = refused.get(key) ?? noHoles(request);
    let lost: Answer | undefined;
    const readings = await readAround(known, {
      async ask(range) {
        const answer = await ask(questionOf(range), until);
        if (!link?.usable) lost = answer;
        return answer;
      },
      lost: () => lost,
      now: env.clock.mono,
      readingsOf,
    });
    if (known.holes.size + known.cuts.size > 0) refused.set(key, known);
    else refused.delete(key);
    return readings;
  }

  async function identify({ device: { unit }, parts }: Inquiry<Device, Part>, until: Mono): Promise<readonly Told[]> {
    const answers: Told[] = [];
    const objectOf = objectsOf(unit, (question) => ask(question, until));
    const answerTo = (address: Part): Promise<Answer> => {
      if ("object" in address) return objectOf(address.object);
      return ask("serverId" in address ? serverIdQuestion(unit) : questionOf(rangeOf(unit, address)), until);
    };
    for (const { name, address } of parts) answers.push(toldBy(name, address, await answerTo(address)));
    return answers;
  }

  /** One after the other even if they are not awaited, for they share a line; the time of each runs from the call. */
  function inTurn<T>(timeoutMs: number, work: (until: Mono) => Promise<T>): Promise<T> {
    const until = env.clock.mono() + timeoutMs;
    const mine = turn.then(() => work(until));
    turn = mine;
    return mine;
  }

  return {
    read: (request, timeoutMs) => inTurn(timeoutMs, (until) => read(request, until)),
    identify: (inquiry: Inquiry<Device, Part>, timeoutMs) => inTurn(timeoutMs, (until) => identify(inquiry, until)),
    async close() {
      closed = true;
      link?.end({ fault: "unreachable", detail: "session closed" });
      // A serial port takes its time, and may take for ever.
      if (link) await within(env, closeMs, link.gone, () => undefined);
    },
  };
}

/** Of a request for one value: its points lie in the same registers. */
function readingsOf(request: Request, answer: Answer): Reading[] {
  if (!("fault" in answer))
    return request.points.map(({ id, address }) => ({ point: id, ...decode(address, answer.data) }));
  if (!isMissing(answer)) return faults(request, answer.fault, answer.detail);
  const { table, start: register } = request;
  const meant = meantBy({ table, register });
  const hint = meant === null ? "" : `; if ${register} is the number in a manual, it is ${meant}`;
  return faults(request, "no_such_point", `${answer.detail} for ${placeOf({ table, register })}${hint}`);
}

/** With its points: another request may read the same range for others. */
const keyOf = ({ unit, table, start, points }: Request): string =>
  `${unit} ${table} ${start} ${points.map(({ id }) => id).join()}`;

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
  if ("serverId" in address) return told(part, serverIdText(answer.data));
  if (address.type === "string") return told(part, textOf(octetsOf(address, answer.data)));
  const decoded = decode(address, answer.data);
  return "fault" in decoded ? untold(part, decoded.fault, decoded.detail) : told(part, String(decoded.value));
}

import type { Mono } from "../../agent/core/sample.ts";
import { type Env, within } from "../../agent/env.ts";
import { faults, type Inquiry, type Learnt, type Reading, type Session, type Told } from "../driver.ts";
import { textOf, told, untold } from "../told.ts";
import { decode, octetsOf } from "./codec.ts";
import { isMissing } from "./failure.ts";
import { readAround } from "./holes.ts";
import { objectsOf, serverIdQuestion, serverIdText } from "./identification.ts";
import { refusedOf } from "./learnt.ts";
import { dial, type Link } from "./link.ts";
import { pauseMs, type Request } from "./plan.ts";
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
export function openSession(bus: Bus, env: Env, learnt?: Learnt): Session<Request> {
  let link: Link | undefined;
  let closed = false;
  let turn: Promise<unknown> = Promise.resolve();
  /** Until when a unit may still answer what was given up. RTU frames do not say what they answer. */
  const doubted = new Map<number, Mono>();
  /** Until when a unit is to have its pause. */
  const resting = new Map<number, Mono>();
  /** How many replies each unit gave. */
  const replies = new Map<number, number>();
  const refused = refusedOf(learnt, env.clock.mono);

  async function ask(question: Question, pauseMs: number, until: Mono): Promise<Answer> {
    const now = env.clock.mono();
    const left = until - now;
    if (closed) return { fault: "unreachable", detail: "session closed" };
    if (left <= 0) return { fault: "timeout", detail: "no time left in this read" };
    if (!link?.usable) link = dial(bus, env, link?.gone);
    const { unit } = question;
    // Half of its time at most: the unit may be well again.
    const notBefore = Math.min(Math.max(doubted.get(unit) ?? 0, resting.get(unit) ?? 0), now + left / 2);
    const mine = link;
    const answer = await mine.ask(question, left, notBefore);
    if (isRtu(bus) && !mine.usable) doubted.set(unit, env.clock.mono() + left);
    if (pauseMs > 0) resting.set(unit, env.clock.mono() + pauseMs);
    if (!("fault" in answer) || answer.exception !== undefined) replies.set(unit, (replies.get(unit) ?? 0) + 1);
    return answer;
  }

  async function read(request: Request, until: Mono): Promise<readonly Reading[]> {
    const known = refused.of(request);
    let lost: Answer | undefined;
    const readings = await readAround(known, {
      async ask(range) {
        const answer = await ask(questionOf(range), pauseMs(request), until);
        if (!link?.usable || env.clock.mono() >= until) lost = answer;
        return answer;
      },
      lost: () => lost,
      now: env.clock.mono,
      answers: () => replies.get(request.unit) ?? 0,
      readingsOf,
    });
    refused.note(request, known);
    return readings;
  }

  async function identify({ device, parts }: Inquiry<Device, Part>, until: Mono): Promise<readonly Told[]> {
    const { unit, pause = 0 } = device;
    const answers: Told[] = [];
    const objectOf = objectsOf(unit, (question) => ask(question, pause, until));
    const answerTo = (address: Part): Promise<Answer> => {
      if ("object" in address) return objectOf(address.object);
      return ask("serverId" in address ? serverIdQuestion(unit) : questionOf(rangeOf(unit, address)), pause, until);
    };
    for (const { name, address } of parts) answers.push(toldBy(name, address, await answerTo(address)));
    return answers;
  }

  /**
   * One after the other even if they are not awaited, for they share a line, unless the bus carries more at once; the time of
   * each runs from the call.
   */
  function inTurn<T>(timeoutMs: number, work: (until: Mono) => Promise<T>): Promise<T> {
    const until = env.clock.mono() + timeoutMs;
    if (bus.window > 1) return work(until);
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

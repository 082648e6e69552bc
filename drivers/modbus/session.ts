import type { Mono } from "../../agent/core/sample.ts";
import type { Env } from "../../agent/env.ts";
import { faults, type Inquiry, type Learnt, type Reading, type Session, type Told } from "../driver.ts";
import { textOf, told, untold } from "../told.ts";
import { decode, octetsOf } from "./codec.ts";
import { isMissing } from "./failure.ts";
import { type Asking, noHoles, readAround } from "./holes.ts";
import { objectsOf, serverIdQuestion, serverIdText } from "./identification.ts";
import { refusedOf } from "./learnt.ts";
import { type Line, openLine } from "./line.ts";
import { pauseMs, type Request } from "./plan.ts";
import { type Answer, type Question, questionOf, type Range } from "./question.ts";
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

/** Reads requests, around what the device refuses. */
export function openSession(bus: Bus, env: Env, learnt?: Learnt): Session<Request> {
  const line = openLine(bus, env);
  const refused = refusedOf(learnt, env.clock.mono);
  /** Requests come again and again. */
  const questions = new WeakMap<Request, Question>();
  let turn: Promise<unknown> = Promise.resolve();

  async function read(request: Request, until: Mono): Promise<readonly Reading[]> {
    const known = refused.of(request);
    // Nearly always the device has all that it is asked for.
    const first = known === null ? await line.ask(questionFor(request), pauseMs(request), until) : null;
    if (first !== null && !("fault" in first)) return valuesIn(request, first.data);
    const parts = known ?? noHoles(request);
    const readings = await readAround(parts, askingFor(line, env, request, first, until));
    refused.note(request, parts);
    return readings;
  }

  function questionFor(request: Request): Question {
    const question = questions.get(request) ?? questionOf(request);
    questions.set(request, question);
    return question;
  }

  async function identify({ device, parts }: Inquiry<Device, Part>, until: Mono): Promise<readonly Told[]> {
    const { unit, pause = 0 } = device;
    const answers: Told[] = [];
    const objectOf = objectsOf(unit, (question) => line.ask(question, pause, until));
    const answerTo = (address: Part): Promise<Answer> => {
      if ("object" in address) return objectOf(address.object);
      const question = "serverId" in address ? serverIdQuestion(unit) : questionOf(rangeOf(unit, address));
      return line.ask(question, pause, until);
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
    close: line.close,
  };
}

/** @param first what the whole request came to, where it has been asked already */
function askingFor(line: Line, env: Env, request: Request, first: Answer | null, until: Mono): Asking {
  let given = first;
  let lost: Answer | undefined;
  return {
    async ask(range) {
      const answer = given ?? (await line.ask(questionOf(range), pauseMs(request), until));
      given = null;
      if (!line.usable() || env.clock.mono() >= until) lost = answer;
      return answer;
    },
    lost: () => lost,
    now: env.clock.mono,
    answers: () => line.replies(request.unit),
    readingsOf,
  };
}

function valuesIn({ points, start }: Request, data: readonly number[]): Reading[] {
  return points.map(({ id, address }) => {
    const decoded = decode(address, data, address.register - start);
    return "fault" in decoded ? { point: id, ...decoded } : { point: id, value: decoded.value };
  });
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

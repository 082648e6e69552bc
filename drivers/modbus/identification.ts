import { visible } from "../told.ts";
import { failureOf } from "./failure.ts";
import { type Answer, exceptionFlag, type Question } from "./question.ts";

/**
 * Who a unit is, by the two functions that tell it: Read Device Identification (V1.1b3, 6.21) and Report Server ID (6.13). Past
 * the library, whose own reading of a bad reply ends the process.
 */

/** Encapsulated interface transport, Read Device Identification. */
export const identification = { code: 0x2b, type: 0x0e } as const;
export const serverIdCode = 0x11;

/** The stream that an object is in: basic, regular or extended. */
const streamOf = (object: number): number => (object <= 2 ? 1 : object <= 6 ? 2 : 3);

/** Asks for the objects of a stream from this one on: as many as fit into one answer. */
export function identityQuestion(unit: number, object: number, stream = streamOf(object)): Question {
  const { code, type } = identification;
  return {
    unit,
    body: Buffer.from([unit, code, type, stream, object]),
    lengthOf(begun) {
      if (begun[1] === (code | exceptionFlag)) return 3;
      return begun[1] === code ? (objectsIn(begun)?.end ?? null) : null;
    },
    flawOf([from, given], length) {
      if (from !== unit) return `reply of unit ${from}, asked ${unit}`;
      if (given === (code | exceptionFlag)) return length === 3 ? undefined : `exception of length ${length}`;
      return given === code && length >= 8 ? undefined : `reply to function ${given}, asked ${code}/${type}`;
    },
    read(body) {
      if (body[1] !== code) return failureOf({ modbusCode: body[2] });
      if (body[2] !== type) return { fault: "bad_reply", detail: `reply of transport type ${body[2]}, asked ${type}` };
      const objects = objectsIn(body);
      if (objects === null) return { fault: "bad_reply", detail: `${body[7]} objects in ${body.length} bytes` };
      if (objects.end !== body.length) return { fault: "bad_reply", detail: "bytes after the last object" };
      return { data: [...body] };
    },
  };
}

interface Objects {
  readonly octets: ReadonlyMap<number, Buffer>;
  /** With which object it goes on in the next answer; null: this was all. */
  readonly next: number | null;
  readonly end: number;
}

/**
 * unit · function · type · stream · conformity · more follows · next object · count · (id · length · octets) …
 * Null where the bytes end before the last object does.
 */
function objectsIn(body: Buffer): Objects | null {
  const [more = 0, next = 0, count] = body.subarray(5);
  if (count === undefined) return null;
  const octets = new Map<number, Buffer>();
  let at = 8;
  for (let nth = 0; nth < count; nth++) {
    const [id, length] = [body[at], body[at + 1]];
    if (id === undefined || length === undefined || at + 2 + length > body.length) return null;
    if (!octets.has(id)) octets.set(id, body.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return { octets, next: more === 0 ? null : next, end: at };
}

/** No identification needs more; one that does is of a device that goes round and round. */
const answersMax = 16;

/**
 * What gives the objects of a unit, one after the other. What came along with one is not asked for again, and an answer that
 * begins elsewhere than asked is followed to the object, as long as it comes nearer. An answer without data: the unit has none such.
 */
export function objectsOf(unit: number, ask: (question: Question) => Promise<Answer>) {
  const known = new Map<number, Buffer>();
  return async (object: number): Promise<Answer> => {
    let from = object;
    for (let nth = 0; nth < answersMax && !known.has(object); nth++) {
      const answer = await ask(identityQuestion(unit, from, streamOf(object)));
      if ("fault" in answer) return answer;
      const objects = objectsIn(Buffer.from(answer.data));
      for (const [id, octets] of objects?.octets ?? []) if (!known.has(id)) known.set(id, octets);
      const next = objects?.next ?? null;
      // The first answer may begin anew, below what was asked for; from there on it only goes up.
      if (next === null || next > object || (nth > 0 && next <= from)) break;
      from = next;
    }
    return { data: [...(known.get(object) ?? [])] };
  };
}

/** unit · function · byte count · what the maker put there. */
export function serverIdQuestion(unit: number): Question {
  return {
    unit,
    body: Buffer.from([unit, serverIdCode]),
    lengthOf: ([, given, count]) =>
      given === (serverIdCode | exceptionFlag) ? 3 : given === serverIdCode && count !== undefined ? 3 + count : null,
    flawOf([from, given, count = 0], length) {
      if (from !== unit) return `reply of unit ${from}, asked ${unit}`;
      if (given === (serverIdCode | exceptionFlag)) return length === 3 ? undefined : `exception of length ${length}`;
      if (given !== serverIdCode) return `reply to function ${given}, asked ${serverIdCode}`;
      return length === 3 + count ? undefined : `${count} bytes of data in a frame of length ${length}`;
    },
    read: (body) => (body[1] === serverIdCode ? { data: [...body.subarray(3)] } : failureOf({ modbusCode: body[2] })),
  };
}

/**
 * What a server id says, for people. Neither its length is told nor where the run indicator is that follows it (00 off, FF on)
 * and must not make another device of it: so what can be read is taken, and where nothing can, all octets but 00 and FF.
 */
export function serverIdText(data: readonly number[]): string {
  const words =
    Buffer.from(data)
      .toString("latin1")
      .match(/[ -~]{3,}/g) ?? [];
  const text = words.map((word) => word.trim()).join(" ");
  if (text.trim() !== "") return visible(text);
  const octets = data.filter((octet) => octet !== 0x00 && octet !== 0xff);
  return visible(octets.map((octet) => octet.toString(16).padStart(2, "0")).join(":"));
}

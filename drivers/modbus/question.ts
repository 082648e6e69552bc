import { EventEmitter } from "node:events";
import M from "modbus-serial";
import { type Failure, failureOf } from "./failure.ts";
import type { Request } from "./plan.ts";
import { sealed } from "./rtu.ts";
import { hasWords, type Table } from "./schema.ts";

/** What is read of a unit. */
export type Range = Omit<Request, "points">;

/** Registers, or bits as 0 and 1: as many as asked. Of what a unit tells of itself, the octets of the reply's body. */
export type Answer = { readonly data: readonly number[] } | Failure;

/** What may be asked of a unit, and what a right reply to it looks like, however it is framed. A body is unit · function · data. */
export interface Question {
  readonly unit: number;
  readonly body: Buffer;
  /** How long the body that begins with these bytes (three at least) is to be; null: they do not tell, or not yet. */
  lengthOf(begun: Buffer): number | null;
  /** What is wrong with a body of this length that begins with these bytes (three at least); undefined: nothing so far. */
  flawOf(begun: Buffer, length: number): string | undefined;
  /** Of a whole body without a flaw. Total. */
  read(body: Buffer): Answer;
}

/** Told all that comes after one question, chunk by chunk. */
export type Reader = (chunk: Buffer) => Outcome;
export type Outcome =
  | { readonly kind: "more" }
  | { readonly kind: "flaw"; readonly detail: string }
  | { readonly kind: "reply"; readonly body: Buffer };

export const functionCodes: Readonly<Record<Table, number>> = { coil: 1, discrete: 2, holding: 3, input: 4 };
/** Set in the function code of an exception. */
export const exceptionFlag = 0x80;

/** Asks for registers or bits. */
export function questionOf(range: Range): Question {
  const { unit, table, count } = range;
  const code = functionCodes[table];
  const bytes = hasWords(table) ? count * 2 : Math.ceil(count / 8);
  const { body, read } = coder(range);
  return {
    unit,
    body,
    read,
    lengthOf: ([, given]) => (given === code ? 3 + bytes : given === (code | exceptionFlag) ? 3 : null),
    flawOf([from, given, told], length) {
      if (from !== unit) return `reply of unit ${from}, asked ${unit}`;
      if (given === (code | exceptionFlag)) return length === 3 ? undefined : `exception of length ${length}`;
      if (given !== code) return `reply to function ${given}, asked ${code}`;
      if (told !== bytes) return `${told} bytes of data, asked ${bytes}`;
      return length === 3 + bytes ? undefined : `${bytes} bytes of data in a frame of length ${length}`;
    },
  };
}

/**
 * The library as what it is good at: it says the request and reads the reply, on a port that is none. It gets only replies
 * that have been judged, and is told of each exchange anew, so that nothing of an earlier one is left in it.
 */
function coder({ unit, table, start, count }: Range): Pick<Question, "body" | "read"> {
  let said: Buffer = Buffer.alloc(0);
  let answer: Answer = unreadable;
  const port = Object.assign(new EventEmitter(), {
    isOpen: true,
    open: (then: () => void) => then(),
    write: (bytes: Buffer) => {
      said = bytes;
    },
    // What the library finds its transaction by; there is one.
    ...{ _transactionIdRead: 1, _transactionIdWrite: 1 },
  });
  const client = new M.default(port);
  client.open(() => {});
  const whenRead = (error: unknown, reply: { data: readonly (number | boolean)[] }): void => {
    answer = error ? failureOf(error) : { data: numbersIn(reply.data, count) };
  };
  const say = (): void => {
    if (table === "coil") client.writeFC1(unit, start, count, whenRead);
    else if (table === "discrete") client.writeFC2(unit, start, count, whenRead);
    else if (table === "holding") client.writeFC3(unit, start, count, whenRead);
    else client.writeFC4(unit, start, count, whenRead);
  };
  say();
  return {
    body: said.subarray(0, -2),
    read(body) {
      answer = unreadable;
      say();
      port.emit("data", sealed(body));
      return answer;
    },
  };
}

const unreadable: Answer = { fault: "bad_reply", detail: "a reply that cannot be read" };

/** Coils come as booleans, and padded to whole bytes. */
const numbersIn = (data: readonly (number | boolean)[], count: number): readonly number[] =>
  typeof data[0] === "number" ? (data as readonly number[]).slice(0, count) : data.slice(0, count).map(Number);

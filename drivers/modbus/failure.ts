import type { BadReason } from "../../agent/core/sample.ts";

/** Everything that may go wrong in an exchange, brought into one form in one place. */
export interface Failure {
  readonly fault: BadReason;
  readonly detail: string;
  /** The number of the Modbus exception, if the device answered with one. */
  readonly exception?: number;
}

/** MODBUS Application Protocol V1.1b3, chapter 7. */
const exceptions: ReadonlyMap<number, string> = new Map([
  [1, "illegal function"],
  [2, "illegal data address"],
  [3, "illegal data value"],
  [4, "server device failure"],
  [5, "acknowledge"],
  [6, "server device busy"],
  [8, "memory parity error"],
  [10, "gateway path unavailable"],
  [11, "gateway target device failed to respond"],
]);

/** The two with which a gateway says that it answers, but the device behind it does not. */
const ofGateway: ReadonlyMap<number, BadReason> = new Map([
  [10, "unreachable"],
  [11, "timeout"],
]);

/**
 * Takes anything: the library's own errors are not `instanceof Error`, an exception is told by `modbusCode`, and
 * an `errno` may be a string. What is neither an exception nor of the socket is the library's complaint about a reply.
 */
export function failureOf(error: unknown): Failure {
  const { modbusCode, code, errno, message } = fieldsOf(error);
  const detail = String(message ?? error);
  if (typeof modbusCode === "number") return exceptionOf(modbusCode);
  const reason = typeof code === "string" ? code : errno;
  if (reason === "ETIMEDOUT") return { fault: "timeout", detail };
  if (typeof reason === "string") return { fault: "unreachable", detail };
  return { fault: "bad_reply", detail };
}

function exceptionOf(exception: number): Failure {
  const meaning = exceptions.get(exception) ?? "unknown";
  const detail = `exception ${exception} (${meaning})`;
  return { fault: ofGateway.get(exception) ?? "device_error", detail, exception };
}

/** Whether the device says, or shows, that what was asked is not there; of a wide read, that may be true for a part only. */
export const isMissing = ({ fault, exception }: Failure): boolean =>
  exception === 2 || exception === 3 || fault === "no_such_point";

export const refusal = (exception: number): Failure => exceptionOf(exception);

/** Whether a detail is that of an exception, also of a gateway's: the way to it is in order. */
export const isException = (detail: string): boolean => /^exception \d/.test(detail);

function fieldsOf(error: unknown): Partial<Record<"modbusCode" | "code" | "errno" | "message", unknown>> {
  return typeof error === "object" && error !== null ? error : {};
}

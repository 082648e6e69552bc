import type { BadReason } from "../../agent/core/sample.ts";
import type { Env } from "../../agent/env.ts";
import { type Binding, errors, type Pdu } from "./message.ts";

/** How a device is spoken to: the datagrams of one request, and what its answers mean. No sockets, no timers. */

/** What came of one request. */
export type Answer =
  | { readonly kind: "bindings"; readonly bindings: readonly Binding[] }
  /** The device's error-status; `oid` is the binding it blames, if it blames one. */
  | { readonly kind: "refused"; readonly status: number; readonly detail: string; readonly oid: string | undefined }
  | { readonly kind: "fault"; readonly fault: BadReason; readonly detail: string };

export type Heard =
  | Answer
  /** The device has told what was missing: `next` has to be sent at once. */
  | { readonly kind: "again" }
  /** Of another request, such as a duplicate of an earlier answer. */
  | { readonly kind: "other" }
  /** Nothing that such a device sends; the true answer may still come. */
  | { readonly kind: "garbage"; readonly what: string };

/** One request under way. */
export interface Turn {
  /** What to send now; the same again as long as nothing was heard. */
  next(): Buffer;
  /** Total: whatever the datagram is, it is something of `Heard`. */
  hear(datagram: Buffer): Heard;
  /** What it may mean that nothing came, for people; "" if nothing more than that. */
  hint(): string;
  /** It is over, whatever came of it. */
  end?(): void;
}

export interface Dialect {
  /** @param repetitions not the objects themselves, but what comes after each, as often as this (SNMPv1: once) */
  ask(oids: readonly string[], repetitions?: number): Turn;
  /** What was learnt of the device may no longer hold: it has not answered. */
  forget(): void;
}

export const idOf = (env: Env): number => Math.floor(env.random() * 2 ** 31);

/** RFC 3416, 3; those from 6 on are of SetRequests. */
const statusNames = ["noError", "tooBig", "noSuchName", "badValue", "readOnly", "genErr"];

export function answerOf({ errorStatus: status, errorIndex, bindings }: Pdu, oids: readonly string[]): Answer {
  if (status === errors.none) return { kind: "bindings", bindings };
  const detail = `error-status ${status} (${statusNames[status] ?? "not one of a GetRequest"})`;
  return { kind: "refused", status, detail, oid: oids[errorIndex - 1] };
}

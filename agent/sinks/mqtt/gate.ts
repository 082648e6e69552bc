import type { KeyObject } from "node:crypto";
import * as z from "zod";
import type { CommandMemory, Remembered } from "../../store/commands.ts";
import {
  type CommandMessage,
  type CommandName,
  type CommandRole,
  commandNames,
  commandRoles,
  commandSchemas,
  lifeMax,
  type RefusalCode,
} from "./commands.ts";
import { isSignedBy } from "./signature.ts";

/** Whose commands count, by `kid`. */
export type TrustedKeys = ReadonlyMap<string, TrustedKey>;
export interface TrustedKey {
  /** The most that whoever has the key may say that they are. */
  readonly role: CommandRole;
  readonly publicKey: KeyObject;
}

export interface Inbound {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
}

/** By what a message is judged. */
export interface Gate {
  readonly site: string;
  readonly agent: string;
  readonly keys: TrustedKeys;
  /** Wall clock, ms since the Unix epoch. */
  readonly now: number;
  /** Whether the system says that it is right; null: it does not say. */
  readonly synced: boolean | null;
  readonly memory: Pick<CommandMemory, "find" | "taker" | "forgottenTo">;
}

export type Decision =
  | { readonly is: "command"; readonly command: CommandMessage }
  /** It was begun before, with what came of it. */
  | { readonly is: "duplicate"; readonly command: CommandMessage; readonly before: Remembered }
  | { readonly is: "refused"; readonly refused: Refused };

export interface Refused {
  readonly code: RefusalCode;
  readonly detail: string;
  readonly topic: string;
  /** What the message says of itself; null: that cannot be read. */
  readonly cmdId: string | null;
  readonly name: string | null;
  readonly kid: string | null;
  /** Who asks; null: nobody has signed it. */
  readonly by: CommandMessage["issuedBy"] | null;
}

const payloadMax = 64 * 1024;
const detailMax = 300;
/** As far as the centre's clock may be before ours. */
const aheadMax = 60_000;

/**
 * What to do about a message on the topic of a command. Total, and changes nothing. All that is believed before the
 * signature was found good is where the message says that it belongs.
 */
export function admit({ topic, payload, retain }: Inbound, gate: Gate): Decision {
  const read = readIn(payload);
  const said = typeof read === "string" ? {} : read;
  const told = { topic, cmdId: uuidIn(said.cmdId), name: labelIn(said.name), kid: labelIn(said.kid) };
  const refuse = (code: RefusalCode, detail: string, by: Refused["by"] = null): Decision => ({
    is: "refused",
    refused: { code, detail: detail.slice(0, detailMax), ...told, by },
  });
  if (retain) return refuse("retained", "it was retained, so nobody may have meant it now; expected retain false");
  if (typeof read === "string") return refuse("invalid_args", read);
  const command = commandIn(read);
  if (typeof command === "string") return refuse("invalid_args", command);
  const meant = topic.slice(topic.lastIndexOf("/") + 1);
  if (meant !== command.name) return refuse("invalid_args", `name: it is ${command.name}, on the topic of ${meant}`);
  if (command.site !== gate.site || command.agent !== gate.agent)
    return refuse("forbidden", `it is for ${command.site}/${command.agent}; this is ${gate.site}/${gate.agent}`);
  const key = gate.keys.get(command.kid);
  if (key === undefined) return refuse("bad_signature", `no key "${command.kid}" is trusted here`);
  // Of the message as it came, so that nothing which the schema does not know is left out.
  if (!isSignedBy(read as { readonly sig: string }, key.publicKey))
    return refuse("bad_signature", `it is not signed by key "${command.kid}" as it stands`);
  const { issuedBy, cmdId, nonce } = command;
  if (rank(issuedBy.role) > rank(key.role))
    return refuse(
      "forbidden",
      `key "${command.kid}" speaks for a ${key.role} at most, not a ${issuedBy.role}`,
      issuedBy,
    );
  // Before its time is looked at: who got no answer may ask for it later than the command may be done.
  const before = gate.memory.find(cmdId);
  if (before !== null) return { is: "duplicate", command, before };
  const late = overdue(command, gate);
  if (late !== null) return refuse("expired", late, issuedBy);
  // A nonce is a ticket for one entry: of another command it is as void as one whose time is over.
  if (gate.memory.taker(nonce) !== null) return refuse("expired", "its nonce was taken by another command", issuedBy);
  return { is: "command", command };
}

/** `service` is the least: what it may do, everybody may. */
const rank = (role: CommandRole): number => (role === "service" ? -1 : commandRoles.indexOf(role));

/** Why its time is not now; null: it is. */
function overdue({ issuedAt, exp }: CommandMessage, { now, synced, memory }: Gate): string | null {
  const [from, to] = [Date.parse(issuedAt), Date.parse(exp)];
  if (to < from || to - from > lifeMax)
    return `it is to hold from ${issuedAt} to ${exp}; expected ${lifeMax / 1000} s at most`;
  if (synced === false)
    // Then it is the nonce that counts, as long as it is remembered.
    return from <= memory.forgottenTo
      ? `issued at ${issuedAt}; commands of that time may be forgotten, and the clock here cannot tell`
      : null;
  if (now > to) return `it was void from ${exp} on; it is ${new Date(now).toISOString()} here`;
  if (from - now > aheadMax) return `issued at ${issuedAt}; it is only ${new Date(now).toISOString()} here`;
  return null;
}

type Said = Readonly<Record<string, unknown>>;

/** Or what is wrong. */
function readIn(payload: Uint8Array): Said | string {
  if (payload.length > payloadMax) return `it has ${payload.length} bytes; expected ${payloadMax} at most`;
  try {
    const read: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
    return typeof read === "object" && read !== null && !Array.isArray(read) ? (read as Said) : "expected an object";
  } catch {
    return "it is no JSON in UTF-8";
  }
}

function commandIn(said: Said): CommandMessage | string {
  const name = commandNames.find((one) => one === said.name);
  if (name === undefined) return `name: expected one of ${commandNames.join(", ")}`;
  const parsed = (commandSchemas[name] as z.ZodType<CommandMessage<CommandName>>).safeParse(said);
  if (parsed.success) return parsed.data;
  return parsed.error.issues.map(({ path, message }) => `${path.map(String).join(".")}: ${message}`).join("; ");
}

const uuid = z.uuid();
const uuidIn = (value: unknown): string | null => uuid.safeParse(value).data ?? null;
const labelIn = (value: unknown): string | null =>
  typeof value === "string" && /^[\w.-]{1,64}$/.test(value) ? value : null;

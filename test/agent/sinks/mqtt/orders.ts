import { generateKeyPairSync, type KeyObject } from "node:crypto";
import {
  type CommandMessage,
  type CommandName,
  type CommandRole,
  commandArgs,
  isUntargeted,
  type Unsigned,
} from "../../../../agent/sinks/mqtt/commands.ts";
import type { TrustedKeys } from "../../../../agent/sinks/mqtt/gate.ts";
import { signCommand } from "../../../../agent/sinks/mqtt/signature.ts";

/** A centre of the tests: keys, and commands signed by them. */
export const pairs = Object.fromEntries(
  ["boss", "engineer", "hand", "eye", "program", "stranger"].map((kid) => [kid, generateKeyPairSync("ed25519")]),
) as Record<string, { privateKey: KeyObject; publicKey: KeyObject }>;

const roles: Readonly<Record<string, CommandRole>> = {
  boss: "supervisor",
  engineer: "engineer",
  hand: "technician",
  eye: "viewer",
  program: "service",
};

/** All but the stranger's. */
export const trusted: TrustedKeys = new Map(
  Object.entries(roles).map(([kid, role]) => [kid, { role, publicKey: pairs[kid]!.publicKey }]),
);

let number = 0;
const hex = (digits: number): string => (++number).toString(16).padStart(digits, "0");

/** A command of the boss with an id and a nonce of its own, that holds for a minute from `now` on. */
export function unsigned<N extends CommandName>(name: N, now: number, also: Partial<Unsigned<N>> = {}): Unsigned<N> {
  const args = { shelve: { reason: "works" }, replay: { epoch: `00000000-0000-4000-8000-${hex(12)}`, from: 1, to: 2 } };
  return {
    name,
    cmdId: `00000000-0000-4000-8000-${hex(12)}`,
    site: "s",
    agent: "a",
    issuedBy: { user: "kim", role: "supervisor" },
    issuedAt: new Date(now).toISOString(),
    exp: new Date(now + 60_000).toISOString(),
    nonce: `nonce-nonce-${hex(12)}`,
    kid: "boss",
    args: (args[name as "shelve"] ?? {}) as Unsigned<N>["args"],
    ...(isUntargeted(name) ? {} : { target: { conditionKey: "s/d0/door/open" } }),
    ...also,
  };
}

export const signed = <N extends CommandName>(
  name: N,
  now: number,
  also: Partial<Unsigned<N>> = {},
  by: string = also.kid ?? "boss",
): CommandMessage<N> => signCommand(unsigned(name, now, also), pairs[by]!.privateKey);

export const bytesOf = (message: unknown): Buffer =>
  Buffer.from(typeof message === "string" ? message : JSON.stringify(message));
export const topicFor = (name: string): string => `mepwatch/v1/s/a/cmd/${name}`;
export const names = Object.keys(commandArgs) as CommandName[];

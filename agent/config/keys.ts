import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { type CommandRole, commandRoles } from "../sinks/mqtt/commands.ts";
import type { TrustedKey } from "../sinks/mqtt/gate.ts";
import { didYouMean } from "./problem.ts";

/**
 * The file of trusted keys: whose commands the agent obeys, a key a line, `KID ROLE KEY [comment]`. KEY is the base64 of an
 * Ed25519 public key as SPKI DER. Empty lines and those that begin with # say nothing.
 */
export interface ReadKeys {
  readonly keys: ReadonlyMap<string, TrustedKey>;
  readonly problems: readonly { readonly line: number; readonly what: string }[];
}

export const kidFormat = /^[A-Za-z0-9_-]{1,64}$/;
export const isCommandRole = (text: string): text is CommandRole => (commandRoles as readonly string[]).includes(text);
const keyBytes = 44;
const shape = "expected KID ROLE KEY, as mepwatch keys make prints it";

/** How the base64 of an Ed25519 private key begins (PKCS#8 DER): many would pass for a name. */
const privateStart = "MC4CAQAwBQYDK2Vw";

/** Total. No problem repeats anything of its line: wherever it stands, it may be a private key. */
export function readKeys(text: string): ReadKeys {
  const keys = new Map<string, TrustedKey>();
  const places = new Map<string, number>();
  const problems: { line: number; what: string }[] = [];
  for (const [i, written] of text.split(/\r?\n/).entries()) {
    const [kid = "", role = "", key = ""] = written.trim().split(/\s+/);
    if (kid === "" || kid.startsWith("#")) continue;
    const line = i + 1;
    const found = keyOf(kid, role, key);
    const before = places.get(kid);
    if (typeof found === "string") problems.push({ line, what: found });
    else if (before !== undefined)
      problems.push({ line, what: `a key of this name is on line ${before}; expected another KID` });
    else {
      keys.set(kid, found);
      places.set(kid, line);
    }
    if (kid.startsWith("-----")) break; // the rest belongs to it
  }
  return { keys, problems };
}

function keyOf(kid: string, role: string, key: string): TrustedKey | string {
  if (kid.startsWith("-----")) return `a PEM file is no file of trusted keys; ${shape}`;
  if (kid.startsWith(privateStart)) return `a private key stands where the KID should; ${shape}`;
  if (!kidFormat.test(kid)) return `KID has 1 to 64 letters, digits, _ or -; ${shape}`;
  if (!isCommandRole(role))
    return `no such ROLE; expected one of ${commandRoles.join(", ")} behind the KID.${didYouMean(role.slice(0, 20), commandRoles)}`;
  const bytes = Buffer.from(key, "base64");
  const publicKey = bytes.length === keyBytes && bytes.toString("base64") === key ? publicKeyOf(bytes) : null;
  return publicKey === null
    ? `the KEY is no Ed25519 public key (SPKI DER, ${keyBytes} bytes in base64); ${shape}`
    : { role, publicKey };
}

function publicKeyOf(spki: Buffer): KeyObject | null {
  try {
    const key = createPublicKey({ key: spki, format: "der", type: "spki" });
    return key.asymmetricKeyType === "ed25519" ? key : null;
  } catch {
    return null;
  }
}

const spkiOf = (publicKey: KeyObject): Buffer => publicKey.export({ format: "der", type: "spki" });

/** The line of a key in the file. */
export const keyLine = (kid: string, { role, publicKey }: TrustedKey): string =>
  `${kid} ${role} ${spkiOf(publicKey).toString("base64")}`;

/** SHA-256 of the key's SPKI DER, 64 hex digits. */
export const fingerprintOf = ({ publicKey }: TrustedKey): string =>
  createHash("sha256").update(spkiOf(publicKey)).digest("hex");

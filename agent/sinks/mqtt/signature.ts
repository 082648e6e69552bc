import { type KeyObject, sign, verify } from "node:crypto";
import canonicalize from "canonicalize";
import type { CommandMessage, CommandName, Unsigned } from "./commands.ts";

/**
 * The signature of a command: Ed25519 over the RFC 8785 form of the message without `sig`, base64url.
 * @param privateKey an Ed25519 key
 * @throws where the key is of another kind, or a text of the message is no Unicode (half a surrogate pair)
 */
export function signCommand<N extends CommandName>(unsigned: Unsigned<N>, privateKey: KeyObject): CommandMessage<N> {
  return { ...unsigned, sig: sign(null, signed(unsigned), privateKey).toString("base64url") };
}

/** Whether `message` is, in every field, what the owner of the key has signed. Total. */
export function isSignedBy({ sig, ...unsigned }: { readonly sig: string }, publicKey: KeyObject): boolean {
  try {
    return verify(null, signed(unsigned), publicKey, Buffer.from(sig, "base64url"));
  } catch {
    return false; // no Unicode, so nobody can have signed it
  }
}

const signed = (unsigned: object): Buffer => Buffer.from(canonicalize(unsigned) ?? "");

import type { BadReason } from "../agent/core/sample.ts";
import type { Told } from "./driver.ts";

/** How what a device says of itself becomes a text that people can read and compare. Total. */

/** Longer texts are cut: no serial number is. */
export const toldMax = 128;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** UTF-8 where the octets are, else the octets themselves: 00:c0:b7:a1. Padding of NULs and blanks is left out. */
export function textOf(octets: Buffer): string {
  try {
    const text = trimmed(utf8.decode(octets));
    if (!text.includes("\0")) return visible(text);
  } catch {
    // Not UTF-8.
  }
  return visible(octets.toString("hex").replaceAll(/(..)(?=.)/g, "$1:"));
}

/** What cannot be seen, or would change how the rest is seen, as its code: \u{202e}. */
export function visible(text: string): string {
  const seen = trimmed(text).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`);
  return [...seen].slice(0, toldMax).join("");
}

const trimmed = (text: string): string => text.replace(/^[\s\0]+|[\s\0]+$/g, "");

/** An empty text tells nothing. */
export const told = (part: string, text: string): Told =>
  text === "" ? untold(part, "not_available", "an empty text") : { part, text };

export const untold = (part: string, fault: BadReason, detail: string): Told => ({ part, fault, detail });

import { crc32 } from "node:zlib";

/** Of a text, for `sumWith`: of one that stands in several rows it need be found once. */
export const sumOf = (text: string | Buffer): number => crc32(text);

/** The checksum of a row: of what names it, and of the text that it holds. */
export const sumWith = (name: string, ofText: number): number => crc32(name, ofText);

/** What names an event in the outbox. */
export const eventName = (epoch: string, seq: number, persistedAt: number): string =>
  `${epoch}\0${seq}\0${persistedAt}`;

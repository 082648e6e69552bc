import type { SimulatorOptions } from "../simulator.ts";
import { imageOf, type Text } from "./image.ts";
import { exceptionFlag, functionCodes, identification, type Range } from "./question.ts";
import { addressSchema, deviceSchema, hasWords, partSchema, type Table } from "./schema.ts";

/** A question as a device reads it, however it was framed. */
export interface Query {
  readonly unit: number;
  readonly code: number;
  readonly start: number;
  /** Of an identification, the object asked for. */
  readonly count: number;
}

/** The question in a body: unit · function · data. */
export function queryIn(body: Buffer): Query {
  const [unit = 0, code = 0] = body;
  // One of five bytes ends with the object it asks for.
  return { unit, code, start: body.readUInt16BE(2), count: body.length < 6 ? body.readUInt8(4) : body.readUInt16BE(4) };
}

/** What the devices of these options say to a question: unit · function · data. */
export function served({ points, value, identities = [] }: SimulatorOptions): (query: Query) => number[] {
  const parsed = points.map(({ id, device, address }) => ({
    id,
    device: deviceSchema.parse(device),
    address: addressSchema.parse(address),
  }));
  const { texts, objects } = selfKnowledge(identities);
  const image = imageOf(parsed, value, texts);
  return (query) => {
    const { unit, code, start, count } = query;
    if (code === identification.code) return identityReply(query, objects);
    const table = tableOf(code);
    if (!table) return exception(query, 1);
    if (count < 1 || count > (hasWords(table) ? 125 : 2000)) return exception(query, 3);
    const range: Range = { unit, table, start, count };
    const held = start + count > 65536 ? null : image(range);
    if (!held) return exception(query, 2);
    const data = hasWords(table) ? held.flatMap((word) => [word >> 8, word & 0xff]) : packed(held);
    return [unit, code, data.length, ...data];
  };
}

export const exception = ({ unit, code }: Query, number: number): number[] => [unit, code | exceptionFlag, number];

/** What the devices tell of themselves, in registers and as objects of Read Device Identification. */
function selfKnowledge(identities: NonNullable<SimulatorOptions["identities"]>) {
  const texts: Text[] = [];
  const objects: IdentityObject[] = [];
  for (const { device, parts, text } of identities) {
    const { unit } = deviceSchema.parse(device);
    for (const { name, address: written } of parts) {
      const address = partSchema.parse(written);
      const now = (): string | null => text(name);
      if ("object" in address) objects.push({ unit, id: address.object, text: now });
      else texts.push({ unit, address, text: now });
    }
  }
  return { texts, objects };
}

interface IdentityObject {
  readonly unit: number;
  readonly id: number;
  text(): string | null;
}

/** The whole stream from the object asked for; from the first where there is no such one. */
function identityReply(query: Query, all: readonly IdentityObject[]): number[] {
  const { unit, code, start, count: asked } = query;
  const told = all
    .filter((one) => one.unit === unit)
    .flatMap(({ id, text }) => {
      const now = text();
      return now === null ? [] : [{ id, octets: [...Buffer.from(now).subarray(0, 240)] }];
    })
    .toSorted((a, b) => a.id - b.id);
  if (told.length === 0) return exception(query, 1);
  const first = told.find(({ id }) => id === asked) ?? told[0];
  const { id = 0, octets = [] } = first ?? {};
  const isLast = told.at(-1) === first;
  const head = [code, identification.type, start & 0xff, 0x83, isLast ? 0 : 0xff, isLast ? 0 : id + 1, 1];
  return [unit, ...head, id, octets.length, ...octets];
}

function tableOf(code: number): Table | undefined {
  const tables: readonly Table[] = ["coil", "discrete", "holding", "input"];
  return tables.find((table) => functionCodes[table] === code);
}

/** Eight bits to a byte, the first one lowest. */
function packed(bits: readonly number[]): number[] {
  const bytes = new Array<number>(Math.ceil(bits.length / 8)).fill(0);
  for (const [i, bit] of bits.entries()) bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (bit << (i & 7));
  return bytes;
}

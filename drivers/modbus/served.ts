import type { SimulatorOptions } from "../simulator.ts";
import { identification, serverIdCode } from "./identification.ts";
import { imageOf, type Text } from "./image.ts";
import { exceptionFlag, functionCodes, type Range } from "./question.ts";
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
  const [high = 0, low = 0, first = 0, second] = body.subarray(2);
  // One of five bytes ends with the object it asks for.
  return { unit, code, start: (high << 8) | low, count: second === undefined ? first : (first << 8) | second };
}

/** What the devices of these options say to a question: unit · function · data. */
export function served({ points, value, identities = [] }: SimulatorOptions): (query: Query) => number[] {
  const parsed = points.map(({ id, device, address }) => ({
    id,
    device: deviceSchema.parse(device),
    address: addressSchema.parse(address),
  }));
  const { texts, objects, serverIds } = selfKnowledge(identities);
  const image = imageOf(parsed, value, texts);
  return (query) => {
    const { unit, code, start, count } = query;
    if (code === identification.code) return identityReply(query, objects);
    if (code === serverIdCode) return serverIdReply(query, serverIds);
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

/** What the devices tell of themselves: in registers, as objects of Read Device Identification, as their server id. */
function selfKnowledge(identities: NonNullable<SimulatorOptions["identities"]>) {
  const texts: Text[] = [];
  const objects: IdentityObject[] = [];
  const serverIds: Omit<IdentityObject, "id">[] = [];
  for (const { device, parts, text } of identities) {
    const { unit } = deviceSchema.parse(device);
    for (const { name, address: written } of parts) {
      const address = partSchema.parse(written);
      const now = (): string | null => text(name);
      if ("object" in address) objects.push({ unit, id: address.object, text: now });
      else if ("serverId" in address) serverIds.push({ unit, text: now });
      else texts.push({ unit, address, text: now });
    }
  }
  return { texts, objects, serverIds };
}

interface IdentityObject {
  readonly unit: number;
  readonly id: number;
  text(): string | null;
}

/** Up to which object each stream goes: basic, regular, extended. */
const lastOf: readonly number[] = [0, 2, 0x7f, 0xff];
const oneObject = 4;

/** One object an answer, from the one asked for; from the first of the stream where there is no such one. */
function identityReply(query: Query, all: readonly IdentityObject[]): number[] {
  const { unit, code, start, count: asked } = query;
  const kind = start & 0xff;
  const last = kind === oneObject ? 0xff : lastOf[kind];
  if (start >> 8 !== identification.type || !last) return exception(query, 3);
  const told = all
    .filter((one) => one.unit === unit)
    .flatMap(({ id, text }) => {
      const now = text();
      return now === null ? [] : [{ id, octets: [...Buffer.from(now).subarray(0, 240)] }];
    })
    .toSorted((a, b) => a.id - b.id);
  if (told.length === 0) return exception(query, 1);
  const stream = told.filter(({ id }) => id <= last);
  const found = stream.findIndex(({ id }) => id === asked);
  if (kind === oneObject && found < 0) return exception(query, 2);
  const [first, next] = stream.slice(Math.max(0, found));
  const goesOn = kind !== oneObject && next !== undefined;
  const objects = first === undefined ? [0] : [1, first.id, first.octets.length, ...first.octets];
  return [unit, code, identification.type, kind, 0x83, goesOn ? 0xff : 0, goesOn ? next.id : 0, ...objects];
}

/** As many devices have it: a number for an id, the run indicator (on), then the text. */
function serverIdReply(query: Query, all: readonly Omit<IdentityObject, "id">[]): number[] {
  const { unit, code } = query;
  const text = all.find((one) => one.unit === unit)?.text() ?? null;
  if (text === null) return exception(query, 1);
  const octets = [...Buffer.from(text).subarray(0, 240)];
  return [unit, code, octets.length + 2, unit, 0xff, ...octets];
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

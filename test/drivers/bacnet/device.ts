import { type Address, address as addressSchema } from "../../../drivers/bacnet/schema.ts";
import type { Serving } from "../../../drivers/bacnet/simulated/served.ts";
import { type Caller, simulatedDevice } from "../../../drivers/bacnet/simulated/simulated.ts";
import { readTags } from "../../../drivers/bacnet/wire/tags.ts";
import { fakeEnv } from "../../env.ts";

/** A simulated device without a network, on a clock that a test moves: asked in hexadecimal APDUs, and what it says in such. */

export const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

/** What a device holds: addresses as in a profile, and the number that each says; null: nothing. */
export type Held = readonly (readonly [address: unknown, value: number | null])[];

export interface Said {
  readonly apdu: string;
  readonly to: Caller;
  readonly isStrange: boolean;
}

export const asker: Caller = { address: "127.0.0.1", port: 5000, station: null };

export interface DeviceOptions {
  readonly instance?: number;
  readonly describe?: Serving["describe"];
  /** Ids of the points, one each. */
  readonly ids?: readonly string[];
}

export function device(held: Held, { instance = 1, describe, ids = [] }: DeviceOptions = {}) {
  const env = fakeEnv();
  const addresses = held.map(([address]) => addressSchema.parse(address));
  const idOf = (nth: number): string => ids[nth] ?? `point ${nth}`;
  const values = new Map(held.map(([, value], nth) => [idOf(nth), value]));
  const points = addresses.map((address: Address, nth) => ({ id: idOf(nth), device: { instance }, address }));
  const said: Said[] = [];
  const broadcasts: string[] = [];
  const told = { instance, points, value: (id: string) => values.get(id) ?? null, self: () => new Map() };
  const simulated = simulatedDevice(
    env,
    { ...told, ...(describe && { describe }) },
    {
      send: (apdu, to, { isStrange = false } = {}) => said.push({ apdu: checked(apdu).toString("hex"), to, isStrange }),
      broadcast: (apdu) => broadcasts.push(apdu.toString("hex")),
      flood: (apdu, to) => said.push({ apdu: apdu.toString("hex"), to, isStrange: false }),
    },
  );
  return {
    ...{ env, simulated, said, broadcasts },
    /** The number that the nth point says from now on. */
    set: (nth: number, value: number | null): void => void values.set(idOf(nth), value),
    /** What it says at once; several: one after the other. */
    ask(request: string, from: Caller = asker): string {
      const before = said.length;
      simulated.hear(hex(request), from, false);
      return said
        .slice(before)
        .map(({ apdu }) => apdu)
        .join(" ");
    },
    /** What it has said since this was called last, or since the start. */
    news: (): string[] => said.splice(0).map(({ apdu }) => apdu),
  };
}

/** Octets before the tags, by the upper half of the first. */
const headOf: Readonly<Record<number, number>> = { 0: 4, 16: 2, 32: 3, 48: 3, 80: 3, 96: 3, 112: 3 };

/** @throws where what a device says does not decode; a fault may want it to */
function checked(apdu: Buffer): Buffer {
  const [head = 0, , , error] = apdu;
  const isMeantToFail = (head & 0xf0) === 0x50 && error === 0x95;
  const isSegment = (head & 0xf8) === 0x38;
  if (isMeantToFail || isSegment) return apdu;
  if (readTags(apdu.subarray(headOf[head & 0xf0])) === undefined)
    throw new Error(`does not decode: ${apdu.toString("hex")}`);
  return apdu;
}

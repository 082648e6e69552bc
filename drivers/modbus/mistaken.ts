import { type Address, hasWords, type Table, widthOf } from "./schema.ts";

/** Manuals count from 1, from 0, or from 40001, and many name the wrong table. */
const otherTable: Readonly<Record<Table, Table>> = {
  holding: "input",
  input: "holding",
  coil: "discrete",
  discrete: "coil",
};

/** Where a value may be that is not where it was said to be, likeliest first. */
export function mistaken(address: Address): { mistake: string; address: Address }[] {
  const shifted = (by: number): Address => ({ ...address, register: address.register + by });
  const other = otherTable[address.table];
  const kind = hasWords(address.table) ? "registers" : "bits";
  const all = [
    { mistake: `the ${kind} lie one lower: the manual counts from 1, register: counts from 0`, address: shifted(-1) },
    { mistake: `the ${kind} lie one higher`, address: shifted(1) },
    { mistake: `they are in table ${other}, not ${address.table}`, address: { ...address, table: other } },
  ];
  const isThere = ({ register }: Address): boolean => register >= 0 && register + widthOf(address) <= 65_536;
  return all.filter((one) => isThere(one.address));
}

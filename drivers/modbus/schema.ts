import * as z from "zod";
import type { PlannedPoint } from "../driver.ts";

/** What a site file says of Modbus: the way to a bus, the device on it, the place of a point in the device. */

export const busSchema = z.strictObject({
  host: z.string().min(1).describe("Name or address of the device or of the gateway before it."),
  port: z.int().min(1).max(65535).default(502).describe("TCP port."),
  maxRegisters: z
    .int()
    .min(1)
    .max(125)
    .default(125)
    .describe("Most registers the device answers in one read; 16 times as many coils or discrete inputs."),
  maxGap: z
    .int()
    .min(0)
    .max(124)
    .default(8)
    .describe("Unused registers worth reading to save a request; 0 where a device refuses reads that touch one."),
});

export const deviceSchema = z.strictObject({
  unit: z.int().min(0).max(255).default(1).describe("Unit id; tells devices behind one gateway apart."),
});

const options = z.strictObject({
  table: z
    .enum(["holding", "input", "coil", "discrete"])
    .describe("Holding registers (4xxxx), input registers (3xxxx), coils (0xxxx) or discrete inputs (1xxxx)."),
  register: z
    .int()
    .min(0)
    .max(65535)
    .describe("As on the wire, counted from 0: 40001 in a manual is holding 0. The first one of a wider value."),
  type: z
    .enum(["u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64"])
    .default("u16")
    .describe("Unsigned or signed integer or IEEE float, and its bits; takes 1, 2 or 4 registers. Not for coils."),
  order: z
    .enum(["ABCD", "CDAB", "BADC", "DCBA"])
    .default("ABCD")
    .describe("Order of the bytes; ABCD: as the standard says, high first; CDAB: low register first."),
  bit: z.int().min(0).max(15).optional().describe("Takes this bit, 0 the lowest, of a 16-bit register, as 0 or 1."),
});

export const addressSchema = options.superRefine((address, context) => {
  const refuse = (option: keyof Address, message: string) =>
    context.addIssue({ code: "custom", path: [option], message });
  if (!hasWords(address.table)) {
    const why = `a ${address.table} is a single bit; expected this to be left out`;
    if (address.type !== "u16") refuse("type", why);
    if (address.order !== "ABCD") refuse("order", why);
    if (address.bit !== undefined) refuse("bit", why);
  } else if (address.bit !== undefined && address.type !== "u16") {
    refuse("bit", "a bit is taken of a u16 only; expected no type, or no bit");
  }
  const last = address.register + widthOf(address) - 1;
  if (address.register <= 65535 && last > 65535)
    refuse("register", "the value reaches beyond register 65535; expected a lower one");
});

const textInRegisters = z.strictObject({
  table: z.enum(["holding", "input"]).describe("Holding registers (4xxxx) or input registers (3xxxx)."),
  register: options.shape.register,
  type: z.literal("string").describe("Text, two characters a register; NULs and blanks around it are left out."),
  length: z.int().min(1).max(250).describe("Characters."),
  order: z.enum(["ABCD", "BADC"]).default("ABCD").describe("BADC: the second character of a register comes first."),
});

/** MODBUS Application Protocol V1.1b3, 6.21: 0 vendor, 1 product code, 2 revision, 4 product name, 5 model name. */
const identificationObject = z.strictObject({
  object: z.int().min(0).max(255).describe("Object of Read Device Identification (function 43/14), such as 5, model."),
});

export const partSchema = z.union(
  [identificationObject, textInRegisters, addressSchema],
  "expected { object: … }, { table: …, register: …, type: string, length: … } or the address of a number",
);

export type TextAddress = z.output<typeof textInRegisters>;
export type Part = z.output<typeof partSchema>;
export type Bus = z.output<typeof busSchema>;
export type Device = z.output<typeof deviceSchema>;
export type Address = z.output<typeof options>;
export type Table = Address["table"];
export type Order = Address["order"];
export type ModbusPoint = PlannedPoint<Device, Address>;

/** Whether a table holds 16-bit registers; the others hold single bits. */
export const hasWords = (table: Table): boolean => table === "holding" || table === "input";

/** Registers that a value takes; for a coil or discrete input, bits. */
export function widthOf({ table, type }: Address): number {
  return hasWords(table) ? Number(type.slice(1)) / 16 : 1;
}

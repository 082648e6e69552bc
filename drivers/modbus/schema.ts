import * as z from "zod";
import { duration } from "../../agent/core/duration.ts";
import type { PlannedPoint } from "../driver.ts";

/** What a site file says of Modbus: the way to a bus, the device on it, the place of a point in the device. */

const busOptions = z.strictObject({
  transport: z
    .enum(["tcp", "udp", "rtu-over-tcp", "rtu"])
    .default("tcp")
    .describe(
      "tcp: Modbus TCP; udp: the same frames in datagrams; rtu-over-tcp: a serial gateway that hands on RTU frames; rtu: a serial port of this machine.",
    ),
  host: z
    .string()
    .min(1)
    .optional()
    .describe("Name or address of the device or of the gateway before it. Not for rtu."),
  port: z.int().min(1).max(65535).optional().describe("TCP or UDP port, 502 if not given. Not for rtu."),
  path: z.string().min(1).optional().describe("For rtu: the serial port, such as /dev/ttyS0 or /dev/serial/by-id/…."),
  baud: z.int().min(300).max(1_000_000).optional().describe("For rtu: bits a second, 19200 if not given."),
  parity: z.enum(["even", "odd", "none"]).optional().describe("For rtu: even if not given, as the standard says."),
  stopBits: z
    .literal([1, 2])
    .optional()
    .describe("For rtu: 1 if not given, with parity none 2, as the standard says; many devices have 1 there, too."),
  turnaround: duration
    .refine((ms) => ms <= 1000, "expected at most 1s")
    .optional()
    .describe(
      "For rtu and rtu-over-tcp: silence between a reply and the next request, beyond the 3.5 characters of a serial port; for RS-485 converters that are slow to turn around. 0 if not given.",
    ),
  window: z
    .int()
    .min(1)
    .max(16)
    .optional()
    .describe("For tcp: how many requests the device or gateway takes at once on a connection, 1 if not given."),
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

const ofNetwork = ["host", "port"] as const;
const ofLine = ["path", "baud", "parity", "stopBits"] as const;
/** Options that only some transports know. */
const ofSome = { turnaround: ["rtu", "rtu-over-tcp"], window: ["tcp"] } as const;
const reachedBy = (needed: string, others: readonly string[]) => ({
  required: [needed],
  not: { anyOf: others.map((option) => ({ required: [option] })) },
});

export const busSchema = busOptions
  .superRefine((bus, context) => {
    const isLine = bus.transport === "rtu";
    const needed = isLine ? "path" : "host";
    if (bus[needed] === undefined) context.addIssue({ code: "custom", path: [needed], message: "expected a text" });
    for (const option of isLine ? ofNetwork : ofLine) {
      if (bus[option] === undefined) continue;
      const what = isLine ? "a serial port has none" : "only a serial port (transport: rtu) has one";
      context.addIssue({ code: "custom", path: [option], message: `${what}; expected this to be left out` });
    }
    for (const option of ["turnaround", "window"] as const) {
      const known: readonly string[] = ofSome[option];
      if (bus[option] === undefined || known.includes(bus.transport)) continue;
      const message = `only ${known.join(" and ")} know it; expected this to be left out`;
      context.addIssue({ code: "custom", path: [option], message });
    }
  })
  // The same, as far as an editor can know it.
  .meta({ anyOf: [reachedBy("host", ofLine), reachedBy("path", ofNetwork)] })
  .transform((bus) => {
    const { transport, host = "", port = 502, path = "", baud = 19200, parity = "even" as const, ...rest } = bus;
    const { stopBits = parity === "none" ? (2 as const) : (1 as const), turnaround = 0, window = 1, ...limits } = rest;
    const common = { ...limits, turnaround, window };
    return transport === "rtu"
      ? { ...common, transport, path, baud, parity, stopBits }
      : { ...common, transport, host, port };
  });

/** Whether frames are RTU's: with a checksum, and without anything that tells which request they answer. */
export const isRtu = ({ transport }: Bus): boolean => transport === "rtu" || transport === "rtu-over-tcp";

/** What a bus has for itself: through a second one, requests would meet on the line. */
export function placeOfBus(bus: Bus): string {
  if (bus.transport === "rtu") return bus.path;
  return `${bus.transport === "udp" ? "udp " : ""}${bus.host.toLowerCase()}:${bus.port}`;
}

export const deviceSchema = z.strictObject({
  unit: z.int().min(0).max(255).default(1).describe("Unit id; tells devices behind one gateway apart."),
  pause: duration
    .refine((ms) => ms <= 60_000, "expected at most 1m")
    .optional()
    .describe("Least time between an answer of this device and the next request to it; 0 if not given."),
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
    .enum(["u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64", "bcd16", "bcd32"])
    .default("u16")
    .describe(
      "Unsigned or signed integer, IEEE float, or binary-coded decimal of 4 or 8 digits; the number is that of its bits, 16 a register. Not for coils.",
    ),
  order: z
    .enum(["ABCD", "CDAB", "BADC", "DCBA"])
    .default("ABCD")
    .describe("Order of the bytes; ABCD: as the standard says, high first; CDAB: low register first."),
  bit: z.int().min(0).max(15).optional().describe("Takes this bit, 0 the lowest, of a 16-bit register, as 0 or 1."),
  bits: z
    .int()
    .min(1)
    .max(16)
    .optional()
    .describe("Takes so many bits from `bit` upwards, as a number; 1 if not given."),
});

export const addressSchema = options.superRefine((address, context) => {
  const refuse = (option: keyof Address, message: string) =>
    context.addIssue({ code: "custom", path: [option], message });
  if (!hasWords(address.table)) {
    const why = `a ${address.table} is a single bit; expected this to be left out`;
    if (address.type !== "u16") refuse("type", why);
    if (address.order !== "ABCD") refuse("order", why);
    if (address.bit !== undefined) refuse("bit", why);
    if (address.bits !== undefined) refuse("bits", why);
  } else if (address.bit !== undefined && address.type !== "u16") {
    refuse("bit", "a bit is taken of a u16 only; expected no type, or no bit");
  } else if (address.bits !== undefined) {
    if (address.bit === undefined) refuse("bits", "expected the lowest of them, too, as bit");
    else if (address.bit + address.bits > 16)
      refuse("bits", `a register has 16 bits; expected at most ${16 - address.bit} from bit ${address.bit} upwards`);
  }
  const last = address.register + widthOf(address) - 1;
  if (address.register <= 65535 && last > 65535)
    refuse("register", `a value from ${placeOf(address)} reaches beyond register 65535; expected a lower one`);
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

/** MODBUS Application Protocol V1.1b3, 6.13. */
const reportedId = z.strictObject({
  serverId: z.literal(true).describe("What Report Server ID (function 17) says that can be read."),
});

export const partSchema = z.union(
  [identificationObject, reportedId, textInRegisters, addressSchema],
  "expected { object: … }, { serverId: true }, { table: …, register: …, type: string, length: … } or the address of a number",
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

const widths: Readonly<Record<Address["type"], number>> = {
  ...{ u16: 1, s16: 1, u32: 2, s32: 2, u64: 4, s64: 4, f32: 2, f64: 4, bcd16: 1, bcd32: 2 },
};

/** Registers that a value takes; for a coil or discrete input, bits. */
export const widthOf = ({ table, type }: Pick<Address, "table" | "type">): number =>
  hasWords(table) ? widths[type] : 1;

const leading: Readonly<Record<Table, number>> = { coil: 0, discrete: 1, input: 3, holding: 4 };

/** As on the wire, and as manuals count, from 1 with the table before it: `holding 107 (40108)`. */
export function placeOf({ table, register }: Pick<Address, "table" | "register">): string {
  // Five digits end at 9999; beyond, manuals have six.
  return `${table} ${register} (${leading[table]}${String(register + 1).padStart(register < 9999 ? 4 : 5, "0")})`;
}

/** What was meant if a number of a manual, such as 40108, was written where the wire's is wanted; null: none such. */
export function meantBy({ table, register }: Pick<Address, "table" | "register">): string | null {
  const first = leading[table] * 10_000 + 1;
  if (leading[table] === 0 || register < first || register >= first + 9999) return null;
  return placeOf({ table, register: register - first });
}

import { isIP } from "node:net";
import * as z from "zod";
import { secret } from "../../agent/secret.ts";

const hostName = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*\.?$/i;

export const bus = z.strictObject({
  host: z
    .string()
    .refine((text) => isIP(text) !== 0 || hostName.test(text), "expected an IP address or a host name")
    .describe("IP address or name of the device; a name is looked up again after each failed exchange."),
  port: z.number().int().min(1).max(65_535).default(161).describe("UDP port of the device's SNMP agent."),
  version: z.literal([1, "2c"]).default("2c").describe("SNMP version."),
  community: secret
    .refine((community) => community.reveal() !== "", "an empty community cannot be sent")
    .prefault("public")
    .describe("Read community; travels in clear text."),
  maxOids: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(20)
    .describe("Most OIDs in one GetRequest; a device that answers tooBig is asked for fewer."),
});
export type Bus = z.infer<typeof bus>;

/** Host and port are the device: nothing more tells SNMP devices of one bus apart. */
export const device = z.strictObject({});
export type Device = z.infer<typeof device>;

/** The second arc ends at 39, as BER packs the first two arcs into one octet, and agents know no longer form. */
const oidText = /^[0-2]\.[1-3]?\d(\.(0|[1-9]\d{0,9}))+$/;
const isOid = (text: string): boolean => {
  const arcs = text.split(".");
  return oidText.test(text) && arcs.length <= 128 && arcs.every((arc) => Number(arc) < 2 ** 32); // RFC 3416, 4.1
};

export const address = z.strictObject({
  oid: z
    .string()
    .refine(isOid, "expected a numeric OID without a leading dot, such as 1.3.6.1.2.1.33.1.2.4.0")
    .describe("Numeric OID with the instance: .0 for a scalar, the row's index for a table column."),
});
export type Address = z.infer<typeof address>;

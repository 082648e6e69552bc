import { isIP } from "node:net";
import * as z from "zod";
import { secret } from "../../agent/secret.ts";
import { authProtocols, privProtocols } from "./usm.ts";

const hostName = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*\.?$/i;

const namesOf = <T extends object>(table: T) => Object.keys(table) as (keyof T & string)[];

/** RFC 3414, 11.2: shorter passphrases must not be taken. */
const passphraseMin = 8;
const passphrase = secret.refine((key) => key.reveal().length >= passphraseMin, "expected at least 8 characters");

export const defaultCommunity = "public";

const options = z.strictObject({
  host: z
    .string()
    .refine((text) => isIP(text) !== 0 || hostName.test(text), "expected an IP address or a host name")
    .describe("IP address or name of the device; a name is looked up again after each failed exchange."),
  port: z.number().int().min(1).max(65_535).default(161).describe("UDP port of the device's SNMP agent."),
  version: z.literal([1, "2c", 3]).default("2c").describe("SNMP version: 1 and 2c ask with a community, 3 as a user."),
  community: secret
    .refine((community) => community.reveal() !== "", "an empty community cannot be sent")
    .optional()
    .describe("Version 1 and 2c: read community, public if not given; travels in clear text."),
  user: z.string().min(1).max(32).optional().describe("Version 3: the user's name."),
  auth: z
    .strictObject({
      protocol: z.enum(namesOf(authProtocols)).describe("Digest that the device has for this user."),
      key: passphrase.describe("Passphrase, 8 characters at least."),
    })
    .optional()
    .describe("Version 3: proves on both sides who speaks; not given, nobody proves anything."),
  priv: z
    .strictObject({
      protocol: z
        .enum(namesOf(privProtocols))
        .describe("Cipher that the device has for this user; -c: with keys lengthened as on devices of Cisco."),
      key: passphrase.describe("Passphrase, 8 characters at least."),
    })
    .optional()
    .describe("Version 3: encrypts; needs auth."),
  context: z
    .string()
    .max(255)
    .optional()
    .describe("Version 3: the context that has the objects; default: the unnamed one."),
  maxOids: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(20)
    .describe("Most OIDs in one GetRequest; a device that answers tooBig, or not at all, is asked for fewer."),
});

export const bus = options.superRefine((given, context) => {
  const refuse = (option: keyof typeof given, message: string) =>
    context.addIssue({ code: "custom", path: [option], message });
  const has = (option: keyof typeof given): boolean => given[option] !== undefined;
  if (given.version === 3) {
    if (!has("user")) refuse("user", "expected the user's name, by which SNMPv3 asks");
    if (has("community")) refuse("community", "SNMPv3 has none; expected user, auth and priv");
    if (has("priv") && !has("auth")) refuse("priv", "needs auth: SNMPv3 has no privacy without authentication");
    return;
  }
  for (const option of ["user", "auth", "priv", "context"] as const) {
    if (has(option)) refuse(option, `SNMPv${given.version} has none; expected version: 3`);
  }
});
export type Bus = z.infer<typeof bus>;

/** Host and port are the device: nothing more tells SNMP devices of one bus apart. */
export const device = z.strictObject({});
export type Device = z.infer<typeof device>;

import { isIP } from "node:net";
import * as z from "zod";
import { secret } from "../../agent/secret.ts";
import { oid } from "./address.ts";
import { credentials } from "./schema.ts";

/** Where traps are heard, and who is believed: `traps` of the site file. */
const options = z.strictObject({
  address: z
    .string()
    .refine((text) => isIP(text) !== 0, "expected an IP address of this machine, or 0.0.0.0")
    .default("0.0.0.0")
    .describe('Address of this machine to listen at; default: all of IPv4; "::" is all of IPv6, and of IPv4 mostly.'),
  port: z
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(162)
    .describe("UDP port; 162 needs a privilege, 10162 does not; 0: any that is free."),
  communities: z
    .array(secret.refine((community) => community.reveal() !== "", "expected a community that is not empty"))
    .min(1)
    .optional()
    .describe("Versions 1 and 2c are heard with one of these communities; not given: not at all."),
  users: z
    .array(
      z
        .strictObject({
          user: z.string().min(1).max(32).describe("The user's name."),
          ...credentials,
          engineId: z
            .string()
            .regex(
              /^([0-9a-fA-F]{2}){5,32}$/,
              "expected 5 to 32 octets in hexadecimal, such as 80001f8880e9630000d61ff449",
            )
            .transform((hex) => Buffer.from(hex, "hex"))
            .optional()
            .describe("The only engine whose traps these keys are for; default: any. Users may share a name."),
        })
        .refine(({ auth, priv }) => auth !== undefined || priv === undefined, {
          path: ["priv"],
          message: "needs auth: SNMPv3 has no privacy without authentication",
        }),
    )
    .min(1)
    .optional()
    .describe(
      "Version 3 is heard from these users, with exactly the security that each has here; not given: not at all.",
    ),
});

export const trapOptions = options.refine(
  ({ communities, users }) => communities !== undefined || users !== undefined,
  {
    message: "expected communities, users or both: nobody else is heard",
  },
);
export type TrapOptions = z.infer<typeof trapOptions>;

/** Which trap is meant, in a profile. */
export const trap = z.strictObject({
  oid: oid("1.3.6.1.2.1.33.2.1").describe("snmpTrapOID; of SNMPv1, X.n and X.0.n are both enterprise X with number n."),
});
export type Trap = z.infer<typeof trap>;

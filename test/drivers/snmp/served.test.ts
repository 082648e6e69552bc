import fc from "fast-check";
import { expect, test } from "vitest";
import { realEnv } from "../../../agent/env.ts";
import { Secret } from "../../../agent/secret.ts";
import * as ber from "../../../drivers/snmp/ber.ts";
import { communityBased } from "../../../drivers/snmp/community.ts";
import { decode, encode } from "../../../drivers/snmp/message.ts";
import { type Respond, ServedDevice } from "../../../drivers/snmp/served.ts";
import { answeringUser } from "../../../drivers/snmp/served-v3.ts";
import { userBased } from "../../../drivers/snmp/user-based.ts";

/** 20,000 damaged requests: the simulator answers or is silent, in bounds, and the next one is answered right. */
const env = realEnv({ logLevel: "silent" });
const oids = Array.from({ length: 200 }, (_, row) => `1.3.6.1.4.1.99999.1.${row + 1}`);
const device = new ServedDevice(new Map(oids.map((oid, row) => [oid, () => ber.integer(row)])));
const respond: Respond = (request, isV1, encoded) => {
  const answer = device.answer(request, { isV1, isEndless: false });
  expect(answer?.bindings.length ?? 0).toBeLessThanOrEqual(Math.max(100, request.bindings.length));
  return answer && encoded(answer);
};
const edit = fc.record({
  at: fc.nat(400),
  gone: fc.nat(6),
  put: fc.array(fc.oneof(fc.nat(255), fc.constantFrom(0x30, 0x80, 0xa1, 0xa5, 0xff, 0x7f)), { maxLength: 6 }),
});
const edits = fc.array(edit, { minLength: 1, maxLength: 4 });
type Edits = typeof edits extends fc.Arbitrary<infer T> ? T : never;

const damaged = (datagram: Buffer, all: Edits): Buffer =>
  all.reduce((was, { at, gone, put }) => {
    const from = at % (was.length + 1);
    return Buffer.concat([was.subarray(0, from), Buffer.from(put), was.subarray(from + gone)]);
  }, datagram);

const passphrases = {
  auth: { protocol: "sha256", key: new Secret("authpass12") },
  priv: { protocol: "aes128", key: new Secret("privpass12") },
} as const;

test.each([
  ["without keys", {}],
  ["with privacy", passphrases],
])(
  "SNMPv3 %s",
  (_, keys) => {
    const user = { user: "ops", context: "", ...keys };
    const served = answeringUser(user, env);
    const asking = userBased(user, env);
    const heard = (): string => {
      const turn = asking.ask(oids.slice(0, 3));
      for (let nth = 0; nth < 4; nth++) {
        const answer = served.answer(turn.next(), respond);
        const said = answer === undefined ? "silence" : turn.hear(answer).kind;
        if (said !== "again") return said;
      }
      return "again";
    };
    expect(heard()).toBe("bindings");
    fc.assert(
      fc.property(edits, (all) => {
        served.answer(damaged(asking.ask(oids.slice(0, 3)).next(), all), respond);
      }),
      { numRuns: 5000, seed: 7 },
    );
    expect(heard()).toBe("bindings");
  },
  60_000,
);

test("an engine that booted again does not take what is asked with its old boots, and says so", () => {
  const user = { user: "ops", context: "", ...passphrases };
  const served = answeringUser(user, env);
  const asking = userBased(user, env);
  const kinds = (count: number): string[] => {
    const turn = asking.ask(oids.slice(0, 3));
    return Array.from({ length: count }, () => turn.hear(served.answer(turn.next(), respond)!).kind);
  };
  expect(kinds(2)).toEqual(["again", "bindings"]);
  expect(kinds(1)).toEqual(["bindings"]);
  served.reboot();
  expect(kinds(2)).toEqual(["again", "bindings"]);
});

test.each([1, "2c"] as const)(
  "SNMPv%s",
  (version) => {
    const datagram = communityBased(version, "public").ask(oids.slice(0, 3)).next();
    const answer = (bytes: Buffer): Buffer | undefined => {
      const message = decode(bytes);
      return message && respond(message, version === 1, (pdu) => encode({ ...message, ...pdu }));
    };
    fc.assert(
      fc.property(edits, (all) => {
        answer(damaged(datagram, all));
      }),
      { numRuns: 5000, seed: 7 },
    );
    expect(decode(answer(datagram)!)!.bindings.map(({ value }) => ber.integerOf(value))).toEqual([0, 1, 2]);
  },
  60_000,
);

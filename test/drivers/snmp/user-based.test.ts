import { expect, test } from "vitest";
import { answered } from "../../../drivers/driver.ts";
import * as ber from "../../../drivers/snmp/ber.ts";
import { pdus } from "../../../drivers/snmp/message.ts";
import { seal } from "../../../drivers/snmp/usm.ts";
import { encodeV3 } from "../../../drivers/snmp/v3.ts";
import { brief, request } from "./peer.ts";
import {
  type Asked,
  credentials,
  keysFor,
  peerV3,
  report,
  rowsOf,
  scoped,
  sealed,
  sessionV3,
  usmStats,
} from "./peer-v3.ts";

/** SNMPv3 as the side that asks: what it learns, what it believes, and what it says of what went wrong. */

const timeoutMs = 1500;
const ampleMs = 10_000;
const salt = Buffer.alloc(8);

test("the engine is asked for once; then a read is one request", async () => {
  const device = await peerV3();
  const reading = sessionV3(device.port);
  expect(brief(await reading.read(request(3, 1, 2), ampleMs))).toEqual([3, 1, 2]);
  expect(device.heard.length).toBe(2);
  expect(brief(await reading.read(request(1), ampleMs))).toEqual([1]);
  expect(device.heard.length).toBe(3);
});

test.each([
  ["booted again", { boots: 8, time: 3 }],
  ["booted again, and counts its boots from the beginning, which it must not", { boots: 0, time: 3 }],
  ["has a clock that was set back", { boots: 7, time: 1 }],
  ["was replaced by another", { engineId: Buffer.from("80000000ffff", "hex"), boots: 1, time: 5 }],
])("an engine that %s is learnt anew within the read", async (_, change) => {
  const device = await peerV3();
  const reading = sessionV3(device.port);
  expect(brief(await reading.read(request(1), ampleMs))).toEqual([1]);
  Object.assign(device.agent, change);
  expect(brief(await reading.read(request(1), ampleMs))).toEqual([1]);
  expect(brief(await reading.read(request(1), ampleMs))).toEqual([1]);
});

test.each([0, 1])("datagram %i lost is made good by asking again", async (lost) => {
  const device = await peerV3(undefined, (nth) => nth === lost);
  expect(brief(await sessionV3(device.port).read(request(1), 2 * timeoutMs))).toEqual([1]);
});

/** Answers that are not to be believed, though they have the right ids. */
const hostile: [string, string, (asked: Asked) => Buffer][] = [
  ["in the clear", "bad_reply", ({ answer }) => encodeV3(answer)],
  ["in the clear, as a user who needs no keys", "bad_reply", ({ answer }) => encodeV3({ ...answer, user: "" })],
  ["without privacy", "bad_reply", ({ answer, keys }) => seal(answer, { auth: keys.auth }, salt)],
  ["with privacy alone", "bad_reply", ({ answer, keys }) => seal(answer, { priv: keys.priv }, salt)],
  ["of another engine", "bad_reply", ({ answer }) => other(answer, Buffer.from("80000000ffff", "hex"))],
  ["of another user", "bad_reply", (asked) => sealed(asked, { user: "root" })],
  ["with one bit changed", "bad_reply", (asked) => flipped(sealed(asked))],
  ["truncated", "bad_reply", (asked) => sealed(asked).subarray(0, -1)],
  ["with a request for a Response", "bad_reply", (asked) => sealed(asked, { data: asRequest(asked) })],
  ["for another message", "timeout", (asked) => sealed(asked, { msgId: asked.message.msgId + 1 })],
  ["for another request", "timeout", (asked) => sealed(asked, { data: ofAnother(asked) })],
  ["of SNMPv2c", "bad_reply", () => Buffer.from("300b020101040670", "hex")],
];
const other = (answer: Asked["answer"], engineId: Buffer) => seal({ ...answer, engineId }, keysFor(engineId), salt);
const asRequest = ({ pdu, message }: Asked) => scoped(message, { ...pdu, pdu: pdus.get });
const ofAnother = ({ pdu, message }: Asked) =>
  scoped(message, { ...pdu, pdu: pdus.response, requestId: pdu.requestId + 1 });
function flipped(datagram: Buffer): Buffer {
  const last = datagram.length - 1;
  datagram[last] = (datagram[last] ?? 0) ^ 1;
  return datagram;
}

test.each(hostile)("answered %s: %s, and the next read is right", async (_, fault, answer) => {
  let healed = false;
  const device = await peerV3((asked) => (healed ? sealed(asked) : answer(asked)));
  const reading = sessionV3(device.port);
  expect(brief(await reading.read(request(1), timeoutMs))).toEqual([fault]);
  healed = true;
  expect(brief(await reading.read(request(1), ampleMs))).toEqual([1]);
});

test.each(hostile)("an answer %s before the right one does no harm", async (_, __, answer) => {
  const device = await peerV3((asked) => [answer(asked), sealed(asked)]);
  expect(brief(await sessionV3(device.port).read(request(1), ampleMs))).toEqual([1]);
});

test.each([
  ["another user", { user: "nobody" }, /^usmStatsUnknownUserNames/],
  ["another auth key", { auth: { protocol: "sha256", key: "other-key-12" } }, /^usmStatsWrongDigests/],
  ["another auth protocol", { auth: { protocol: "sha1", key: credentials.auth.key } }, /^usmStatsWrongDigests/],
  ["no privacy", { priv: undefined }, /^usmStatsUnsupportedSecLevels/],
])("%s: the device says so, which is told at once", async (_, change, detail) => {
  const device = await peerV3();
  const readings = await sessionV3(device.port, change).read(request(1, 2), ampleMs);
  expect(readings).toEqual(
    ["ups/p1", "ups/p2"].map((point) => ({ point, fault: "device_error", detail: expect.stringMatching(detail) })),
  );
  expect(answered(readings)).toBe(true);
  expect(JSON.stringify(readings)).not.toMatch(/key-12|pass12/);
});

test.each([
  [`${usmStats}.2`, /NotInTimeWindows/],
  [`${usmStats}.4`, /UnknownEngineIDs/],
  [`${usmStats}.6`, /DecryptionErrors/],
  ["1.3.6.1.6.3.12.1.5", /UnknownContexts/],
  ["1.3.6.1.4.1.99999", /a Report of 1\.3\.6\.1\.4\.1\.99999\.0/],
])("a device that always reports %s is asked a few times at most, and told so", async (oid, detail) => {
  const device = await peerV3(({ message }) => encodeV3(report(device.agent, message, oid)));
  const [reading] = await sessionV3(device.port).read(request(1), ampleMs);
  expect(reading).toMatchObject({ fault: "device_error", detail: expect.stringMatching(detail) });
  expect(device.heard.length).toBeLessThanOrEqual(6);
});

test("silence after the engine was told says what may be wrong", async () => {
  const device = await peerV3(() => undefined);
  const [reading] = await sessionV3(device.port).read(request(1), timeoutMs);
  expect(reading).toMatchObject({ fault: "timeout", detail: expect.stringContaining("is the priv key right?") });
});

test("tooBig and a blamed OID mean in SNMPv3 what they mean elsewhere", async () => {
  const device = await peerV3((asked) => {
    const failed = rowsOf(asked.pdu).indexOf(3);
    const errorStatus = asked.pdu.bindings.length > 3 ? 1 : failed < 0 ? 0 : 5;
    const bindings = asked.pdu.bindings.map(({ oid }) => ({ oid, value: ber.integer(9) }));
    const pdu = { ...asked.pdu, pdu: pdus.response, errorStatus, errorIndex: errorStatus === 5 ? failed + 1 : 0 };
    return sealed(asked, { data: scoped(device.agent, { ...pdu, bindings }) });
  });
  expect(brief(await sessionV3(device.port).read(request(1, 2, 3, 4), ampleMs))).toEqual([9, 9, "device_error", 9]);
});

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Hint } from "../../../drivers/driver.ts";
import { enginesOf } from "../../../drivers/snmp/engines.ts";
import { answering, earOf, listen } from "../../../drivers/snmp/listener.ts";
import { decode, pdus, versions } from "../../../drivers/snmp/message.ts";
import { type Bus, bus } from "../../../drivers/snmp/schema.ts";
import { isAuthentic, opened } from "../../../drivers/snmp/usm.ts";
import { decodeScoped, decodeV3, flags } from "../../../drivers/snmp/v3.ts";
import { fakeEnv } from "../../env.ts";
import { until } from "../../process.ts";
import { env as realEnv } from "./peer.ts";
import { type Credentials, onBattery, ops, options, pduOf, senderV3, trapV1, trapV2c } from "./senders.ts";

/** What is heard unasked: whom it is from, who is believed, what is answered, and what is counted. */

function ear(change: object = {}, kept: string | null = null) {
  const env = fakeEnv();
  const engines = enginesOf(env);
  const ups = bus.parse({ host: "10.0.0.1" });
  engines.place(ups, { address: "10.0.0.1", port: 161 });
  const hints: Hint<Bus>[] = [];
  const notes: string[] = [];
  const dropped: string[] = [];
  const replies: Buffer[] = [];
  const listening = earOf(options(change), env, engines, {
    passed: null,
    kept,
    keep: (text) => void notes.push(text),
    onHint: (hint) => void hints.push(hint),
    onDropped: (source) => void dropped.push(source),
  });
  const hear = (datagram: Buffer, source = "10.0.0.1"): void =>
    listening.hear(datagram, source, (reply) => void replies.push(reply));
  return { env, engines, ups, hints, notes, dropped, replies, hear, status: listening.status };
}

const said = (hints: readonly Hint<Bus>[]) => hints.map(({ trap, by }) => `${trap} ${by}`);

describe("traps and informs by community", () => {
  test.each<[string, Buffer, string]>([
    ["SNMPv2c", trapV2c(), "1.3.6.1.2.1.33.2.1 trap, SNMPv2c"],
    ["an inform", trapV2c(onBattery, "inform"), "1.3.6.1.2.1.33.2.1 inform, SNMPv2c"],
    ["SNMPv1, of an enterprise", trapV1(), "1.3.6.1.2.1.33.2.0.1 trap, SNMPv1"],
    ["SNMPv1, coldStart", trapV1({ generic: 0, specific: 0 }), "1.3.6.1.6.3.1.1.5.1 trap, SNMPv1"],
    ["SNMPv1, linkDown", trapV1({ generic: 2, specific: 0 }), "1.3.6.1.6.3.1.1.5.3 trap, SNMPv1"],
  ])("%s: named as SNMPv2 names it, from its device, with what it says", (_, datagram, expected) => {
    const { hear, hints, ups } = ear();
    hear(datagram);
    expect(said(hints)).toEqual([expected]);
    expect(hints[0]).toMatchObject({
      source: "10.0.0.1",
      buses: [ups],
      bindings: [{ name: "1.3.6.1.2.1.33.1.2.3.0", text: "30" }],
    });
  });

  test.each([
    ["SNMPv2's name", onBattery, true],
    ["the name that comes of SNMPv1", "1.3.6.1.2.1.33.2.0.1", true],
    ["another trap", "1.3.6.1.2.1.33.2.2", false],
    ["its parent", "1.3.6.1.2.1.33.2", false],
    ["one that has a zero elsewhere", "1.3.6.1.2.0.1.33.2.1", false],
  ])("a profile that has %s means it, whichever version brings it: %s", (_, oid, isMeant) => {
    const { hear, hints } = ear();
    hear(trapV1());
    hear(trapV2c());
    expect(hints.map((hint) => hint.isOf({ oid }))).toEqual([isMeant, isMeant]);
  });

  test("only an inform is answered, with what it said", () => {
    const { hear, replies } = ear();
    hear(trapV2c());
    hear(trapV1());
    expect(replies).toEqual([]);
    hear(trapV2c(onBattery, "inform"));
    expect(replies.map((one) => decode(one))).toEqual([
      { version: 1, community: "public", ...pduOf(onBattery, "inform"), pdu: pdus.response },
    ]);
  });

  test("an inform that is sent again is confirmed again, and taken once", async () => {
    const { env, hear, hints, replies, status } = ear();
    const inform = trapV2c(onBattery, "inform");
    for (let nth = 0; nth < 3; nth++) hear(inform);
    hear(trapV2c(onBattery, "inform", "public", []));
    hear(inform, "10.0.0.2");
    expect([hints.length, replies.length]).toEqual([3, 5]);
    expect(status()).toMatchObject({ received: 5, answered: 2 });
    await env.advance(150_000);
    hear(inform);
    expect([hints.length, replies.length], "nobody sends one again for so long").toEqual([4, 6]);
  });

  test("an inform that cannot be taken is not answered, so that it comes again", () => {
    const env = fakeEnv();
    const replies: Buffer[] = [];
    const { hear } = earOf(options(), env, enginesOf(env), {
      ...{ passed: null, kept: null, keep: () => {}, onDropped: () => {} },
      onHint: () => {
        throw new Error("not taken");
      },
    });
    expect(() => hear(trapV2c(onBattery, "inform"), "10.0.0.1", (reply) => void replies.push(reply))).toThrow(
      "not taken",
    );
    expect(replies).toEqual([]);
  });

  test.each<[string, string, string, boolean]>([
    ["sent on by a proxy, it is of the device it names", "10.9.9.9", "10.0.0.1", true],
    ["from a device itself, it is of that, whatever it names", "10.0.0.1", "10.0.0.2", true],
    ["from nobody and of nobody, it is nobody's, and heard", "10.9.9.9", "10.9.9.8", false],
  ])("%s", (_, source, agentAddress, isKnown) => {
    const { hear, hints, ups } = ear();
    hear(trapV1({ agentAddress }), source);
    expect(hints).toMatchObject([{ source, buses: isKnown ? [ups] : [] }]);
  });

  test.each<[string, Buffer, RegExp]>([
    ["another community", trapV2c(onBattery, "trap", "private"), /traps\.communities/],
    ["an empty datagram", Buffer.alloc(0), /no message of SNMP/],
    ["noise", Buffer.from("deadbeef00ff30", "hex"), /no message of SNMP/],
    ["truncated", trapV2c().subarray(0, -1), /no message of SNMP/],
    ["a request", Buffer.from(trapV2c().map((octet) => (octet === pdus.trap ? pdus.get : octet))), /neither a trap/],
    ["a trap without its OID", trapV2cWithout(), /neither a trap/],
    ["a trap of SNMPv1 that is of no kind", trapV1({ generic: 7 }), /neither a trap/],
    ["a trap of SNMPv2 in a message of SNMPv1", ofVersion(trapV2c(), versions.v1), /neither a trap/],
    ["a trap of SNMPv1 in a message of SNMPv2c", ofVersion(trapV1(), versions.v2c), /neither a trap/],
    ["larger than any trap", trapV2c(onBattery, "trap", "x".repeat(9000)), /larger than/],
  ])("%s is refused, counted, and said why", (_, datagram, why) => {
    const { hear, hints, replies, status } = ear();
    hear(datagram);
    expect([hints, replies]).toEqual([[], []]);
    expect(status()).toMatchObject({
      received: 1,
      refused: [{ why: expect.stringMatching(why), count: 1, source: "10.0.0.1" }],
    });
  });

  test("without communities none is heard by them", () => {
    const { hear, hints } = ear({ communities: undefined });
    hear(trapV2c());
    hear(trapV1());
    expect(hints).toEqual([]);
  });
});

/** The version is the fifth octet of a short message. */
function ofVersion(datagram: Buffer, version: number): Buffer {
  datagram[4] = version;
  return datagram;
}

function trapV2cWithout(): Buffer {
  return Buffer.from(trapV2c().toString("hex").replace("2b060106030101040100", "2b060106030101040101"), "hex");
}

const authOnly: Credentials = { user: "auth", auth: { protocol: "sha512", key: "authpass34" } };
const open: Credentials = { user: "open" };
const users = [ops, authOnly, open];

describe("traps of SNMPv3", () => {
  test.each<[string, Credentials, string]>([
    ["authPriv", ops, "trap, SNMPv3 authPriv ops"],
    ["authNoPriv", authOnly, "trap, SNMPv3 authNoPriv auth"],
    ["noAuthNoPriv, where a user has no more", open, "trap, SNMPv3 noAuthNoPriv open"],
  ])("%s", (_, of, by) => {
    const { hear, hints, ups, replies } = ear({ users });
    hear(senderV3(of).trap(100));
    expect(hints).toMatchObject([{ trap: onBattery, by, buses: [ups], bindings: [{ text: "30" }] }]);
    expect(replies).toEqual([]);
  });

  test("many engines, and users of one name with keys of their own, by engine id or not", () => {
    const other = {
      ...ops,
      auth: { protocol: "sha1", key: "otherauth12" },
      priv: { protocol: "aes256", key: "otherpriv12" },
    } as const;
    const third = {
      ...ops,
      auth: { protocol: "md5", key: "thirdauth12" },
      priv: { protocol: "des", key: "thirdpriv12" },
    } as const;
    const { hear, hints, status } = ear({ users: [ops, other, { ...third, engineId: "8000000001ff" }] });
    for (const [of, engine] of [
      [ops, "8000000001aa"],
      [other, "8000000001bb"],
      [ops, "8000000001cc"],
      [third, "8000000001ff"],
    ] as const)
      hear(senderV3(of, engine).trap(5));
    expect(hints.length).toBe(4);
    hear(senderV3(third, "8000000001dd").trap(5));
    expect(hints.length, "its keys are for one engine only").toBe(4);
    expect(status().refused).toMatchObject([{ why: expect.stringMatching(/digest/), count: 1 }]);
  });

  test.each<[string, Buffer, RegExp]>([
    ["a user nobody knows", senderV3({ ...ops, user: "eve" }).trap(1), /traps\.users/],
    ["less security than the user has", senderV3({ user: "ops" }).trap(1), /level of security/],
    ["no privacy, though the user has it", senderV3({ user: "ops", auth: ops.auth! }).trap(1), /level of security/],
    ["more than the user has", senderV3({ ...ops, user: "open" }).trap(1), /level of security/],
    ["another auth key", senderV3({ ...ops, auth: { protocol: "sha256", key: "otherpass1" } }).trap(1), /digest/],
    ["another auth protocol", senderV3({ ...ops, auth: { protocol: "sha512", key: "authpass12" } }).trap(1), /digest/],
    ["another priv key", senderV3({ ...ops, priv: { protocol: "aes128", key: "otherpass1" } }).trap(1), /decrypt/],
    ["one bit changed", flipped(senderV3(ops).trap(1)), /digest|decode/],
  ])("%s is refused, counted, and not answered", (_, datagram, why) => {
    const { hear, hints, replies, status } = ear({ users });
    hear(datagram);
    expect([hints, replies]).toEqual([[], []]);
    expect(status()).toMatchObject({ refused: [{ why: expect.stringMatching(why), count: 1 }] });
    hear(senderV3(ops).trap(1));
    expect(hints.length).toBe(1);
  });

  test("what was sent before is refused: the same again, an older one, one of an earlier boot", async () => {
    const { env, hear, hints, status } = ear();
    const first = senderV3(ops).trap(1000);
    const old = senderV3(ops).trap(800);
    const late = senderV3(ops).trap(900);
    hear(first);
    hear(first);
    expect(hints.length, "the same again").toBe(1);
    hear(old);
    expect(hints.length, "more than 150 s older").toBe(1);
    hear(late);
    expect(hints.length, "within 150 s the net may have turned them round").toBe(2);
    await env.advance(600_000);
    hear(senderV3(ops).trap(1100));
    expect(hints.length, "its time has not gone on as ours has").toBe(2);
    hear(senderV3(ops).trap(1500));
    hear(senderV3(ops, undefined, 4).trap(2));
    expect(hints.length, "a new boot begins its time anew").toBe(4);
    hear(senderV3(ops).trap(1700));
    expect(hints.length, "an earlier boot").toBe(4);
    expect(status().refused).toMatchObject([{ why: expect.stringMatching(/before, sent again/), count: 4 }]);
  });

  test("what a poll has proven of the engine counts: no trap of before it is taken, and after a lost count of boots they are again", () => {
    const { engines, ups, hear, hints } = ear();
    const engineId = Buffer.from("80001f8804aabbccdd", "hex");
    engines.proven(ups, { engineId, boots: 9, time: 5000 });
    hear(senderV3(ops, undefined, 9).trap(4000));
    hear(senderV3(ops, undefined, 8).trap(9000));
    expect(hints.length).toBe(0);
    engines.proven(ups, { engineId, boots: 1, time: 20 });
    hear(senderV3(ops, undefined, 1).trap(25));
    expect(hints.length).toBe(1);
  });

  test("an engine that can count its boots no further is believed no more (RFC 3414, 2.2.2)", () => {
    const { hear, hints } = ear();
    hear(senderV3(ops, undefined, 2 ** 31 - 1).trap(5));
    hear(senderV3(ops, undefined, 2 ** 31 - 2).trap(5));
    expect(hints.length).toBe(1);
  });

  test("an inform under its sender's engine, and a trap under ours, are neither", () => {
    const { hear, hints, replies, status } = ear();
    const sender = senderV3(ops);
    hear(sender.discovery());
    const { engineId, boots, time } = decodeV3(replies.splice(0)[0]!)!.message;
    hear(sender.send({ engineId: Buffer.from("80001f8804aabbccdd", "hex"), boots: 3, time: 9 }, "inform"));
    hear(sender.send({ engineId, boots, time }, "trap"));
    expect([hints, replies]).toEqual([[], []]);
    expect(status().refused).toMatchObject([{ why: expect.stringMatching(/neither a trap/), count: 2 }]);
  });

  test("of a user without keys nothing of before can be told from new", () => {
    const { hear, hints } = ear({ users });
    const again = senderV3(open).trap(5);
    hear(again);
    hear(again);
    expect(hints.length).toBe(2);
  });
});

function flipped(datagram: Buffer): Buffer {
  const last = datagram.length - 1;
  datagram[last] = (datagram[last] ?? 0) ^ 1;
  return datagram;
}

test.each<[string, Credentials, boolean]>([
  ["a trap of an engine that its polls have proven", ops, true],
  ["one that proves nothing", open, false],
])(
  "from another address than it is polled at, as through address translation, %s: is its device's: %s",
  (_, of, isKnown) => {
    const { engines, ups, hear, hints } = ear({ users: [ops, open] });
    const engineId = Buffer.from("80001f8804aabbccdd", "hex");
    engines.proven(ups, { engineId, boots: 3, time: 5 });
    hear(senderV3(of).trap(6), "198.51.100.1");
    hear(senderV3(of, "80001f8804aabbccee").trap(6), "198.51.100.1");
    expect(hints.map(({ buses }) => buses)).toEqual([isKnown ? [ups] : [], []]);
  },
);

test("a trap that asks for a Report, as some do, is a trap all the same", () => {
  const { hear, hints, replies } = ear();
  hear(senderV3(ops).trap(6, onBattery, { flags: flags.reportable }));
  expect([said(hints), replies]).toEqual([[`${onBattery} trap, SNMPv3 authPriv ops`], []]);
});

test("where the machine lacks a user's cryptography its traps are refused, and said why", () => {
  const env = fakeEnv();
  const lacking = options();
  Object.assign(lacking.users![0]!.auth!, { protocol: "none" });
  const hints: Hint<Bus>[] = [];
  const { hear, status } = earOf(lacking, env, enginesOf(env), {
    ...{ passed: null, kept: null, keep: () => {}, onDropped: () => {} },
    onHint: (hint) => void hints.push(hint),
  });
  hear(senderV3(ops).trap(6), "10.0.0.1", () => {});
  expect(hints).toEqual([]);
  expect(status().refused).toMatchObject([{ why: expect.stringMatching(/this machine cannot check it/), count: 1 }]);
});

describe("informs of SNMPv3", () => {
  const told = (reply: Buffer) => decodeV3(reply)!.message;
  const stat = (reply: Buffer): string => decodeScoped(told(reply).data)!.pdu.bindings[0]!.oid;

  test("the sender asks for the engine, informs it, and is answered with the same security", () => {
    const { hear, hints, replies, status } = ear();
    const sender = senderV3(ops);
    hear(sender.discovery());
    const [report] = replies.splice(0);
    expect(stat(report!)).toBe("1.3.6.1.6.3.15.1.1.4.0");
    expect(hints).toEqual([]);
    const { engineId, boots, time } = told(report!);
    hear(sender.inform({ engineId, boots, time }));
    expect(said(hints)).toEqual([`${onBattery} inform, SNMPv3 authPriv ops`]);
    const { message, whole } = decodeV3(replies[0]!)!;
    const keys = sender.keysOf(engineId);
    expect(isAuthentic(whole, message, keys.auth!)).toBe(true);
    expect(decodeScoped(opened(message, keys.priv!)!)!.pdu).toMatchObject({ pdu: pdus.response, requestId: 77 });
    expect(status()).toMatchObject({ received: 2, answered: 1, refused: [] });
  });

  test("a clock that is not ours is answered with ours, under the keys, so that the sender can believe it", async () => {
    const { env, hear, hints, replies } = ear();
    const sender = senderV3(ops);
    hear(sender.discovery());
    const { engineId, boots } = told(replies.splice(0)[0]!);
    await env.advance(500_000);
    hear(sender.inform({ engineId, boots, time: 3 }));
    hear(sender.inform({ engineId, boots: boots - 1, time: 500 }));
    expect(hints).toEqual([]);
    for (const reply of replies.splice(0)) {
      const { message, whole } = decodeV3(reply)!;
      expect(isAuthentic(whole, message, sender.keysOf(engineId).auth!)).toBe(true);
      expect([stat(reply), message.boots, message.time]).toEqual(["1.3.6.1.6.3.15.1.1.2.0", boots, 500]);
      hear(sender.inform(message));
    }
    expect([hints.length, replies.length], "the second is the first one sent again").toEqual([1, 2]);
  });

  test.each<[string, Credentials, string]>([
    ["a user nobody knows", { ...ops, user: "eve" }, "3"],
    ["less security", { user: "ops" }, "1"],
    ["another auth key", { ...ops, auth: { protocol: "sha256", key: "otherpass1" } }, "5"],
    ["another priv key", { ...ops, priv: { protocol: "aes128", key: "otherpass1" } }, "6"],
  ])("%s is refused, and told so", (_, of, number) => {
    const { hear, hints, replies, status } = ear();
    const sender = senderV3(of);
    hear(sender.discovery());
    const { engineId, boots, time } = told(replies.splice(0)[0]!);
    hear(sender.inform({ engineId, boots, time }));
    expect(hints).toEqual([]);
    expect(replies.map(stat)).toEqual([`1.3.6.1.6.3.15.1.1.${number}.0`]);
    expect(status().refused).toMatchObject([{ count: 1 }]);
  });

  test("the engine is the same after a restart, and has booted once more; where what was kept is no good, another", () => {
    const known = (kept: string | null) => {
      const { notes, status } = ear({}, kept);
      return { kept: notes.at(-1)!, known: status().known };
    };
    const first = known(null);
    const second = known(first.kept);
    expect(first.known).toMatch(/^engine 8000000005[0-9a-f]{16}, boots 1$/);
    expect(second.known).toBe(first.known.replace("boots 1", "boots 2"));
    for (const broken of [
      "",
      "{",
      "null",
      "[]",
      '{"engineId":"zz","boots":1}',
      '{"engineId":"8000000005","boots":"1"}',
      '{"engineId":"80000000051122334455667788","boots":2147483647}',
    ])
      expect(known(broken).known, broken).toMatch(/boots 1$/);
  });
});

describe("the socket", () => {
  test("hears datagrams, answers informs to where they came from, and is closed as often as one likes", async () => {
    const engines = enginesOf(realEnv);
    const hints: Hint<Bus>[] = [];
    const hooks = {
      passed: null,
      kept: null,
      keep: () => {},
      onHint: (hint: Hint<Bus>) => void hints.push(hint),
      onDropped: () => {},
    };
    const listener = listen(options(), realEnv, engines, hooks);
    onTestFinished(() => listener.close());
    const port = await until(() => Number(/127\.0\.0\.1:([1-9]\d*)/.exec(listener.status().at)?.[1]) || null);
    const device = createSocket("udp4").bind(0, "127.0.0.7");
    onTestFinished(() => void device.close());
    await once(device, "listening");
    device.send(trapV2c(onBattery, "inform"), port, "127.0.0.1");
    const [reply] = (await once(device, "message")) as [Buffer];
    expect(decode(reply)).toMatchObject({ pdu: pdus.response });
    expect(hints).toMatchObject([{ source: "127.0.0.7" }]);
    await Promise.all([listener.close(), listener.close()]);
  });

  test("nothing is sent to port 0, from which a datagram may be forged to come", () => {
    const sent: unknown[][] = [];
    const socket = createSocket("udp4");
    onTestFinished(() => void socket.close());
    answering(socket, { address: "127.0.0.1", port: 0 })(trapV2c());
    const noting = { send: (...how: unknown[]) => void sent.push(how.slice(1, 3)) };
    answering(noting, { address: "127.0.0.1", port: 7 })(trapV2c());
    expect(sent).toEqual([[7, "127.0.0.1"]]);
  });

  test("a port that is taken is said, and tried again until it is free", async () => {
    const other = createSocket("udp4").bind(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address();
    const env = fakeEnv();
    const hooks = { passed: null, kept: null, keep: () => {}, onHint: () => {}, onDropped: () => {} };
    const listener = listen(options({ port }), env, enginesOf(env), hooks);
    await until(() => listener.status().trouble);
    expect(env.reports).toMatchObject([{ code: "traps.deaf", facts: { at: `127.0.0.1:${port}` } }]);
    await new Promise<void>((resolve) => other.close(() => resolve()));
    await env.advance(30_000);
    await until(() => (listener.status().trouble === null ? true : null));
    expect(env.reports.map(({ code }) => code)).toEqual(["traps.deaf", "traps.listening"]);
    await listener.close();
  });

  test("what was passed for a socket and is none is said, and the port of its own is heard instead", async () => {
    const env = fakeEnv();
    const hooks = { passed: 10_000, kept: null, keep: () => {}, onHint: () => {}, onDropped: () => {} };
    const listener = listen(options(), env, enginesOf(env), hooks);
    expect(listener.status().trouble).toMatch(/./);
    await env.advance(30_000);
    await until(() => (listener.status().trouble === null ? true : null));
    await listener.close();
  });
});

import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import * as ber from "../../../drivers/snmp/ber.ts";
import { type Binding, decode, encode, type Message, pdus, versions } from "../../../drivers/snmp/message.ts";
import { bus } from "../../../drivers/snmp/schema.ts";
import { serveSnmp, startSnmpSimulator } from "../../../drivers/snmp/simulator.ts";
import { boundTo, brief, point, request, root, session } from "./peer.ts";

const nothing: ber.Element = { tag: ber.tags.null, content: Buffer.alloc(0) };
const ampleMs = 10_000;
type Values = Record<number, number | null>;

/** Serves the rows of `values`, as they stand when asked. */
async function simulator(values: Values, options?: object) {
  const points = Object.keys(values).map((row) => point(Number(row)));
  const value = (id: string) => values[Number(id.slice("ups/p".length))] ?? null;
  const running = await startSnmpSimulator({
    ...{ host: "127.0.0.1", port: 0, points, value },
    ...(options ? { bus: bus.parse({ host: "127.0.0.1", ...options }) } : {}),
  });
  onTestFinished(() => running.close());
  return running;
}

/** Sends the datagrams one after another from one socket, and gives the first answer. */
async function ask(port: number, ...datagrams: Buffer[]): Promise<Message> {
  const socket = await boundTo("127.0.0.1");
  for (const datagram of datagrams) socket.send(datagram, port, "127.0.0.1");
  const [answer] = await once(socket, "message");
  return decode(answer)!;
}

const message = (pdu: number, oids: readonly string[], change: Partial<Message> = {}): Buffer =>
  encode({
    version: versions.v2c,
    community: "public",
    pdu,
    requestId: 7,
    errorStatus: 0,
    errorIndex: 0,
    bindings: oids.map((oid) => ({ oid, value: nothing })),
    ...change,
  });
const shown = ({ bindings }: Message) => bindings.map(({ oid, value }: Binding) => `${oid} ${show(value)}`);
const show = (value: ber.Element): string =>
  String(ber.integerOf(value) ?? ber.oidOf(value) ?? (value.content.toString() || `0x${value.tag.toString(16)}`));

test("values are taken when asked for: integers, decimal text, null for no such instance", async () => {
  const values: Values = { 1: 97, 2: -2147483648, 3: 2147483648, 4: 23.4, 5: null };
  const { port } = await simulator(values);
  const reading = session(port);
  expect(brief(await reading.read(request(1, 2, 3, 4, 5), ampleMs))).toEqual([
    97,
    -2147483648,
    2147483648,
    23.4,
    "no_such_point",
  ]);
  values[1] = 96;
  expect(brief(await reading.read(request(1), ampleMs))).toEqual([96]);
  const { bindings } = await ask(
    port,
    message(
      pdus.get,
      [1, 4, 5, 6].map((row) => `${root}.${row}`),
    ),
  );
  expect(bindings.map(({ value }) => value.tag)).toEqual([0x02, 0x04, 0x81, 0x80]);
});

test("-2^31 is an Integer32 too", async () => {
  const { port } = await simulator({ 1: -(2 ** 31), 2: -(2 ** 31) - 1 });
  const { bindings } = await ask(port, message(pdus.get, [`${root}.1`, `${root}.2`]));
  expect(bindings.map(({ value }) => value.tag)).toEqual([0x02, 0x04]);
});

test("a walk meets the system group, then the points in order, without those the device lacks", async () => {
  const { port } = await simulator({ 10: 10, 9: 9, 8: null });
  const met: string[] = [];
  for (let oid = "1.3"; ; oid = met.at(-1)!) {
    const { bindings } = await ask(port, message(pdus.getNext, [oid]));
    if (bindings[0]!.value.tag === ber.tags.endOfMibView) break;
    met.push(bindings[0]!.oid);
  }
  const system = ["1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.2.0", "1.3.6.1.2.1.1.3.0"];
  expect(met).toEqual([...system, `${root}.9`, `${root}.10`]);
});

test("GetBulk: the first once, the others repeatedly, to the end of the view", async () => {
  const { port } = await simulator({ 1: 11, 2: 12 });
  const bulk = message(pdus.getBulk, ["1.3.6.1.2.1.1.1", `${root}.1`], { errorStatus: 1, errorIndex: 5 });
  const answer = await ask(port, bulk);
  expect(answer).toMatchObject({ requestId: 7, errorStatus: 0, errorIndex: 0 });
  expect(shown(answer)).toEqual(["1.3.6.1.2.1.1.1.0 mepwatch SNMP simulator", `${root}.2 12`, `${root}.2 0x82`]);
});

test("GetBulk for more than a datagram holds is answered with less", async () => {
  const { port } = await simulator(Object.fromEntries(Array.from({ length: 300 }, (_, row) => [row, row])));
  const answer = await ask(port, message(pdus.getBulk, [root], { errorIndex: 2 ** 31 - 1 }));
  expect(answer.bindings.length).toBe(100);
});

test("an answer larger than a datagram is tooBig", async () => {
  const { port } = await simulator({});
  const oids = Array<string>(2500).fill("1.3.6.1.2.1.1.1.0");
  expect(await ask(port, message(pdus.get, oids))).toMatchObject({ errorStatus: 1, bindings: [] });
});

test("in SNMPv1 one point that is not there fails the whole request, and there is no GetBulk", async () => {
  const { port } = await simulator({ 1: 1, 2: null, 3: 3 });
  const v1 = { version: versions.v1 };
  const oids = [1, 2, 3].map((row) => `${root}.${row}`);
  const bulk = message(pdus.getBulk, oids, { ...v1, requestId: 8 });
  const answer = await ask(port, bulk, message(pdus.get, oids, v1));
  expect(answer).toMatchObject({ version: 0, requestId: 7, errorStatus: 2, errorIndex: 2 });
  expect(brief(await session(port, { version: 1 }).read(request(1, 2, 3), ampleMs))).toEqual([1, "no_such_point", 3]);
});

test("another community, noise and a SetRequest are not answered", async () => {
  const { port } = await simulator({ 1: 1 });
  const oids = [`${root}.1`];
  const unanswered = [
    message(pdus.get, oids, { community: "private" }),
    Buffer.from("30ff", "hex"),
    message(0xa3, oids),
  ];
  const answer = await ask(port, ...unanswered, message(pdus.get, oids, { requestId: 8 }));
  expect(answer.requestId).toBe(8);
});

test.each([
  ["silent", "timeout"],
  ["slow", "timeout"],
  ["rubbish", "bad_reply"],
  ["error", "device_error"],
] as const)("%s makes the driver say %s, and none heals", async (how, fault) => {
  const running = await simulator({ 1: 1, 2: 2 });
  const reading = session(running.port);
  running.misbehave(how);
  expect(brief(await reading.read(request(1, 2), 200))).toEqual([fault, fault]);
  running.misbehave("none");
  expect(brief(await reading.read(request(1, 2), ampleMs))).toEqual([1, 2]);
});

test("slow is answered after 3 s", async () => {
  const running = await simulator({ 1: 1 });
  running.misbehave("slow");
  expect(brief(await session(running.port).read(request(1), ampleMs))).toEqual([1]);
});

test("a port that is taken rejects with EADDRINUSE; closing twice is fine", async () => {
  const first = await simulator({ 1: 1 });
  const options = { host: "127.0.0.1", port: first.port, points: [], value: () => null };
  await expect(startSnmpSimulator(options)).rejects.toMatchObject({ code: "EADDRINUSE" });
  await Promise.all([first.close(), first.close()]);
  const second = await startSnmpSimulator(options);
  await second.close();
});

const user = {
  version: 3,
  user: "ops",
  auth: { protocol: "sha256", key: "authpass12" },
  priv: { protocol: "aes128", key: "privpass12" },
};

test.each([
  ["v2c with a community of its own", { community: "plant" }],
  ["SNMPv3 without keys", { version: 3, user: "ops" }],
  ["SNMPv3 with a digest", { version: 3, user: "ops", auth: user.auth }],
  ["SNMPv3 with privacy", user],
  ["SNMPv3 in a context", { ...user, context: "ups" }],
])("%s: it is asked as its bus says, and in no other way", async (_, options) => {
  const { port } = await simulator({ 1: 1, 2: 2 }, options);
  expect(brief(await session(port, options).read(request(1, 2), ampleMs))).toEqual([1, 2]);
  expect(brief(await session(port).read(request(1), 200))).toEqual(["timeout"]);
});

test.each([
  ["another user", { ...user, user: "nobody" }, /UnknownUserNames/],
  ["less security", { version: 3, user: "ops" }, /UnsupportedSecLevels/],
  ["another key", { ...user, auth: { ...user.auth, key: "other-key-12" } }, /WrongDigests/],
  ["another context", { ...user, context: "crac" }, /UnknownContexts/],
])("SNMPv3 asked with %s says so", async (_, options, detail) => {
  const { port } = await simulator({ 1: 1 }, user);
  const [reading] = await session(port, options).read(request(1), ampleMs);
  expect(reading).toMatchObject({ fault: "device_error", detail: expect.stringMatching(detail) });
});

test("without a bus, a user without keys is served beside the community", async () => {
  const { port } = await simulator({ 1: 1 });
  expect(brief(await session(port, { version: 3, user: "public" }).read(request(1), ampleMs))).toEqual([1]);
  expect(brief(await session(port).read(request(1), ampleMs))).toEqual([1]);
});

test.each([{}, user])("tooBig: many OIDs are read all the same, in smaller requests (%o)", async (options) => {
  const running = await simulator({ 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7 }, options);
  running.misbehave("tooBig");
  const asked = message(pdus.get, Array<string>(6).fill(`${root}.1`));
  if (!("version" in options)) expect(await ask(running.port, asked)).toMatchObject({ errorStatus: 1, bindings: [] });
  const reading = await session(running.port, options).read(request(1, 2, 3, 4, 5, 6, 7), ampleMs);
  expect(brief(reading)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test("endlessWalk: GetNext and GetBulk repeat the OID, Get is right; none heals", async () => {
  const running = await simulator({ 1: 1, 2: 2 });
  running.misbehave("endlessWalk");
  expect(shown(await ask(running.port, message(pdus.getNext, [`${root}.1`])))).toEqual([`${root}.1 1`]);
  expect(shown(await ask(running.port, message(pdus.getNext, [root])))).toEqual([`${root}.1 1`]);
  const bulk = message(pdus.getBulk, [`${root}.1`], { errorIndex: 3 });
  expect(shown(await ask(running.port, bulk))).toEqual(Array(3).fill(`${root}.1 1`));
  expect(brief(await session(running.port).read(request(1, 2), ampleMs))).toEqual([1, 2]);
  running.misbehave("none");
  expect(shown(await ask(running.port, message(pdus.getNext, [`${root}.1`])))).toEqual([`${root}.2 2`]);
});

test("wrongSource: what comes from another port is nobody's answer", async () => {
  const running = await simulator({ 1: 1 });
  const socket = await boundTo("127.0.0.1");
  running.misbehave("wrongSource");
  socket.send(message(pdus.get, [`${root}.1`]), running.port, "127.0.0.1");
  const [answer, from] = await once(socket, "message");
  expect(shown(decode(answer)!)).toEqual([`${root}.1 1`]);
  expect(from.port).not.toBe(running.port);
  expect(brief(await session(running.port).read(request(1), 200))).toEqual(["timeout"]);
});

test("reboot: sysUpTime begins anew, and the engine is learnt anew within the read", async () => {
  const ticks = 4_000_000_000;
  const upTime = { id: "up", device: {}, address: { oid: "1.3.6.1.2.1.1.3.0" } };
  const objects = new Map([[upTime.address.oid, () => ber.integer(ticks, ber.tags.timeTicks)]]);
  const running = await serveSnmp({
    ...{ host: "127.0.0.1", port: 0, objects },
    bus: bus.parse({ host: "h", ...user }),
  });
  onTestFinished(() => running.close());
  const reading = session(running.port, user);
  const [before] = await reading.read({ points: [upTime] }, ampleMs);
  expect(before).toMatchObject({ value: expect.toSatisfy((value: number) => value >= ticks) });
  running.misbehave("reboot");
  const [after] = await reading.read({ points: [upTime] }, ampleMs);
  expect(after).toMatchObject({ value: expect.toSatisfy((value: number) => value < ticks) });
});

test("to SNMPv1 there is no Counter64: it is passed over in a walk", async () => {
  const counter = { tag: ber.tags.counter64, content: Buffer.of(5) };
  const objects = new Map([
    [`${root}.1`, () => counter],
    [`${root}.2`, () => ber.integer(2)],
  ]);
  const running = await serveSnmp({ host: "127.0.0.1", port: 0, objects });
  onTestFinished(() => running.close());
  const next = message(pdus.getNext, [root]);
  expect(shown(await ask(running.port, message(pdus.getNext, [root], { version: versions.v1 })))).toEqual([
    `${root}.2 2`,
  ]);
  expect((await ask(running.port, next)).bindings[0]!.oid).toBe(`${root}.1`);
});

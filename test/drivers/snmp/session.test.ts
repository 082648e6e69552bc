import { expect, test } from "vitest";
import { answered } from "../../../drivers/driver.ts";
import * as ber from "../../../drivers/snmp/ber.ts";
import { Exchange } from "../../../drivers/snmp/exchange.ts";
import { encode, type Message, pdus } from "../../../drivers/snmp/message.ts";
import { all, boundTo, brief, closedPort, env, good, peer, request, response, root, rows, session } from "./peer.ts";

const timeoutMs = 1500;
/** For peers that answer sooner or later: a stalled machine must not make the test fail. */
const ampleMs = 10_000;
const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const elapsed = async (work: () => Promise<unknown>) => {
  const startedAt = env.clock.mono();
  await work();
  return env.clock.mono() - startedAt;
};
const noSuchInstance: ber.Element = { tag: ber.tags.noSuchInstance, content: Buffer.alloc(0) };

test("reads all OIDs in one GetRequest, readings in the order asked", async () => {
  const device = await peer(good);
  expect(await session(device.port).read(request(3, 1, 2), ampleMs)).toEqual([
    { point: "ups/p3", value: 3 },
    { point: "ups/p1", value: 1 },
    { point: "ups/p2", value: 2 },
  ]);
  expect(device.requests).toMatchObject([{ version: 1, pdu: pdus.get, community: "public" }]);
  expect(rows(device.requests[0]!)).toEqual([3, 1, 2]);
});

/** Answers to a GetRequest for row 1 that are no answer to it. */
const hostile: [string, string, (asked: Message) => Buffer | Buffer[]][] = [
  ["nothing", "timeout", () => []],
  ["another request's id", "timeout", (asked) => encode(response(asked, { requestId: asked.requestId + 1 }))],
  ["an empty datagram", "bad_reply", () => Buffer.alloc(0)],
  ["noise", "bad_reply", () => hex("deadbeef 00ff 30")],
  ["a truncated Response", "bad_reply", (asked) => good(asked).subarray(0, -1)],
  ["the request itself", "bad_reply", (asked) => encode(asked)],
  ["a Report", "bad_reply", (asked) => encode(response(asked, { pdu: pdus.report }))],
  ["an SNMPv3 message", "bad_reply", () => hex("3011 020103 300c 020101 0202ffff 040104 020103")],
  ["no bindings", "bad_reply", (asked) => encode(response(asked, { bindings: [] }))],
  ["another OID", "bad_reply", (asked) => encode(response(asked, { bindings: response(request1(asked, 2)).bindings }))],
  ["another community", "bad_reply", (asked) => encode(response(asked, { community: "private" }))],
  ["an integer of no octets", "bad_reply", (asked) => all(asked, { tag: ber.tags.integer, content: Buffer.alloc(0) })],
  [
    "an integer of ten octets",
    "bad_reply",
    (asked) => all(asked, { tag: ber.tags.integer, content: Buffer.alloc(10, 1) }),
  ],
  ["a type nobody knows", "wrong_type", (asked) => all(asked, { tag: 0xc7, content: Buffer.alloc(1) })],
  ["text that is no number", "wrong_type", (asked) => all(asked, ber.text("on battery"))],
  ["Null", "not_available", (asked) => all(asked, { tag: ber.tags.null, content: Buffer.alloc(0) })],
  ["NoSuchInstance", "no_such_point", (asked) => all(asked, noSuchInstance)],
  ["genErr", "device_error", (asked) => encode(response(asked, { errorStatus: 5, errorIndex: 0 }))],
  [
    "an error-status nobody knows",
    "device_error",
    (asked) => encode(response(asked, { errorStatus: 99, errorIndex: 1 })),
  ],
  ["tooBig for a single OID", "device_error", (asked) => encode(response(asked, { errorStatus: 1, bindings: [] }))],
];
const request1 = (asked: Message, row: number): Message => ({
  ...asked,
  bindings: [{ oid: `${root}.${row}`, value: ber.integer(row) }],
});

test.each(hostile)("answered with %s: %s within the deadline, and the next read is right", async (_, fault, answer) => {
  let healed = false;
  const device = await peer((asked) => (healed ? good(asked) : answer(asked)));
  const reading = session(device.port);
  const took = await elapsed(async () => {
    expect(brief(await reading.read(request(1), timeoutMs))).toEqual([fault]);
  });
  expect(took).toBeLessThan(timeoutMs + 5000);
  healed = true;
  expect(brief(await reading.read(request(1), ampleMs))).toEqual([1]);
});

test.each(hostile.filter(([, fault]) => fault === "timeout" || fault === "bad_reply").slice(0, 8))(
  "%s before the answer does no harm",
  async (_, __, answer) => {
    const device = await peer((asked) => [answer(asked), good(asked)].flat());
    expect(brief(await session(device.port).read(request(1), ampleMs))).toEqual([1]);
  },
);

test("a lost datagram is made good by asking again, with the same request id", async () => {
  const device = await peer((asked, nth) => (nth === 0 ? undefined : good(asked)));
  expect(brief(await session(device.port).read(request(1), timeoutMs * 2))).toEqual([1]);
  expect(device.requests.length).toBe(2);
  expect(device.requests[1]).toEqual(device.requests[0]);
});

test("an answer from another address or port is not the device's", async () => {
  const others = [await boundTo("127.0.0.2"), await boundTo("127.0.0.1")];
  let silent = false;
  const device = await peer((asked, _, from) => {
    for (const other of others) other.send(all(asked, ber.integer(666)), from.port, from.address);
    return silent ? undefined : good(asked);
  });
  const reading = session(device.port);
  expect(brief(await reading.read(request(1), ampleMs))).toEqual([1]);
  silent = true;
  expect(brief(await reading.read(request(1), timeoutMs))).toEqual(["timeout"]);
});

test("a late answer is not taken for the next request's, wherever it arrives", async () => {
  const late: Message[] = [];
  const ports = new Set<number>();
  const device = await peer((asked, _, from) => {
    ports.add(from.port);
    late.push(asked);
    if (ports.size === 1) return undefined;
    return [all(late[0]!, ber.integer(666)), good(asked)];
  });
  const reading = session(device.port);
  expect(brief(await reading.read(request(1), 100))).toEqual(["timeout"]);
  expect(brief(await reading.read(request(1), ampleMs))).toEqual([1]);
  expect(ports.size).toBe(2); // the port the late answer would have come to is closed
});

test("tooBig shrinks the requests, and the size is remembered", async () => {
  const device = await peer((asked) =>
    asked.bindings.length > 3 ? encode(response(asked, { errorStatus: 1, bindings: [] })) : good(asked),
  );
  const reading = session(device.port);
  const many = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  expect(brief(await reading.read(request(...many), ampleMs))).toEqual(many);
  const sizes = () => device.requests.splice(0).map(({ bindings }) => bindings.length);
  expect(sizes()).toEqual([10, 5, 3, 3, 3, 1]);
  expect(brief(await reading.read(request(...many), ampleMs))).toEqual(many);
  expect(sizes()).toEqual([3, 3, 3, 1]);
});

test("a device that is silent to large requests is asked for as many as it answers, and the size is remembered", async () => {
  const device = await peer((asked) => (asked.bindings.length > 5 ? undefined : good(asked)));
  const reading = session(device.port);
  const many = Array.from({ length: 20 }, (_, row) => row + 1);
  const read = async () => brief(await reading.read(request(...many), timeoutMs));
  let polls = 1;
  while ((await read()).includes("timeout")) polls++;
  expect(polls).toBeLessThanOrEqual(5);
  device.requests.splice(0);
  expect(brief(await reading.read(request(...many), ampleMs))).toEqual(many);
  expect(device.requests.map(({ bindings }) => bindings.length)).toEqual([5, 5, 5, 5]);
});

test("a device that was gone is soon asked for as many as before", async () => {
  let gone = true;
  const device = await peer((asked) => (gone ? undefined : good(asked)));
  const reading = session(device.port);
  const many = Array.from({ length: 20 }, (_, row) => row + 1);
  for (let poll = 0; poll < 6; poll++) await reading.read(request(...many), 100);
  gone = false;
  for (let poll = 0; poll < 3; poll++) expect(brief(await reading.read(request(...many), ampleMs))).toEqual(many);
  device.requests.splice(0);
  gone = true;
  for (let poll = 0; poll < 6; poll++) await reading.read(request(...many), 100);
  gone = false;
  device.requests.splice(0);
  expect(brief(await reading.read(request(...many), ampleMs))).toEqual(many);
  expect(device.requests.map(({ bindings }) => bindings.length)).toEqual([20]);
});

test.each([
  ["genErr", 5, "device_error", "error-status 5 (genErr)"],
  ["noSuchName, which SNMPv2c does not have but devices send", 2, "no_such_point", "error-status 2 (noSuchName)"],
])("%s blames one OID: the others are read without it", async (_, errorStatus, fault, detail) => {
  const device = await peer((asked) => {
    const at = rows(asked).indexOf(3);
    return at < 0 ? good(asked) : encode(response(asked, { errorStatus, errorIndex: at + 1 }));
  });
  const readings = await session(device.port).read(request(1, 2, 3, 4), ampleMs);
  expect(brief(readings)).toEqual([1, 2, fault, 4]);
  expect(readings[2]).toMatchObject({ detail });
  expect(device.requests.map(rows)).toEqual([
    [1, 2, 3, 4],
    [1, 2, 4],
  ]);
});

test("SNMPv1: a request is of its version, and an answer of another is not the answer", async () => {
  let version: 0 | 1 = 1;
  const device = await peer((asked) => encode(response(asked, { version })));
  const reading = session(device.port, { version: 1 });
  expect(brief(await reading.read(request(1), timeoutMs))).toEqual(["bad_reply"]);
  version = 0;
  expect(brief(await reading.read(request(1), ampleMs))).toEqual([1]);
  expect(device.requests).toMatchObject([{ version: 0 }, { version: 0 }, { version: 0 }]);
});

test("noSuchName that blames none: halves are asked until it is alone, and the others are read", async () => {
  const device = await peer((asked) =>
    rows(asked).includes(3) ? encode(response(asked, { version: 0, errorStatus: 2, errorIndex: 0 })) : good(asked),
  );
  const reading = session(device.port, { version: 1 });
  expect(brief(await reading.read(request(1, 2, 3, 4, 5), ampleMs))).toEqual([1, 2, "no_such_point", 4, 5]);
  expect(device.requests.splice(0).map(rows)).toEqual([[1, 2, 3, 4, 5], [1, 2, 3], [1, 2], [3], [4, 5]]);
  expect(brief(await reading.read(request(1, 2, 3, 4, 5), ampleMs))).toEqual([1, 2, "no_such_point", 4, 5]);
  expect(device.requests.map(rows)).toEqual([[1, 2, 4, 5], [3]]);
});

test("OIDs that made a request fail are asked for last and alone from then on, and may come back", async () => {
  const gone = new Set([2, 4]);
  const device = await peer((asked) => {
    const at = rows(asked).findIndex((row) => gone.has(row));
    return at < 0 ? good(asked) : encode(response(asked, { errorStatus: 2, errorIndex: at + 1 }));
  });
  const reading = session(device.port, { version: 1 });
  const asked = () => device.requests.splice(0).map(rows);
  const all = [1, "no_such_point", 3, "no_such_point", 5];
  expect(brief(await reading.read(request(1, 2, 3, 4, 5), ampleMs))).toEqual(all);
  expect(asked()).toEqual([
    [1, 2, 3, 4, 5],
    [1, 3, 4, 5],
    [1, 3, 5],
  ]);
  expect(brief(await reading.read(request(1, 2, 3, 4, 5), ampleMs))).toEqual(all);
  expect(asked()).toEqual([[1, 3, 5], [2], [4]]);
  gone.clear();
  for (let poll = 0; poll < 2; poll++) {
    expect(brief(await reading.read(request(1, 2, 3, 4, 5), ampleMs))).toEqual([1, 2, 3, 4, 5]);
  }
  expect(asked()).toEqual([[1, 3, 5], [2], [4], [1, 2, 3, 4, 5]]);
});

test("a device that stops answering half-way has the rest time out, within the one deadline", async () => {
  const device = await peer((asked, nth) => (nth === 0 ? good(asked) : undefined));
  const reading = session(device.port, { maxOids: 1 });
  const took = await elapsed(async () => {
    expect(brief(await reading.read(request(1, 2, 3, 4, 5, 6), timeoutMs))).toEqual([1, ...Array(5).fill("timeout")]);
  });
  expect(took).toBeLessThan(timeoutMs + 5000);
});

test("a closed port is unreachable at once, and found again when it opens", async () => {
  const port = await closedPort();
  const reading = session(port);
  const took = await elapsed(async () => {
    expect(brief(await reading.read(request(1), ampleMs))).toEqual(["unreachable"]);
  });
  expect(took).toBeLessThan(ampleMs / 2);
  await peer(good, port);
  expect(brief(await reading.read(request(1), ampleMs))).toEqual([1]);
});

test("a name is looked up; one that nobody knows is unreachable", async () => {
  const device = await peer(good);
  expect(brief(await session(device.port, { host: "localhost" }).read(request(1), ampleMs))).toEqual([1]);
  const unknown = await session(device.port, { host: "no-such-host.invalid" }).read(request(1), ampleMs);
  expect(brief(unknown)).toEqual(["unreachable"]);
  expect(answered(unknown)).toBe(false);
});

test("close ends a read under way, twice is fine, and a read after it is unreachable", async () => {
  const device = await peer(() => undefined);
  const reading = session(device.port);
  const pending = reading.read(request(1, 2), ampleMs);
  await new Promise((resolve) => device.socket.once("message", resolve));
  await reading.close();
  await reading.close();
  expect(brief(await pending)).toEqual(["unreachable", "unreachable"]);
  expect(brief(await reading.read(request(1), ampleMs))).toEqual(["unreachable"]);
});

test("a machine that lacks the cryptography says so, in a fault", async () => {
  const device = await peer(good);
  const turn = {
    next() {
      throw new Error("digital envelope routines::unsupported");
    },
    hear: () => ({ kind: "other" }) as const,
    hint: () => "",
  };
  const found = { address: "127.0.0.1", family: 4, port: device.port };
  expect(await new Exchange(env, { peer: found, turn, timeoutMs: ampleMs }).answer).toMatchObject({
    fault: "unreachable",
    detail: expect.stringContaining("unsupported"),
  });
});

test("nothing is sent before the first read", async () => {
  const device = await peer(good);
  session(device.port);
  await session(device.port).read(request(1), ampleMs);
  expect(device.requests.length).toBe(1);
});

import { expect, test } from "vitest";
import { type Address, address } from "../../../drivers/snmp/address.ts";
import * as ber from "../../../drivers/snmp/ber.ts";
import { encode, type Message, pdus } from "../../../drivers/snmp/message.ts";
import { plan, type Request } from "../../../drivers/snmp/plan.ts";
import { bus } from "../../../drivers/snmp/schema.ts";
import { answered, brief, env, type Held, type Peer, peer, response, type Script, serving, session } from "./peer.ts";

/** Points over all rows of a table, such as an alarm table's. */

const ampleMs = 10_000;
const timeoutMs = 400;
const entry = "1.3.6.1.2.1.33.1.6.2.1";
const [id, descr] = [1, 2].map((column) => `${entry}.${column}`) as [string, string];
const alarmsPresent = "1.3.6.1.2.1.33.1.6.1.0";
const known = (alarm: number): string => `1.3.6.1.2.1.33.1.6.3.${alarm}`;
const charge = "1.3.6.1.2.1.33.1.2.4.0";
const alarm = (nth: number, options: object = {}): object => ({
  rows: "count",
  where: { [descr]: known(nth) },
  ...options,
});

const request = (...addresses: object[]): Request => ({
  points: addresses.map((one, at) => ({ id: `ups/p${at}`, device: {}, address: address.parse(one) as Address })),
});

/** An alarm table: the row's index, and the alarm that it is about. */
function alarms(rows: Readonly<Record<number, number>>, held: Held = new Map()): Held {
  held.clear();
  held.set(charge, ber.integer(97));
  for (const [index, nth] of Object.entries(rows)) {
    held.set(`${id}.${index}`, ber.integer(Number(index)));
    held.set(`${descr}.${index}`, ber.oid(known(nth)));
  }
  held.set("1.3.6.1.2.1.33.1.7.1.0", ber.oid("0.0"));
  return held;
}
const sizes = ({ requests }: Peer): string[] =>
  requests.splice(0).map(({ pdu, bindings, errorIndex }) => {
    const name = Object.entries(pdus).find(([, code]) => code === pdu)?.[0];
    return `${name} ${bindings.length}${pdu === pdus.getBulk ? `x${errorIndex}` : ""}`;
  });

test("an alarm is counted while its row is there, however many alarms are asked for by one walk", async () => {
  const held = alarms({ 3: 2, 9: 13 });
  const device = await peer(serving(held));
  const reading = session(device.port);
  const all = request(...Array.from({ length: 24 }, (_, at) => alarm(at + 1, { beside: alarmsPresent })));
  const raised = async () =>
    brief(await reading.read(all, ampleMs)).flatMap((value, at) => (value === 0 ? [] : [[at + 1, value]]));
  expect(await raised()).toEqual([
    [2, 1],
    [13, 1],
  ]);
  expect(sizes(device)).toEqual(["getBulk 1x20"]);
  alarms({ 3: 2, 10: 18, 11: 18 }, held);
  expect(await raised()).toEqual([
    [2, 1],
    [18, 2],
  ]);
});

const noSuch = (tag: number): ber.Element => ({ tag, content: Buffer.alloc(0) });
/** An agent that has the alarm table, which is empty, and says so of its columns. */
const withTable: (held: Held) => Script = (held) => (asked) => {
  const answer = answered(held, asked);
  if (asked.pdu !== pdus.get || asked.version === 0) return encode(answer);
  const bindings = answer.bindings.map(({ oid, value }) => ({
    oid,
    value: oid.startsWith(entry) && value.tag === ber.tags.noSuchObject ? noSuch(ber.tags.noSuchInstance) : value,
  }));
  return encode({ ...answer, bindings });
};
const proof = { beside: alarmsPresent };
test.each<[string, 1 | "2c", (held: Held) => Script, number, object, string | number]>([
  ["empty, and its columns are known", "2c", withTable, 0, {}, 0],
  ["empty, and its columns are not known", "2c", serving, 0, {}, "no_such_point"],
  ["empty, and its columns are not known, but what is beside it", "2c", serving, 0, proof, 0],
  ["empty, and all columns there can be are known", "2c", withTable, -1, proof, "no_such_point"],
  ["missing with its whole MIB", "2c", serving, -1, proof, "no_such_point"],
  ["empty in SNMPv1, which tells nothing of columns", 1, serving, 0, {}, "no_such_point"],
  ["empty in SNMPv1, with what is beside it", 1, serving, 0, proof, 0],
  ["missing in SNMPv1", 1, serving, -1, proof, "no_such_point"],
])("a table that is %s (SNMPv%s)", async (_, version, agent, present, options, expected) => {
  const held = alarms({});
  if (present >= 0) held.set(alarmsPresent, ber.integer(present, ber.tags.gauge32));
  const device = await peer(agent(held));
  const readings = await session(device.port, { version }).read(request({ oid: charge }, alarm(2, options)), ampleMs);
  expect(brief(readings)).toEqual([97, expected]);
  if (expected === "no_such_point")
    expect(readings[1]).toMatchObject({ detail: expect.stringMatching(/^no rows, and/) });
});

test("a card that loses its UPS has no alarm table meanwhile, which is not the end of its alarms", async () => {
  const held = alarms({ 1: 2 }).set(alarmsPresent, ber.integer(1));
  const device = await peer(serving(held));
  const reading = session(device.port);
  const wanted = request(alarm(2, proof));
  expect(brief(await reading.read(wanted, ampleMs))).toEqual([1]);
  held.clear();
  expect(brief(await reading.read(wanted, ampleMs))).toEqual(["no_such_point"]);
  alarms({}, held).set(alarmsPresent, ber.integer(0));
  expect(brief(await reading.read(wanted, ampleMs))).toEqual([0]);
});

const phases: Held = new Map([
  ...[15, 42, -3].map((amps, at) => [`${entry}.5.${at + 1}`, ber.integer(amps)] as const),
  ...[2, 3, 2].map((state, at) => [`${entry}.4.${at + 1}`, ber.integer(state)] as const),
  [`${entry}.5.9`, ber.text("N/A")],
]);
test.each<[string, object, string | number]>([
  ["the most", { rows: "max", where: { [`${entry}.4`]: 2 } }, 15],
  ["the least", { rows: "min", where: { [`${entry}.4`]: 2 } }, -3],
  ["the sum", { rows: "sum", where: { [`${entry}.4`]: 2 } }, 12],
  ["the count", { rows: "count", where: { [`${entry}.4`]: 2 } }, 2],
  ["the count of all", { rows: "count" }, 4],
  ["the sum of no rows", { rows: "sum", where: { [`${entry}.4`]: 7 } }, 0],
  ["the most of no rows", { rows: "max", where: { [`${entry}.4`]: 7 } }, "not_available"],
  ["the sum, of which one is no number", { rows: "sum" }, "not_available"],
])("%s of a column", async (_, options, expected) => {
  const device = await peer(serving(phases));
  expect(brief(await session(device.port).read(request({ column: `${entry}.5`, ...options }), ampleMs))).toEqual([
    expected,
  ]);
});

/** What an agent may answer to a walk of the alarm table: OIDs of it, or nothing. */
const walk =
  (oids: (asked: Message) => readonly string[]): Script =>
  (asked) => {
    if (asked.pdu === pdus.get) return serving(alarms({}))(asked, 0, null!);
    return encode(response(asked, { bindings: oids(asked).map((oid) => ({ oid, value: ber.oid(known(2)) })) }));
  };
let row = 0;
test.each<[string, Script, string, RegExp]>([
  ["the same OID", walk(() => [`${descr}.1`]), "bad_reply", /endless walk: after .*2\.1 came .*2\.1/],
  ["what was asked", walk(({ bindings }) => [bindings[0]!.oid]), "bad_reply", /endless walk/],
  ["two in turn", walk(() => [`${descr}.1`, `${descr}.2`, `${descr}.1`]), "bad_reply", /after .*2\.2 came .*2\.1/],
  ["one of before the table", walk(() => [charge]), "bad_reply", /endless walk/],
  ["no bindings", walk(() => []), "bad_reply", /nothing came after/],
  [
    "new rows without an end",
    walk(() => Array.from({ length: 20 }, () => `${descr}.${++row}`)),
    "bad_reply",
    /4096 rows/,
  ],
  [
    "genErr",
    (asked, nth, from) =>
      asked.pdu === pdus.get ? serving(alarms({}))(asked, nth, from) : encode(response(asked, { errorStatus: 5 })),
    "device_error",
    /genErr/,
  ],
  [
    "nothing",
    (asked, nth, from) => (asked.pdu === pdus.get ? serving(alarms({}))(asked, nth, from) : undefined),
    "timeout",
    /no answer|no time/,
  ],
])("a walk answered with %s ends by itself, and all else is read", async (_, script, fault, detail) => {
  const device = await peer(script);
  const reading = session(device.port);
  for (let poll = 0; poll < 2; poll++) {
    const readings = await reading.read(
      request({ oid: charge }, alarm(2), alarm(3)),
      fault === "timeout" ? timeoutMs : ampleMs,
    );
    expect(brief(readings)).toEqual([97, fault, fault]);
    expect(readings[1]).toMatchObject({ detail: expect.stringMatching(detail) });
  }
});

test("an agent whose rows never end and come slowly costs the read its time, and no more", async () => {
  let next = 0;
  const device = await peer((asked) => {
    if (asked.pdu === pdus.get) return serving(alarms({}))(asked, 0, null!);
    const answer = encode(response(asked, { bindings: [{ oid: `${descr}.${++next}`, value: ber.oid(known(2)) }] }));
    env.after(20, () => isOver || device.socket.send(answer, ports.at(-1)!, "127.0.0.1"));
    return undefined;
  });
  let isOver = false;
  const ports: number[] = [];
  device.socket.prependListener("message", (_, { port }) => ports.push(port));
  const startedAt = env.clock.mono();
  const readings = await session(device.port).read(request({ oid: charge }, alarm(2)), timeoutMs);
  expect(env.clock.mono() - startedAt).toBeLessThan(timeoutMs + 1000);
  expect(brief(readings)).toEqual([97, "timeout"]);
  isOver = true;
});

const long = alarms(Object.fromEntries(Array.from({ length: 60 }, (_, at) => [at + 1, at % 2 === 0 ? 2 : 3])));
const both = request(alarm(2), alarm(3));

test.each<[string, (asked: Message) => Buffer | undefined]>([
  ["tooBig", (asked) => encode(response(asked, { errorStatus: 1, bindings: [] }))],
  ["nothing", () => undefined],
])(
  "an agent that answers %s to more than five rows is asked for fewer, and the size is remembered",
  async (_, refuse) => {
    const device = await peer((asked, nth, from) =>
      asked.errorIndex > 5 ? refuse(asked) : serving(long)(asked, nth, from),
    );
    const reading = session(device.port);
    for (let poll = 0; poll < 5; poll++) await reading.read(both, timeoutMs);
    device.requests.splice(0);
    expect(brief(await reading.read(both, ampleMs))).toEqual([30, 30]);
    expect(new Set(sizes(device))).toEqual(new Set(["getBulk 1x5"]));
  },
);

test("an agent that was gone is asked for as many rows as before", async () => {
  let gone = true;
  const device = await peer((asked, nth, from) => (gone ? undefined : serving(long)(asked, nth, from)));
  const reading = session(device.port);
  for (let poll = 0; poll < 3; poll++) await reading.read(both, 100);
  gone = false;
  for (let poll = 0; poll < 3; poll++) expect(brief(await reading.read(both, ampleMs))).toEqual([30, 30]);
  device.requests.splice(0);
  await reading.read(both, ampleMs);
  expect(sizes(device)[0]).toBe("getBulk 1x20");
});

test.each<[string, (asked: Message) => Message]>([
  ["cut off in the middle of a round", (answer) => ({ ...answer, bindings: answer.bindings.slice(0, 3) })],
  [
    "padded with endOfMibView",
    (answer) => ({
      ...answer,
      bindings: [
        ...answer.bindings,
        ...Array(9).fill({ oid: answer.bindings.at(-1)!.oid, value: noSuch(ber.tags.endOfMibView) }),
      ],
    }),
  ],
])("answers that are %s make no difference", async (_, change) => {
  const device = await peer((asked) => encode(change(answered(phases, asked))));
  const wanted = request({ column: `${entry}.5`, rows: "max", where: { [`${entry}.4`]: 2 } });
  expect(brief(await session(device.port).read(wanted, ampleMs))).toEqual([15]);
});

test("SNMPv1 that refuses at the end without saying which column ended is walked column by column", async () => {
  const device = await peer((asked) => {
    const answer = answered(phases, asked);
    return encode(answer.errorStatus === 2 ? { ...answer, errorIndex: 0 } : answer);
  });
  const wanted = request({ column: `${entry}.5`, rows: "sum", where: { [`${entry}.4`]: 2 } });
  expect(brief(await session(device.port, { version: 1 }).read(wanted, ampleMs))).toEqual([12]);
});

test("each table goes with a request for single objects, as long as there are some", () => {
  const points = request({ oid: charge }, alarm(2), alarm(3), { column: "1.3.6.1.4.1.1.1.5", rows: "sum" }).points;
  const ids = (options: object) =>
    plan(points, bus.parse({ host: "ups", ...options })).map((one) => one.points.map(({ id }) => id));
  expect(ids({})).toEqual([["ups/p0", "ups/p1", "ups/p2"], ["ups/p3"]]);
});

import { expect, test } from "vitest";
import { type Address, address } from "../../../drivers/snmp/address.ts";
import * as ber from "../../../drivers/snmp/ber.ts";
import { pdus } from "../../../drivers/snmp/message.ts";
import type { Request } from "../../../drivers/snmp/plan.ts";
import { brief, type Held, type Peer, peer, serving, session } from "./peer.ts";

/** Cells of tables whose rows appear, vanish and move. */

const ampleMs = 10_000;
const entry = "1.3.6.1.4.1.99999.3.1";
const [label, value, unit, scale] = [2, 3, 4, 5].map((column) => `${entry}.${column}`) as [
  string,
  string,
  string,
  string,
];
/** A row: label, value, unit, divisor or digits. */
type Outlet = readonly [label: string, value: ber.Element | number, unit?: string, scale?: number];

function fill(held: Held, rows: Readonly<Record<string, Outlet>>): Held {
  held.clear();
  for (const [index, [name, reading, of, by]] of Object.entries(rows)) {
    held.set(`${label}.${index}`, ber.text(name));
    held.set(`${value}.${index}`, typeof reading === "number" ? ber.integer(reading) : reading);
    if (of !== undefined) held.set(`${unit}.${index}`, ber.text(of));
    if (by !== undefined) held.set(`${scale}.${index}`, ber.integer(by));
  }
  return held;
}

const request = (...addresses: object[]): Request => ({
  points: addresses.map((one, at) => ({ id: `pdu/p${at}`, device: {}, address: address.parse(one) as Address })),
});
const outlet = (name: string): object => ({ column: value, where: { [label]: name } });
const asked = ({ requests }: Peer): string[] =>
  requests.splice(0).map(({ pdu, bindings }) => {
    const name = Object.entries(pdus).find(([, code]) => code === pdu)?.[0];
    return `${name} ${bindings.map(({ oid }) => oid.slice(entry.length + 1)).join(" ")}`;
  });

async function outlets(rows: Readonly<Record<string, Outlet>>, options: object = {}) {
  const held: Held = new Map();
  fill(held, rows);
  const device = await peer(serving(held));
  return { held, device, reading: session(device.port, options) };
}

test("a row by its index is an object like any other", async () => {
  const { device, reading } = await outlets({ "1.5": ["A", 15] });
  expect(brief(await reading.read(request({ column: value, row: "1.5" }, { column: value, row: 5 }), ampleMs))).toEqual(
    [15, "no_such_point"],
  );
  expect(asked(device)).toEqual(["get 3.1.5 3.5"]);
});

test("a row by its label is looked for once; from then on label and value come in one answer", async () => {
  const { device, reading } = await outlets({ 1: ["A", 11], 2: ["B", 12], 30: ["C", 13] });
  const wanted = request(outlet("C"), outlet("A"));
  for (let round = 0; round < 3; round++) expect(brief(await reading.read(wanted, ampleMs))).toEqual([13, 11]);
  expect(asked(device)).toEqual([
    "getBulk 2",
    "get 3.30 2.30 3.1 2.1",
    "get 3.30 2.30 3.1 2.1",
    "get 3.30 2.30 3.1 2.1",
  ]);
});

test.each<1 | "2c">([1, "2c"])(
  "SNMPv%s: rows that appear, move, swap and vanish are read where they are",
  async (version) => {
    const { held, device, reading } = await outlets({ 1: ["A", 11], 2: ["B", 12] }, { version });
    const wanted = request(outlet("A"), outlet("B"), outlet("C"));
    const read = async (rows: Readonly<Record<string, Outlet>>) => {
      fill(held, rows);
      return brief(await reading.read(wanted, ampleMs));
    };
    expect(await read({ 1: ["A", 11], 2: ["B", 12] })).toEqual([11, 12, "no_such_point"]);
    expect(await read({ 1: ["A", 11], 2: ["B", 12], 3: ["C", 13] })).toEqual([11, 12, 13]);
    expect(await read({ 1: ["B", 22], 2: ["A", 21], 3: ["C", 23] })).toEqual([21, 22, 23]);
    expect(await read({ 4: ["B", 32], 5: ["A", 31], 6: ["C", 33] })).toEqual([31, 32, 33]);
    expect(await read({ 4: ["B", 42], 5: ["X", 99], 6: ["C", 43] })).toEqual(["no_such_point", 42, 43]);
    expect(await read({ 4: ["C", 53], 6: ["A", 51] })).toEqual([51, "no_such_point", 53]);
    expect(await read({})).toEqual(["no_such_point", "no_such_point", "no_such_point"]);
    expect(await read({ 7: ["A", 61], 8: ["B", 62], 9: ["C", 63] })).toEqual([61, 62, 63]);
    asked(device);
    expect(await read({ 7: ["A", 71], 8: ["B", 72], 9: ["C", 73] })).toEqual([71, 72, 73]);
    expect(asked(device)).toEqual(["get 3.7 2.7 3.8 2.8 3.9 2.9"]);
  },
);

test("a row that moves between the walk and the answer gives no value, and the next read finds it", async () => {
  const held: Held = new Map();
  fill(held, { 1: ["A", 11], 2: ["B", 12] });
  let restless = true;
  const device = await peer((request, nth, from) => {
    const answer = serving(held)(request, nth, from);
    if (restless && request.pdu === pdus.getBulk) fill(held, { 1: ["B", 12], 2: ["A", 11] });
    return answer;
  });
  const reading = session(device.port);
  const readings = await reading.read(request(outlet("A"), outlet("B")), ampleMs);
  expect(readings).toMatchObject([
    { fault: "no_such_point", detail: "its row moves while it is read" },
    { fault: "no_such_point" },
  ]);
  restless = false;
  expect(brief(await reading.read(request(outlet("A"), outlet("B")), ampleMs))).toEqual([11, 12]);
});

test("a row that is not there says what is, in bounded words; the others are read", async () => {
  const many = Array.from({ length: 40 }, (_, at) => [at + 1, [`Outlet ${at + 1} ${"x".repeat(100)}`, at]] as const);
  const { reading } = await outlets({ ...Object.fromEntries(many), 99: ["B", 12] });
  const [gone, there] = await reading.read(request(outlet("Outlet 5"), outlet("B")), ampleMs);
  expect(there).toEqual({ point: "pdu/p1", value: 12 });
  expect(gone).toMatchObject({
    fault: "no_such_point",
    detail: expect.stringMatching(/no row with "Outlet 5"; there is "Outlet 1 .* and 36 more/),
  });
  expect("detail" in gone! && gone.detail.length).toBeLessThan(400);
});

test("two rows of one name are none, until another column tells them apart", async () => {
  const { reading } = await outlets({
    1: ["Supply Temperature", 766, "F", 10],
    2: ["Supply Temperature", 248, "C", 10],
  });
  const inCelsius = { column: value, where: { [label]: "Supply Temperature", [unit]: "C" }, divisor: scale };
  const readings = await reading.read(request(outlet("Supply Temperature"), inCelsius), ampleMs);
  expect(readings).toEqual([
    { point: "pdu/p0", fault: "no_such_point", detail: '2 rows with "Supply Temperature", such as 1, 2' },
    { point: "pdu/p1", value: 248, scale: 0.1 },
  ]);
});

test("a row by its index gives nothing while its columns hold something else", async () => {
  const { held, reading } = await outlets({ 1: ["A", 766, "F"] });
  const wanted = request({ column: value, row: 1, where: { [unit]: "C" } });
  expect(await reading.read(wanted, ampleMs)).toEqual([
    { point: "pdu/p0", fault: "no_such_point", detail: `row of ${value}.1 is another one` },
  ]);
  fill(held, { 1: ["A", 248, "C"] });
  expect(brief(await reading.read(wanted, ampleMs))).toEqual([248]);
});

const oid = "1.3.6.1.4.1.476.1.42.3.4.1.1.2";
test.each<[string, ber.Element, string | number]>([
  ["a text", ber.text("Outlet 5"), "Outlet 5"],
  ["a text with padding", ber.text("Outlet 5 \0"), "Outlet 5"],
  ["an OID", ber.oid(oid), oid],
  ["a number", ber.integer(7), 7],
  ["a number in text", ber.text("7"), 7],
])("a row is named by %s", async (_, named, holds) => {
  const { held, reading } = await outlets({ 1: ["", 11], 2: ["", 12] });
  held.set(`${label}.2`, named);
  expect(brief(await reading.read(request({ column: value, where: { [label]: holds } }), ampleMs))).toEqual([12]);
});

test.each<[string, object, number | undefined, unknown]>([
  ["three digits", { digits: scale }, 3, { value: 3497, scale: 10 ** -3 }],
  ["no digits", { digits: scale }, 0, { value: 3497 }],
  ["digits before the point", { digits: scale }, -2, { value: 3497, scale: 100 }],
  [
    "more digits than there are",
    { digits: scale },
    400,
    { fault: "implausible", detail: `its scale in ${scale}.1 is 400` },
  ],
  ["a divisor", { divisor: scale }, 10, { value: 3497, scale: 0.1 }],
  ["a divisor of nothing", { divisor: scale }, 0, { fault: "implausible", detail: `its scale in ${scale}.1 is 0` }],
  ["no such column", { digits: scale }, undefined, { fault: "no_such_point" }],
])("the row says its own scale: %s", async (_, option, by, expected) => {
  const { device, reading } = await outlets({ 1: by === undefined ? ["A", 3497] : ["A", 3497, "A", by] });
  expect(await reading.read(request({ column: value, row: 1, ...option }), ampleMs)).toMatchObject([expected]);
  expect(asked(device)).toEqual(["get 3.1 5.1"]);
});

test("a device that answers two OIDs at a time is asked for one row at a time, and never for half a one", async () => {
  const held: Held = new Map();
  fill(held, { 1: ["A", 11], 2: ["B", 12] });
  const device = await peer((request, nth, from) =>
    request.pdu === pdus.get && request.bindings.length > 2 ? undefined : serving(held)(request, nth, from),
  );
  const reading = session(device.port);
  const wanted = request(outlet("A"), outlet("B"));
  for (let poll = 0; poll < 6; poll++) await reading.read(wanted, 400);
  asked(device);
  expect(brief(await reading.read(wanted, ampleMs))).toEqual([11, 12]);
  expect(asked(device)).toEqual(["get 3.1 2.1", "get 3.2 2.2"]);
});

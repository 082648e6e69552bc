import { describe, expect, onTestFinished, test } from "vitest";
import { afterAnswer, afterTooBig } from "../../../drivers/capacity.ts";
import type { Learnt } from "../../../drivers/driver.ts";
import { memoryOf } from "../../../drivers/snmp/learnt.ts";
import { encode, type Message } from "../../../drivers/snmp/message.ts";
import { bus } from "../../../drivers/snmp/schema.ts";
import { SnmpSession } from "../../../drivers/snmp/session.ts";
import { brief, env, good, peer, request, response, root, rows, type Script } from "./peer.ts";

const most = 20;
const hour = 3_600_000;

/** As the store keeps it: text. */
function memory(before: unknown = null) {
  let json = JSON.stringify(before);
  const writes: unknown[] = [];
  const learnt: Learnt = {
    get before() {
      return JSON.parse(json);
    },
    keep(now) {
      json = JSON.stringify(now);
      writes.push(now);
    },
  };
  return { learnt, writes };
}

/** A clock that stands until it is set. */
function clock() {
  const time = { ms: 0 };
  return { time, env: { clock: { ...env.clock, mono: () => time.ms } } };
}

const tooBig = (asked: Message): Buffer => encode(response(asked, { errorStatus: 1, bindings: [] }));

/** Devices that a first session learns, and what a second one asks them at once: row numbers, request by request. */
const devices: readonly { what: string; script: Script; asks: number[][]; reads: (number | string)[] }[] = [
  {
    what: "tooBig",
    script: (asked) => (asked.bindings.length > 3 ? tooBig(asked) : good(asked)),
    asks: [
      [1, 2, 3],
      [4, 5, 6],
    ],
    reads: [1, 2, 3, 4, 5, 6],
  },
  {
    what: "an OID that fails each request",
    script: (asked) => {
      const at = rows(asked).indexOf(2) + 1;
      return at > 0 ? encode(response(asked, { errorStatus: 5, errorIndex: at, bindings: [] })) : good(asked);
    },
    asks: [[1, 3, 4, 5, 6], [2]],
    reads: [1, "device_error", 3, 4, 5, 6],
  },
];

describe("what was learnt of a device", () => {
  test.each(devices)("$what holds over a restart, and is written once", async ({ script, asks, reads }) => {
    const device = await peer(script);
    const { learnt, writes } = memory();
    const read = async () => {
      const session = new SnmpSession(bus.parse({ host: "127.0.0.1", port: device.port }), env, undefined, learnt);
      onTestFinished(() => session.close());
      device.requests.length = 0;
      for (let poll = 0; poll < 3; poll++)
        expect(brief(await session.read(request(1, 2, 3, 4, 5, 6), 2000))).toEqual(reads);
      return device.requests.slice(0, asks.length).map(rows);
    };
    expect(await read()).not.toEqual(asks);
    expect(await read()).toEqual(asks);
    expect(writes.length).toBe(1);
  });

  test("is nothing of a device that answers all: nothing is written", () => {
    const { learnt, writes } = memory();
    const session = memoryOf(learnt, most, clock().env);
    session.known.gets = afterAnswer(session.known.gets, most);
    session.end();
    expect(writes).toEqual([]);
  });

  test("is tried again a day later, and what is answered then is kept", () => {
    const { learnt, writes } = memory({ gets: 5, walks: 10, failing: [] });
    const { time, env } = clock();
    const { known, begin, end } = memoryOf(learnt, most, env);
    time.ms = 23 * hour;
    begin();
    expect([known.gets.now, known.walks.now]).toEqual([5, 10]);
    time.ms = 24 * hour;
    begin();
    expect([known.gets.now, known.walks.now]).toEqual([10, 20]);
    end();
    expect(writes).toEqual([]);
    known.gets = afterAnswer(known.gets, 10);
    known.walks = afterTooBig(known.walks, 20);
    end();
    expect(writes).toEqual([{ gets: 10, walks: 10, failing: [] }]);
  });

  test("an OID that fails now and then is not written each time", () => {
    const { learnt, writes } = memory();
    const { time, env } = clock();
    const { known, end } = memoryOf(learnt, most, env);
    for (; time.ms < hour; time.ms += 10_000) {
      if (!known.failing.delete(root)) known.failing.add(root);
      end();
    }
    expect(writes.length).toBeLessThanOrEqual(6);
    expect(writes.length).toBeGreaterThan(0);
  });

  test("is bounded: the OIDs that failed last", () => {
    const { learnt, writes } = memory();
    const { known, end } = memoryOf(learnt, most, clock().env);
    for (let row = 1; row <= 1000; row++) known.failing.add(`${root}.${row}`);
    end();
    expect(known.failing.size).toBe(200);
    expect(known.failing.has(`${root}.1000`)).toBe(true);
    const [{ failing }] = writes as [{ failing: string[] }];
    expect(failing.length).toBe(200);
  });

  test.each<[unknown, number, number, string[]]>([
    [null, most, most, []],
    [1, most, most, []],
    ["text", most, most, []],
    [[], most, most, []],
    [{ gets: 0 }, most, most, []],
    [{ gets: 2.5, failing: [root] }, most, most, []],
    [{ gets: 3, failing: ["1.x"] }, most, most, []],
    [{ gets: 3, walks: 1000 }, 3, most, []],
    [{ walks: 7, failing: [root] }, most, 7, [root]],
  ])("read back from %j: %d and %d at once, alone %j", (before, gets, walks, failing) => {
    const { known } = memoryOf(memory(before).learnt, most, clock().env);
    expect([known.gets.now, known.walks.now, [...known.failing]]).toEqual([gets, walks, failing]);
  });
});

test.each<[string, Script]>([
  ["is silent to it", () => undefined],
  ["says tooBig", tooBig],
  ["says genErr", (asked) => encode(response(asked, { errorStatus: 5, bindings: [] }))],
  ["answers rubbish", () => Buffer.from("deadbeef00ff30", "hex")],
])("more is tried within a read: a device that %s is read all the same", async (_, script) => {
  const device = await peer((asked, nth, from) => (asked.bindings.length > 3 ? script(asked, nth, from) : good(asked)));
  const time = { aheadMs: 0 };
  const ahead = { ...env, clock: { ...env.clock, mono: () => env.clock.mono() + time.aheadMs } };
  const options = bus.parse({ host: "127.0.0.1", port: device.port });
  const session = new SnmpSession(options, ahead, undefined, memory({ gets: 3 }).learnt);
  onTestFinished(() => session.close());
  for (const _day of [1, 2]) {
    time.aheadMs += 24 * hour;
    device.requests.length = 0;
    expect(brief(await session.read(request(1, 2, 3, 4, 5, 6), 400))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(device.requests.some(({ bindings }) => bindings.length === 6)).toBe(true);
    expect(device.requests.at(-1)?.bindings.length).toBe(3);
  }
});

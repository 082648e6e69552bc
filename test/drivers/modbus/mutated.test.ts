import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Env, realEnv } from "../../../agent/env.ts";
import { frame } from "../../../drivers/modbus/frame.ts";
import { plan } from "../../../drivers/modbus/plan.ts";
import { sealed } from "../../../drivers/modbus/rtu.ts";
import { addressSchema, type Bus, busSchema, partSchema } from "../../../drivers/modbus/schema.ts";
import { openSession } from "../../../drivers/modbus/session.ts";
import type { Ends, Wire } from "../../../drivers/modbus/wire.ts";
import { mebibyte, memory } from "../stage.ts";

/** 20,000 broken replies, on a wire and a clock without a world, so that a timeout takes no time. */

type Peer = (request: Buffer, ends: Ends) => void;
const world = { peer: ((): void => {}) as Peer };
vi.mock("../../../drivers/modbus/wire.ts", () => ({
  wireTo: (_: Bus, ends: Ends): Wire => {
    let usable = true;
    return {
      get usable() {
        return usable;
      },
      get isOpen() {
        return usable;
      },
      write: (bytes) => queueMicrotask(() => world.peer(bytes, ends)),
      destroy() {
        usable = false;
      },
      gone: Promise.resolve(),
    };
  },
}));

const uncaught: unknown[] = [];
const note = (error: unknown): void => {
  uncaught.push(error);
};
beforeAll(() => {
  process.on("uncaughtException", note).on("unhandledRejection", note);
});
afterAll(() => {
  process.off("uncaughtException", note).off("unhandledRejection", note);
  expect(uncaught).toEqual([]);
});

/** Seeded (mulberry32): below `limit`. */
function dice(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** Timers that run out when nothing else happens any more. */
function stillEnv(): { env: Env; settle<T>(work: Promise<T>): Promise<T> } {
  const real = realEnv({ logLevel: "silent" });
  const timers = new Set<{ readonly at: number; then(): void }>();
  let now = 1000;
  const env: Env = {
    ...real,
    clock: { ...real.clock, mono: () => now },
    random: () => 0.5,
    after(ms, then) {
      const timer = { at: now + ms, then };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  };
  return {
    env,
    async settle(work) {
      let done = false;
      void work.finally(() => {
        done = true;
      });
      for (let step = 0; step < 200; step++) {
        for (let turn = 0; turn < 30 && !done; turn++) await Promise.resolve();
        if (done) return work;
        const [next] = [...timers].toSorted((a, b) => a.at - b.at);
        if (next === undefined) continue;
        timers.delete(next);
        now = Math.max(now, next.at);
        next.then();
      }
      throw new Error("a read that never ends");
    },
  };
}

type Roll = ReturnType<typeof dice>;
const changes: readonly ((bytes: Buffer, at: number, roll: Roll) => Buffer)[] = [
  (bytes, at, roll) => Buffer.concat([bytes.subarray(0, at), Buffer.of(roll(256)), bytes.subarray(at + 1)]),
  (bytes, at, roll) => Buffer.concat([bytes.subarray(0, at), Buffer.of(roll(256)), bytes.subarray(at)]),
  (bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]),
  (bytes, at) => bytes.subarray(0, at),
  (bytes) => Buffer.concat([bytes, bytes]),
  (bytes, at) => Buffer.concat([bytes.subarray(at), bytes.subarray(0, at)]),
  (bytes, _, roll) => Buffer.concat([bytes, Buffer.from(Array.from({ length: roll(300) }, () => roll(256)))]),
];

function mutate(bytes: Buffer, roll: Roll): Buffer {
  let broken = bytes;
  for (let times = 1 + roll(3); times > 0; times--) {
    broken = changes[roll(changes.length)]!(broken, roll(broken.length + 1), roll);
  }
  return broken;
}

const unit = 5;
const requests = [
  { table: "holding", register: 7, type: "u32" },
  { table: "coil", register: 3 },
].map(
  (address, i) =>
    plan(
      [{ id: `d/p${i}`, device: { unit }, address: addressSchema.parse(address) }],
      busSchema.parse({ host: "h" }),
    )[0]!,
);
const inquiries = [{ object: 5 }, { serverId: true }].map((address) => ({
  device: { unit },
  parts: [{ name: "model", address: partSchema.parse(address) }],
}));
const replies: Readonly<Record<number, readonly number[]>> = {
  3: [4, 0x12, 0x34, 0x56, 0x78],
  1: [1, 0x01],
  17: [8, 9, 0xff, ...Buffer.from("PM5560")],
  43: [0x0e, 2, 0x82, 0, 0, 1, 5, 6, ...Buffer.from("PM5560")],
};
const truths = [
  [{ point: "d/p0", value: 0x12345678 }],
  [{ point: "d/p1", value: 1 }],
  [{ part: "model", text: "PM5560" }],
  [{ part: "model", text: "PM5560" }],
];

test.each([
  ["tcp", 7000, 1],
  ["udp", 6000, 2],
  ["rtu-over-tcp", 7000, 3],
] as const)("%s: %d broken replies end as faults, and the next reply is right", async (transport, times, seed) => {
  const roll = dice(seed);
  const { env, settle } = stillEnv();
  const session = openSession(busSchema.parse({ transport, host: "h" }), env);
  const isRtu = transport === "rtu-over-tcp";
  const rightFor = (request: Buffer): Buffer => {
    const code = request.readUInt8(isRtu ? 1 : 7);
    const pdu = [code, ...(replies[code] ?? [])];
    return isRtu ? sealed(Uint8Array.of(unit, ...pdu)) : frame(request.readUInt16BE(0), unit, pdu);
  };
  const ask = (nth: number) =>
    settle<readonly object[]>(
      nth < 2 ? session.read(requests[nth]!, 500) : session.identify!(inquiries[nth - 2]!, 500),
    );
  const kinds = new Set<string>();
  const before = memory();
  for (let time = 0; time < times; time++) {
    const nth = roll(4);
    world.peer = (request, { bytes }) => {
      const broken = mutate(rightFor(request), roll);
      const middle = roll(broken.length + 1);
      bytes(broken.subarray(0, middle));
      bytes(broken.subarray(middle));
    };
    const [told] = await ask(nth);
    kinds.add("fault" in told! ? String(told.fault) : "value");
    // A checksum finds what a length does not.
    if (isRtu && !("fault" in told!)) expect([told]).toEqual(truths[nth]);
    world.peer = (request, { bytes }) => bytes(rightFor(request));
    expect(await ask(nth), `seed ${seed}, reply ${time}`).toEqual(truths[nth]);
  }
  expect([...kinds]).toEqual(expect.arrayContaining(["bad_reply", "value"]));
  expect((memory() - before) / mebibyte).toBeLessThan(16);
  await session.close();
});

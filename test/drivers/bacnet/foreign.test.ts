import { expect, test } from "vitest";
import { foreignDevice } from "../../../drivers/bacnet/wire/foreign.ts";
import { readDatagram } from "../../../drivers/bacnet/wire/packet.ts";
import { fakeEnv } from "../../env.ts";

/** The agent as a foreign device, on a clock that stands still unless it is moved. */

const refused = 0x30;
const unknown = 0x60;

/** @param answers what the BBMD says to the nth registration (from 0); null: nothing */
function stage(answers: (nth: number) => number | null) {
  const env = fakeEnv();
  const begun = env.clock.mono();
  const now = () => env.clock.mono() - begun;
  const asked: (readonly [at: number, ttlS: number])[] = [];
  const told: (readonly [at: number, lost: string | null])[] = [];
  const foreign = foreignDevice(
    env,
    { host: "192.0.2.9", port: 47_808, ttl: 60_000 },
    (datagram, to) => {
      expect(to).toEqual({ host: "192.0.2.9", port: 47_808 });
      const read = readDatagram(datagram);
      const code = answers(asked.length);
      if (read?.kind === "register") asked.push([now(), read.ttlS]);
      if (code !== null) env.after(5, () => foreign.result(code));
    },
    (lost) => told.push([now(), lost]),
  );
  return { env, foreign, asked, told };
}

test("a registration is renewed when half of its time is over", async () => {
  const { env, foreign, asked, told } = stage(() => 0);
  await env.advance(100_000);
  expect(asked).toEqual([
    [0, 60],
    [30_005, 60],
    [60_010, 60],
    [90_015, 60],
  ]);
  expect(told).toEqual([[5, null]]);
  expect(foreign.isRegistered()).toBe(true);
});

test("a renewal that is lost is tried again, and nothing is told", async () => {
  const { env, asked, told } = stage((nth) => (nth >= 1 && nth <= 3 ? null : 0));
  await env.advance(60_000);
  expect(asked.map(([at]) => at)).toEqual([0, 30_005, 35_005, 40_005, 45_005]);
  expect(told).toEqual([[5, null]]);
});

test("a BBMD that is gone: lost when its time and the grace are over, tried on, and back", async () => {
  let isGone = false;
  const { env, foreign, told } = stage(() => (isGone ? null : 0));
  await env.advance(1000);
  isGone = true;
  await env.advance(60_000 + 30_000 - 1000);
  expect(told).toHaveLength(1);
  await env.advance(10);
  expect(told.slice(1)).toEqual([[90_005, "the BBMD 192.0.2.9:47808 does not answer"]]);
  expect(foreign.trouble()).toContain("does not answer");
  isGone = false;
  await env.advance(6000);
  expect(told.slice(2)).toMatchObject([[expect.any(Number), null]]);
  expect(foreign.trouble()).toBeNull();
});

test("a BBMD that takes no foreign devices is told at once, and asked on", async () => {
  const { env, asked, told } = stage(() => refused);
  await env.advance(12_000);
  expect(told).toEqual([[5, "the BBMD 192.0.2.9:47808 refuses foreign devices"]]);
  expect(asked.map(([at]) => at)).toEqual([0, 5000, 10_000]);
});

test("a BBMD that has restarted, and does not know us, is registered at once", async () => {
  const { env, foreign, asked } = stage(() => 0);
  await env.advance(10_000);
  foreign.result(unknown); // to a broadcast that it was to send on
  await env.advance(1000);
  expect(asked.map(([at]) => at)).toEqual([0, 10_000]);
});

test("a broadcast that the BBMD refuses while a registration is under way is no refusal of that", async () => {
  const { env, foreign, asked, told } = stage((nth) => (nth === 0 ? null : 0));
  foreign.result(unknown);
  foreign.result(0);
  await env.advance(20_000);
  expect(told).toEqual([[0, null]]);
  expect(asked.map(([at]) => at)).toEqual([0]);
});

test("closed, it asks no more", async () => {
  const { env, foreign, asked, told } = stage(() => null);
  foreign.close();
  await env.advance(600_000);
  expect([asked.length, told.length]).toEqual([1, 0]);
});

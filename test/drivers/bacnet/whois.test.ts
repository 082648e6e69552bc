import { expect, test } from "vitest";
import { readCall } from "../../../drivers/bacnet/wire/apdu.ts";
import type { Peer } from "../../../drivers/bacnet/wire/line.ts";
import { readUnasked } from "../../../drivers/bacnet/wire/unasked.ts";
import { directory } from "../../../drivers/bacnet/wire/whois.ts";
import { deadlineIn } from "../../../drivers/deadline.ts";
import { fakeEnv } from "../../env.ts";

/** Where devices are: asked by Who-Is, on a clock that stands still unless it is moved. */

const at = (host: string): Peer => ({ host, port: 47_808, station: null });
const iAm = (device: number, apduMax = 480) => ({ kind: "i-am", device, apduMax, vendor: 0 }) as const;

function stage() {
  const env = fakeEnv();
  const asked: (readonly [at: number, low: number, high: number])[] = [];
  const begun = env.clock.mono();
  const known = directory(env, (apdu) => {
    const call = readCall(apdu);
    const told = call && call.kind !== "unreadable" ? readUnasked(call) : null;
    if (told?.kind === "who-is") asked.push([env.clock.mono() - begun, told.low, told.high]);
  });
  const find = (device: number, ms = 10_000) => known.find(device, deadlineIn(env, ms));
  return { env, asked, known, find };
}

test("a device is where its I-Am comes from, with its longest APDU", async () => {
  const { env, known, find, asked } = stage();
  const found = find(3000);
  await env.advance(0);
  known.heard(iAm(3000), at("192.0.2.7"));
  await env.advance(100);
  expect(await found).toEqual({ peer: at("192.0.2.7"), apduMax: 480 });
  await env.advance(60_000);
  expect(asked).toEqual([[0, 3000, 3000]]);
});

test("an I-Am that nobody asked for is not believed", async () => {
  const { env, known, find, asked } = stage();
  known.heard(iAm(3000), at("192.0.2.66"));
  await env.advance(1000);
  const found = find(3000);
  await env.advance(0);
  expect(asked).toHaveLength(1);
  known.heard(iAm(3000), at("192.0.2.7"));
  await env.advance(100);
  expect(await found).toMatchObject({ peer: { host: "192.0.2.7" } });
});

test("of two that answer to one instance neither is believed, and both are named", async () => {
  const { env, known, find } = stage();
  const found = find(3000);
  await env.advance(0);
  known.heard(iAm(3000), at("192.0.2.7"));
  known.heard(iAm(3000), at("192.0.2.7")); // by broadcast and by unicast
  await env.advance(50);
  known.heard(iAm(3000), { ...at("192.0.2.1"), station: { network: 5, mac: "0a" } });
  await env.advance(100);
  expect(await found).toEqual({
    fault: "identity_mismatch",
    detail:
      "2 devices answer to instance 3000: 192.0.2.7:47808 and 192.0.2.1:47808 (network 5, mac 0a); give each its own",
  });
});

test("nobody is a timeout, after questions every 2 s", async () => {
  const { env, find, asked } = stage();
  const found = find(3000, 5000);
  await env.advance(5000);
  expect(await found).toMatchObject({ fault: "timeout", detail: expect.stringContaining("instance 3000") });
  await env.advance(60_000);
  expect(asked.map(([at]) => at)).toEqual([0, 2000, 4000]);
});

test("many are asked for in ranges of those that lie together, one question every 200 ms at most", async () => {
  const { env, known, find, asked } = stage();
  const wanted = [...Array.from({ length: 50 }, (_, i) => 3000 + i), 9000, 9004, 70_000];
  const all = wanted.map((device) => find(device, 1500));
  await env.advance(1000);
  expect(asked).toEqual([
    [0, 3000, 3049],
    [200, 9000, 9004],
    [400, 70_000, 70_000],
  ]);
  for (const device of wanted) known.heard(iAm(device), at("192.0.2.7"));
  await env.advance(100);
  expect((await Promise.all(all)).every((one) => "peer" in one)).toBe(true);
});

test("who is asked for later does not wait until the one before is asked for again", async () => {
  const { env, known, find, asked } = stage();
  void find(3000);
  await env.advance(0);
  known.heard(iAm(3000), at("192.0.2.7"));
  await env.advance(300);
  void find(5000);
  void find(3000); // it has moved
  await env.advance(200);
  expect(asked).toEqual([
    [0, 3000, 3000],
    [300, 5000, 5000],
    [500, 3000, 3000],
  ]);
});

test("however many never answer, another one is asked for in its turn", async () => {
  const { env, find, asked } = stage();
  // Each is looked for again as soon as it was not found.
  const search = (device: number): void => void find(device, 1000).then(() => search(device));
  for (let nth = 0; nth < 20; nth++) search(1000 + 10 * nth);
  await env.advance(5000);
  void find(9000, 10_000);
  await env.advance(5000);
  expect(asked.some(([, low]) => low === 9000)).toBe(true);
});

test("closing leaves nobody waiting", async () => {
  const { env, known, find } = stage();
  const found = find(3000);
  known.close();
  await env.advance(0);
  expect(await found).toMatchObject({ fault: "unreachable" });
});

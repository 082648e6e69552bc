import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Agent } from "../../agent/pipeline/agent.ts";
import * as ber from "../../drivers/snmp/ber.ts";
import { decode, pdus } from "../../drivers/snmp/message.ts";
import { trapV1, trapV2c } from "../drivers/snmp/senders.ts";
import { type FakeEnv, fakeEnv } from "../env.ts";
import { doorTrap, siteYaml, trappedSiteYaml, type World, world } from "./world.ts";

/** The whole agent under virtual time, and what its devices say unasked: a trap is a hint, the poll is the truth. */
const other = "1.3.6.1.4.1.99999.0.77";
const meaningless = "1.3.6.1.4.1.99999.0.2";

let folder: string;
let env: FakeEnv;
let here: World;
let agent: Agent;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-traps-"));
  env = fakeEnv();
  here = world(env, trappedSiteYaml(3), join(folder, "store.db"));
  agent = here.start();
  await env.advance(30_000);
});
afterEach(async () => {
  await agent.stop();
  rmSync(folder, { recursive: true });
});

const told = (): string[] =>
  here.broker.received.map(({ kind, conditionKey }) => `${kind} ${conditionKey.replace("s/", "")}`);
const readsOf = (device: string): number[] =>
  here.reads.filter(({ points }) => points[0]?.startsWith(`${device}/`)).map(({ at }) => at);
/** To just after a poll of the device: the next one is an interval away. */
async function justAfterPoll(device: string): Promise<void> {
  const before = readsOf(device).length;
  while (readsOf(device).length === before) await env.advance(100);
  await env.advance(1000);
}

test.each<[string, Buffer]>([
  ["SNMPv2c", trapV2c(doorTrap)],
  ["an inform", trapV2c(doorTrap, "inform")],
  ["SNMPv1", trapV1({ enterprise: "1.3.6.1.4.1.99999", specific: 1 })],
  ["one that the profile does not have", trapV2c(other)],
])(
  "%s: what it is about is read at once, and the incident is at the broker before the next beat",
  async (_, datagram) => {
    await justAfterPoll("d1");
    const beat = readsOf("d1").at(-1)! + 10_000;
    here.values.set("d1/door", 1);
    const replies = here.trap(datagram, "10.0.0.1");
    expect(replies.map((one) => decode(one)?.pdu)).toEqual(
      decode(datagram)?.pdu === pdus.inform ? [pdus.response] : [],
    );
    await env.advance(1000);
    expect(env.clock.mono()).toBeLessThan(beat);
    expect(told()).toEqual(["raise d1/door/open"]);
    await env.advance(60_000);
    here.values.set("d1/door", 0);
    await env.advance(15_000);
    expect(told(), "its end comes by the poll: nobody sends a trap for it").toEqual([
      "raise d1/door/open",
      "clear d1/door/open",
    ]);
  },
);

test("a trap that the poll does not confirm raises nothing, clears nothing, and is kept to be looked at", async () => {
  here.trap(trapV2c(doorTrap), "10.0.0.1");
  here.values.set("d2/door", 1);
  await env.advance(15_000);
  here.trap(trapV2c(doorTrap), "10.0.0.2");
  await env.advance(60_000);
  expect(told()).toEqual(["raise d2/door/open"]);
  expect(agent.traps()?.kept).toMatchObject([
    { trap: doorTrap, name: "door", devices: ["d2"], count: 1 },
    { trap: doorTrap, name: "door", devices: ["d1"], count: 1 },
  ]);
});

test("one that comes while its device is being read is followed by another read: that answer may be older", async () => {
  await justAfterPoll("d1");
  const before = readsOf("d1").length;
  await env.advance(readsOf("d1").at(-1)! + 10_000 - env.clock.mono());
  expect(readsOf("d1").length).toBe(before + 1);
  here.trap(trapV2c(doorTrap), "10.0.0.1");
  await env.advance(20);
  here.values.set("d1/door", 1);
  await env.advance(1000);
  expect(told()).toEqual(["raise d1/door/open"]);
});

test("one that means that nothing is to be read has nothing read", async () => {
  await justAfterPoll("d1");
  const before = readsOf("d1").length;
  here.trap(trapV2c(meaningless), "10.0.0.1");
  await env.advance(2000);
  expect(readsOf("d1").length).toBe(before);
  expect(agent.traps()?.kept).toMatchObject([{ name: "test" }]);
});

test("unknown ones are kept with what they say, alike ones once with a count, and nothing is read for a stranger", async () => {
  await justAfterPoll("d1");
  const before = here.reads.length;
  const row = (index: number) => [{ oid: `1.3.6.1.4.1.99999.2.${index}`, value: ber.text(`outlet ${index}`) }];
  for (const index of [7, 7, 8, 7]) here.trap(trapV2c(other, "trap", "public", row(index)), "192.0.2.9");
  await env.advance(100);
  expect(here.reads.length).toBe(before);
  const shown = { trap: other, name: null, devices: [], source: "192.0.2.9", by: "trap, SNMPv2c" };
  expect(agent.traps()).toMatchObject({
    taken: 4,
    kept: [
      { ...shown, count: 3, bindings: [{ name: "1.3.6.1.4.1.99999.2.7", text: "outlet 7" }] },
      { ...shown, count: 1, bindings: [{ name: "1.3.6.1.4.1.99999.2.8", text: "outlet 8" }] },
    ],
  });
});

test("a silent device that says something is probed once, and is back; one that stays silent is left to its back-off", async () => {
  here.silent.add("d1").add("d2");
  await env.advance(300_000);
  expect(told().sort()).toEqual(["raise d1/-/comm", "raise d2/-/comm"]);
  const probes = () => readsOf("d2").length;
  const before = probes();
  here.silent.delete("d1");
  here.trap(trapV2c(doorTrap), "10.0.0.1");
  for (let nth = 0; nth < 50; nth++) {
    here.trap(trapV2c(doorTrap), "10.0.0.2");
    await env.advance(20);
  }
  await env.advance(1000);
  expect(told().slice(2)).toEqual(["clear d1/-/comm"]);
  expect(probes()).toBe(before + 1);
});

test("5,000 a second for 30 s: each is counted, polls keep their beat, one storm is told, and it ends", async () => {
  await env.advance(10_000);
  const quiet = here.reads.length;
  await env.advance(60_000);
  const polls = here.reads.length - quiet;
  const start = here.reads.length;
  const known = trapV2c(doorTrap);
  const forged = [trapV2c(other), trapV1(), Buffer.from("30050201", "hex"), trapV2c(doorTrap, "trap", "guessed")];
  let sent = 0;
  for (let tick = 0; tick < 3000; tick++) {
    for (let nth = 0; nth < 40; nth++, sent++) here.trap(known, "10.0.0.1");
    for (let nth = 0; nth < 10; nth++, sent++) here.trap(forged[sent % 4]!, `10.${tick % 200}.${nth}.9`);
    await env.advance(10);
  }
  expect(sent).toBe(150_000);
  expect(told()).toEqual(["raise agent/-/trap_storm"]);
  expect(agent.status().traps?.isStorm).toBe(true);
  expect(here.broker.received[0]!.text).toMatch(
    /^mepwatch trap storm under way since \d\d:\d\d; more traps come than are read\. /,
  );
  here.values.set("d2/door", 1);
  await env.advance(30_000);
  expect(told()).toEqual(["raise agent/-/trap_storm", "raise d2/door/open", "clear agent/-/trap_storm"]);
  const { listeners, taken, kept, forgotten } = agent.traps()!;
  const listener = listeners.get("traps")!;
  const refused = listener.refused.reduce((sum, { count }) => sum + count, 0);
  expect(listener.received).toBe(sent);
  expect(taken + refused + listener.dropped).toBe(sent);
  // At most: what was there to begin with, and what the rates let come in 30 s (unasked-budget.ts).
  expect(taken + refused).toBeLessThanOrEqual(50 + 300 + 100 + 600 + 20);
  expect(taken).toBeGreaterThan(300);
  expect(kept.length).toBeLessThanOrEqual(300);
  expect(kept.find(({ source }) => source === "10.0.0.1")).toMatchObject({ name: "door", count: expect.any(Number) });
  expect(kept.reduce((sum, { count }) => sum + count, 0) + forgotten).toBeLessThanOrEqual(taken);
  // The others are read as they were; the one that hints all the time no more than twice a second.
  const during = here.reads.slice(start);
  const of = (device: string) => during.filter(({ points }) => points[0]!.startsWith(device)).length;
  expect(of("d0") + of("d2")).toBe((polls / 3) * 2);
  expect(of("d1")).toBeGreaterThan(polls / 3);
  expect(of("d1")).toBeLessThanOrEqual(30 * 2 + polls / 3);
  const codes = env.reports.map(({ code }) => code).filter((code) => code.startsWith("traps."));
  expect(codes).toEqual(["traps.storm", "traps.calm"]);
  expect(env.reports.some(({ code }) => code === "poll.overrun")).toBe(false);
}, 60_000);

test("a registration that is lost is an incident, and its end is told", async () => {
  here.registration("the BBMD 192.0.2.9:47808 does not answer");
  await env.advance(1000);
  expect(told()).toEqual(["raise agent/-/unregistered"]);
  expect(here.broker.received[0]!.text).toMatch(/^mepwatch BACnet registration lost/);
  here.registration(null);
  await env.advance(1000);
  expect(told()).toEqual(["raise agent/-/unregistered", "clear agent/-/unregistered"]);
});

test("what a device tells by itself raises and clears with no poll between", async () => {
  await justAfterPoll("d1");
  const before = readsOf("d1").length;
  here.values.set("d1/door", 1);
  here.news([{ point: "d1/door", value: 1 }]);
  await env.advance(500);
  expect(told()).toEqual(["raise d1/door/open"]);
  here.values.set("d1/door", 0);
  here.news([{ point: "d1/door", value: 0 }]);
  await env.advance(500);
  expect(told()).toEqual(["raise d1/door/open", "clear d1/door/open"]);
  expect(readsOf("d1").length).toBe(before);
});

test("a storm that a restart cuts short does not stay open", async () => {
  for (let nth = 0; nth < 200; nth++) here.trap(trapV2c(doorTrap), "10.0.0.1");
  await env.advance(1000);
  expect(told()).toEqual(["raise agent/-/trap_storm"]);
  await agent.stop();
  agent = here.start();
  await env.advance(5000);
  expect(told()).toEqual(["raise agent/-/trap_storm", "clear agent/-/trap_storm"]);
});

test("a handful over the budget is no storm", async () => {
  for (let nth = 0; nth < 90; nth++) here.trap(trapV2c(doorTrap), "10.0.0.1");
  await env.advance(60_000);
  expect(agent.traps()?.listeners.get("traps")?.dropped).toBe(40);
  expect(told()).toEqual([]);
});

test("without a traps section nothing is heard, and that is said", async () => {
  await agent.stop();
  here = world(env, siteYaml(1), join(folder, "deaf.db"));
  agent = here.start();
  expect([agent.traps(), agent.status().traps]).toEqual([null, null]);
});

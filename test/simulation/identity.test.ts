import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Agent } from "../../agent/pipeline/agent.ts";
import { type FakeEnv, fakeEnv } from "../env.ts";
import { knownSiteYaml, type World, world } from "./world.ts";

/** Who the devices are: pinned when first heard, compared before anything of one that comes back is believed. */

let folder: string;
let env: FakeEnv;
let here: World;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-identity-"));
  env = fakeEnv();
  here = settled(knownSiteYaml(2));
});
afterEach(() => rmSync(folder, { recursive: true }));

function settled(yaml: string, name = "store.db"): World {
  const made = world(env, yaml, join(folder, name));
  for (const device of ["d0", "d1"]) tellAll(device, made);
  return made;
}

function tellAll(device: string, of = here): void {
  const all = { serial: `S-${device}`, model: "BOX 3000", firmware: "1.0" };
  for (const [part, text] of Object.entries(all)) of.texts.set(`${device}/${part}`, text);
}
function tellNothing(device: string): void {
  for (const part of ["serial", "model", "firmware"]) here.texts.delete(`${device}/${part}`);
}

const story = (): string[] =>
  here.broker.received.map(({ kind, reason, severity, conditionKey }) =>
    [kind, ...(reason ? [reason] : []), severity, conditionKey.replace("s/", "")].join(" "),
  );
const reported = (code: string) => env.reports.filter((one) => one.code === code).map(({ facts }) => facts);
const asked = (device: string): number => here.reads.filter(({ points }) => points[0] === `${device}/$identity`).length;
const verdictOf = (agent: Agent, device: string) => agent.status().identities.get(device)?.verdict;
const engineer = { user: "eva", role: "engineer" } as const;

/** Another device takes the place of one, which is away for a while; what it measures would raise everything. */
async function swap(device: string, serial: string, awayMs = 60_000): Promise<void> {
  here.silent.add(device);
  await env.advance(awayMs);
  here.texts.set(`${device}/serial`, serial);
  here.silent.delete(device);
}

describe("a device that is swapped while it is away", () => {
  test("is one high incident, and nothing that it says is believed; the right one clears it", async () => {
    const agent = here.start();
    await env.advance(30_000);
    here.values.set("d0/temp", 60);
    here.values.set("d0/door", 1);
    await swap("d0", "S-other", 15_000);
    await env.advance(600_000);
    expect(story()).toEqual(["raise high d0/-/identity"]);
    const [raise] = here.broker.received;
    expect(raise).toMatchObject({ annunciate: true, point: { id: "d0/-" }, quality: "good" });
    expect(raise!.text).toMatch(
      /^D0 is another device: serial S-other \(expected S-d0\) since \d\d:\d\d; swapped or replaced\. Check cabling, or run mepwatch accept d0\.$/,
    );
    expect(agent.status().heartbeat).toMatchObject({ pointsExpected: 4, pointsGood: 2 });
    expect(reported("device.other")).toEqual([{ device: "d0", part: "serial", told: "S-other", expected: "S-d0" }]);
    const device = agent.status().site.devices[0]!;
    const readings = await ask(agent.read(device, new Set(["d0/temp"])));
    expect(readings).toEqual([
      { point: "d0/temp", fault: "identity_mismatch", detail: "serial S-other (expected S-d0)" },
    ]);
    here.values.set("d0/temp", 20);
    here.values.set("d0/door", 0);
    await swap("d0", "S-d0", 15_000);
    await env.advance(30_000);
    expect(story()).toEqual(["raise high d0/-/identity", "clear high d0/-/identity"]);
    expect(here.broker.received[1]!.text).toMatch(/^D0 identity back to normal after \d+ (min|s)/);
    expect(agent.status().heartbeat.pointsGood).toBe(4);
    await agent.stop();
  });

  test("explains what is stale of it, and does not count as silent", async () => {
    const agent = here.start();
    await env.advance(30_000);
    await swap("d0", "S-other", 200_000);
    await env.advance(600_000);
    expect(story()).toEqual(["raise high d0/-/comm", "raise high d0/-/identity", "clear high d0/-/comm"]);
    await agent.stop();
  });

  test("an alarm that was up before stays up, and neither it nor a delay of it moves", async () => {
    const agent = here.start();
    here.values.set("d0/door", 1);
    here.values.set("d0/temp", 30);
    await env.advance(20_000);
    expect(story()).toEqual(["raise high d0/door/open"]);
    here.values.set("d0/door", 0);
    await swap("d0", "S-other", 11_000);
    await env.advance(300_000);
    expect(story()).toEqual(["raise high d0/door/open", "raise high d0/-/identity"]);
    await agent.stop();
  });

  test("in a flash, without a failure, is found within the hour", async () => {
    const agent = here.start();
    await env.advance(30_000);
    here.texts.set("d0/serial", "S-other");
    await env.advance(3_500_000);
    expect(story()).toEqual([]);
    await env.advance(120_000);
    expect(story()).toEqual(["raise high d0/-/identity"]);
    here.texts.set("d0/serial", "S-d0");
    await env.advance(30_000);
    expect(story().at(-1)).toBe("clear high d0/-/identity");
    expect(asked("d1")).toBe(2);
    await agent.stop();
  });

  test.each([
    [
      "en",
      "Hall 1 UPS-A is another device: serial AB123 (expected XY999) since 00:00; swapped or replaced. Check cabling, or run mepwatch accept ups-a.",
    ],
    [
      "de",
      "Hall 1 UPS-A fremdes Gerät: Serien-Nr. AB123 (erwartet XY999) seit 00:00; vertauscht oder ersetzt. Kabel prüfen oder mepwatch accept ups-a.",
    ],
  ])("is told in one line, in %s", async (language, text) => {
    const yaml = knownSiteYaml(1, "{ serial: XY999 }", language)
      .replace("id: d0", "id: ups-a")
      .replace("name: D0", "name: UPS-A, location: { room: Hall 1 }");
    here = settled(yaml, "told.db");
    here.texts.set("d0/serial", "AB123");
    const agent = here.start();
    await env.advance(30_000);
    expect(here.broker.received.map((one) => one.text)).toEqual([text]);
    expect(text.length).toBeLessThanOrEqual(140);
    await agent.stop();
  });

  test("is told in one line however long what it tells is", async () => {
    const agent = here.start();
    await env.advance(30_000);
    await swap("d0", "x".repeat(128), 15_000);
    await env.advance(30_000);
    const { text } = here.broker.received[0]!;
    expect(text).toMatch(/^D0 is another device: serial x{19}… \(expected S-d0\) since .* mepwatch accept d0\.$/);
    expect(text.length).toBeLessThanOrEqual(140);
    await agent.stop();
  });

  test("over a restart of the agent too: what was pinned is kept", async () => {
    const first = here.start();
    await env.advance(30_000);
    await first.stop();
    here.values.set("d0/door", 1);
    here.texts.set("d0/serial", "S-other");
    const second = here.start();
    await env.advance(30_000);
    expect(story()).toEqual(["raise high d0/-/identity"]);
    await second.stop();
    const third = here.start();
    await env.advance(60_000);
    expect(story()).toEqual(["raise high d0/-/identity"]);
    expect(verdictOf(third, "d0")).toBe("other");
    await third.stop();
  });
});

describe("accepting a device", () => {
  const acceptance = { device: "d0", by: engineer, reason: "replaced" };

  test("clears the incident at once, is kept over a restart, and makes the old one the stranger", async () => {
    const agent = here.start();
    await env.advance(30_000);
    here.values.set("d0/door", 1);
    await swap("d0", "S-new", 15_000);
    await env.advance(30_000);
    const was = { serial: "S-d0", model: "BOX 3000", firmware: "1.0" };
    const is = { ...was, serial: "S-new" };
    expect(agent.acceptDevice(acceptance, true)).toEqual({ device: "d0", was, is });
    await env.advance(30_000);
    expect(story()).toEqual(["raise high d0/-/identity"]);
    expect(agent.acceptDevice(acceptance, false)).toEqual({ device: "d0", was, is });
    await env.advance(1000);
    expect(story().slice(1)).toEqual(["clear high d0/-/identity", "raise high d0/door/open"]);
    expect(reported("device.accepted")).toEqual([{ device: "d0", user: "eva", reason: "replaced", ...is }]);
    await agent.stop();
    const again = here.start();
    await env.advance(60_000);
    expect(verdictOf(again, "d0")).toBe("same");
    expect(story().length).toBe(3);
    await swap("d0", "S-d0", 15_000);
    await env.advance(30_000);
    expect(story().at(-1)).toBe("raise high d0/-/identity");
    await again.stop();
  });

  test.each([
    ["a technician", { by: { user: "tom", role: "technician" } }, "forbidden"],
    ["no reason", { reason: " " }, "invalid_args"],
    ["a device that is not there", { device: "d7" }, "not_found"],
  ] as const)("%s is refused", async (_who, change, code) => {
    const agent = here.start();
    await env.advance(30_000);
    await swap("d0", "S-new", 15_000);
    await env.advance(30_000);
    expect(agent.acceptDevice({ ...acceptance, ...change }, false)).toMatchObject({ code });
    await env.advance(30_000);
    expect(story()).toEqual(["raise high d0/-/identity"]);
    await agent.stop();
  });

  test("one that is silent is refused, for nobody knows who will answer", async () => {
    const agent = here.start();
    await env.advance(30_000);
    here.silent.add("d0");
    await env.advance(30_000);
    expect(agent.acceptDevice(acceptance, false)).toMatchObject({ code: "invalid_state" });
    await agent.stop();
  });

  test("what the site file gives is not accepted away: the refusal names the file", async () => {
    here = settled(knownSiteYaml(1, "{ serial: S-d0 }"), "given.db");
    const agent = here.start();
    await env.advance(30_000);
    await swap("d0", "S-new", 15_000);
    await env.advance(30_000);
    expect(story()).toEqual(["raise high d0/-/identity"]);
    expect(agent.acceptDevice(acceptance, false)).toEqual({
      code: "invalid_state",
      detail: "the site file (site.yaml) gives serial S-d0 under identity of d0, it tells S-new; change it there",
    });
    await agent.stop();
    // Who writes down another number means another device: the rest of what was known of the old one is over.
    here = settled(knownSiteYaml(1, "{ serial: S-new }"), "given.db");
    here.texts.set("d0/serial", "S-new");
    here.texts.set("d0/model", "BOX 4000");
    const again = here.start();
    await env.advance(30_000);
    expect(verdictOf(again, "d0")).toBe("same");
    await again.stop();
  });

  test("what the site file gives holds from the beginning", async () => {
    here = settled(knownSiteYaml(1, "{ serial: S-other }"), "given.db");
    here.values.set("d0/door", 1);
    const agent = here.start();
    await env.advance(30_000);
    expect(story()).toEqual(["raise high d0/-/identity"]);
    await agent.stop();
  });

  test("is refused while the disk takes nothing", async () => {
    const agent = here.start();
    await env.advance(30_000);
    await swap("d0", "S-new", 15_000);
    await env.advance(30_000);
    here.disk = "refuses";
    expect(agent.acceptDevice(acceptance, false)).toMatchObject({ code: "busy" });
    here.disk = "well";
    await env.advance(30_000);
    expect(story()).toEqual(["raise high d0/-/identity"]);
    await agent.stop();
  });
});

describe("who cannot prove it", () => {
  test("one that tells nothing of what it told before is not believed, and is told of after two minutes", async () => {
    const agent = here.start();
    await env.advance(30_000);
    here.values.set("d0/door", 1);
    here.silent.add("d0");
    await env.advance(15_000);
    here.silent.delete("d0");
    tellNothing("d0");
    await env.advance(100_000);
    expect(story()).toEqual(["raise medium d0/temp/stale"]);
    await env.advance(70_000);
    expect(story().slice(1)).toEqual(["raise high d0/-/identity", "update suppressed medium d0/temp/stale"]);
    expect(here.broker.received.find(({ rule }) => rule.id === "identity")!.text).toMatch(
      /^D0 does not tell its serial \(expected S-d0\) since/,
    );
    here.texts.set("d0/serial", "S-d0");
    await env.advance(30_000);
    expect(story()).toContain("clear high d0/-/identity");
    expect(story().at(-1)).toBe("raise high d0/door/open");
    await agent.stop();
  });

  test("one that has proven it and is busy when it is asked again, once, is believed all the while", async () => {
    const agent = here.start();
    await env.advance(3_590_000);
    tellNothing("d0");
    for (let s = 0; s < 60 && asked("d0") < 2; s++) await env.advance(1000);
    expect(asked("d0")).toBe(2);
    tellAll("d0");
    await env.advance(5000);
    expect(agent.status().heartbeat.pointsGood).toBe(4);
    expect(verdictOf(agent, "d0")).toBe("same");
    tellNothing("d0");
    await env.advance(40_000);
    expect(verdictOf(agent, "d0")).toBe("untold");
    expect(agent.status().heartbeat.pointsGood).toBe(2);
    await agent.stop();
  });

  test("one part that is missing does no harm where another is right", async () => {
    const agent = here.start();
    await env.advance(30_000);
    here.texts.delete("d0/serial");
    here.silent.add("d0");
    await env.advance(15_000);
    here.silent.delete("d0");
    await env.advance(30_000);
    expect(verdictOf(agent, "d0")).toBe("same");
    expect(agent.status().heartbeat.pointsGood).toBe(4);
    await agent.stop();
  });

  test("a device that never told who it is is believed, and asked seldom", async () => {
    here.texts.set("d0/serial", null).set("d0/model", null).set("d0/firmware", null);
    const agent = here.start();
    await env.advance(900_000);
    expect(agent.status().heartbeat.pointsGood).toBe(4);
    expect(asked("d0")).toBeLessThanOrEqual(4);
    await agent.stop();
  });

  test("what was not pinned, since the disk took nothing, is pinned later", async () => {
    here.disk = "refuses";
    const agent = here.start();
    await env.advance(30_000);
    here.disk = "well";
    await env.advance(400_000);
    await agent.stop();
    here.texts.set("d0/serial", "S-other");
    const again = here.start();
    await env.advance(30_000);
    expect(story()).toContain("raise high d0/-/identity");
    await again.stop();
  });
});

test("another firmware is noted once, over a restart too, and all points are read again at once", async () => {
  const agent = here.start();
  await env.advance(30_000);
  here.texts.set("d0/firmware", "2.0");
  here.silent.add("d0");
  await env.advance(15_000);
  here.silent.delete("d0");
  await env.advance(60_000);
  await agent.stop();
  const again = here.start();
  await env.advance(60_000);
  expect(story()).toEqual([]);
  expect(reported("device.firmware")).toEqual([{ device: "d0", part: "firmware", told: "2.0", expected: "1.0" }]);
  const at = here.reads.filter(({ points }) => points[0] === "d0/$identity").map((one) => one.at)[1]!;
  const next = here.reads.find((one) => one.at > at && one.points[0]!.startsWith("d0/temp"))!;
  expect(next.at - at).toBeLessThan(1000);
  await again.stop();
});

test("a mismatch never raises or clears any other rule, whatever the stranger says and whenever it comes", async () => {
  const values = fc.array(fc.tuple(fc.double({ min: -50, max: 90, noNaN: true }), fc.constantFrom(0, 1, 7)), {
    minLength: 1,
    maxLength: 12,
  });
  let nth = 0;
  await fc.assert(
    fc.asyncProperty(
      values,
      fc.constantFrom(0, 1),
      fc.integer({ min: 11_000, max: 19_000 }),
      async (said, door, away) => {
        env = fakeEnv();
        here = settled(knownSiteYaml(1), `random-${nth++}.db`);
        here.values.set("d0/door", door);
        const agent = here.start();
        await env.advance(15_000);
        const before = story();
        await swap("d0", "S-other", away);
        for (const [temp, one] of said) {
          here.values.set("d0/temp", temp);
          here.values.set("d0/door", one);
          await env.advance(10_000);
        }
        await agent.stop();
        expect(story().slice(before.length)).toEqual(["raise high d0/-/identity"]);
        expect(before.length).toBe(door);
      },
    ),
    { numRuns: 25 },
  );
});

/** What is asked for while time stands still. */
async function ask<T>(asked: Promise<T>): Promise<T> {
  await env.advance(100);
  return asked;
}

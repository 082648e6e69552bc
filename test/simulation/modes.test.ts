import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Agent } from "../../agent/pipeline/agent.ts";
import type { Deed } from "../../agent/pipeline/deeds.ts";
import type { EventRecord } from "../../agent/sinks/record.ts";
import { type FakeEnv, fakeEnv } from "../env.ts";
import { type World, world } from "./world.ts";

/** Silences with an end: modes, maintenance by the calendar, and what is told before the end. It is midnight in UTC, a Thursday. */
const yaml = (also = "", language = "en"): string => `
version: 1
site: { id: s, timeZone: Europe/Berlin, language: ${language} }
devices:
${["ups-1", "ups-2", "pdu-1"]
  .map(
    (id) =>
      `  - { id: ${id}, name: ${id.toUpperCase()}, profile: test/box, bus: { protocol: fake, timeout: 1s }, location: { room: Hall 1 }, labels: { kind: ${id.slice(0, 3)} }, rules: { open: { ${id.startsWith("ups") ? "means: on-battery" : ""} } } }`,
  )
  .join("\n")}
${also}`;

let folder: string;
let env: FakeEnv;
let here: World;
let agent: Agent;
const begin = async (also?: string, language?: string): Promise<void> => {
  here = world(env, yaml(also, language), join(folder, "store.db"));
  agent = here.start();
  await env.advance(15_000);
};
const restart = async (also?: string): Promise<void> => {
  await agent.stop();
  const { broker, values } = here;
  here = world(env, yaml(also), join(folder, "store.db"));
  here.broker.received.push(...broker.received);
  for (const [point, value] of values) here.values.set(point, value);
  agent = here.start();
  await env.advance(15_000);
};
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-modes-"));
  env = fakeEnv();
});
afterEach(async () => {
  await agent.stop();
  rmSync(folder, { recursive: true });
});

const deed = (one: Partial<Deed>): Deed => ({
  name: "maintenance",
  target: "label.kind=ups",
  by: { user: "anna", role: "technician" },
  reason: "monthly test",
  forMs: 3_600_000,
  mode: "generator-test",
  ...one,
});
const keysOf = (done: ReturnType<Agent["command"]>): string[] =>
  typeof done === "string" || "found" in done ? [JSON.stringify(done)] : done.map(({ key }) => key);
const onBattery = (device: string, is: 0 | 1): void => void here.values.set(`${device}/door`, is);
const told = (rule: string): EventRecord[] => here.broker.received.filter((one) => one.rule.id === rule);
const lines = (rule: string): string[] =>
  told(rule).map(({ kind, reason, annunciate }) => `${reason ?? kind}${annunciate ? " calls" : ""}`);
const minutes = (n: number): Promise<void> => env.advance(n * 60_000);

describe("a mode", () => {
  test("that ends by itself ends when it is due, not when something is read next", async () => {
    await begin();
    agent.command(deed({ forMs: 3_602_345 }), false);
    await env.advance(3_602_300);
    expect(lines("generator-test")).not.toContain("clear");
    await env.advance(100);
    expect(lines("generator-test").at(-1)).toBe("clear");
  });

  test("silences what it expects and nothing else, and ends with a report of it", async () => {
    await begin();
    expect(keysOf(agent.command(deed({}), false))).toEqual(["s/ups-1/door/open", "s/ups-2/door/open"]);
    expect(agent.status().modes).toMatchObject([{ mode: "generator-test", target: "label.kind=ups", by: "anna" }]);
    onBattery("ups-1", 1);
    onBattery("pdu-1", 1);
    await minutes(10);
    onBattery("ups-1", 0);
    await minutes(30);
    expect(keysOf(agent.command(deed({ name: "maintenance_end" }), false))).toHaveLength(2);
    await minutes(1);
    expect(lines("generator-test")).toEqual(["raise", "clear"]);
    expect(told("generator-test").map(({ text }) => text)).toEqual([
      "Generator test (label.kind=ups) until 02:00, by anna: monthly test.",
      "Generator test (label.kind=ups) over after 40 min; alarms expected: 1, other calls: 1, still active: 0.",
    ]);
    const [raise] = told("open").filter(({ point }) => point.device === "ups-1");
    expect(raise).toMatchObject({ annunciate: false, mode: "generator-test", silencedBy: "anna", state: "suppressed" });
    expect(told("open").filter(({ point, annunciate }) => point.device === "pdu-1" && annunciate)).toHaveLength(1);
    expect(agent.silences()).toEqual([]);
    onBattery("ups-2", 1);
    await minutes(1);
    expect(told("open").at(-1)).toMatchObject({ kind: "raise", annunciate: true });
  });

  test("that comes to its end with nothing active is over by itself, warned of ten minutes before", async () => {
    await begin();
    agent.command(deed({}), false);
    await minutes(61);
    expect(lines("generator-test")).toEqual(["raise", "mode_ends", "clear"]);
    expect(told("generator-test")[1]!.text).toBe("Generator test (label.kind=ups) ends at 02:00; active now: 0.");
    expect(told("mode_overdue")).toEqual([]);
    expect(agent.status().modes).toEqual([]);
  });

  test("whose alarms go on beyond its end did not complete in time: both call, until all is normal", async () => {
    await begin();
    agent.command(deed({}), false);
    onBattery("ups-1", 1);
    await minutes(61);
    expect(lines("mode_overdue")).toEqual(["raise calls"]);
    expect(told("mode_overdue")[0]!.text).toBe(
      "Generator test (label.kind=ups) did not complete by 02:00; still active: 1. Bring the plant back, or begin it anew.",
    );
    expect(lines("open")).toEqual(["raise", "maintenance_end calls"]);
    expect(agent.status().modes).toMatchObject([{ overdue: true }]);
    await restart();
    expect(lines("mode_overdue")).toEqual(["raise calls"]);
    onBattery("ups-1", 0);
    await minutes(1);
    expect(lines("mode_overdue")).toEqual(["raise calls", "clear calls"]);
    expect(lines("generator-test")).toEqual(["raise", "mode_ends", "clear"]);
    expect(agent.status().modes).toEqual([]);
  });

  test("that is overdue can be begun anew, which silences again", async () => {
    await begin();
    agent.command(deed({}), false);
    onBattery("ups-1", 1);
    await minutes(61);
    agent.command(deed({ forMs: 1_800_000 }), false);
    await minutes(1);
    expect(lines("mode_overdue")).toEqual(["raise calls", "clear calls"]);
    expect(agent.silences()).toHaveLength(2);
    expect(agent.status().modes).toMatchObject([{ overdue: false, expected: 1 }]);
  });

  test("outlives a restart, and means what a changed site has more of", async () => {
    await begin();
    agent.command(deed({ mode: "commissioning", target: "room=Hall*" }), false);
    const before = agent.silences().length;
    await restart();
    expect(agent.silences()).toHaveLength(before);
    await restart("topology: { communicates: { pdu-1: [ups-1, ups-2] } }\n");
    expect(agent.silences()).toHaveLength(before);
    const more = `  - { id: new-1, profile: test/box, bus: { protocol: fake }, location: { room: Hall 1 } }\n`;
    await restart(more);
    const news = agent.silences().filter(({ key }) => key.startsWith("s/new-1/"));
    expect(news.map(({ how, mode, by }) => `${how} ${mode} ${by}`)).toEqual(
      Array(news.length).fill("mode commissioning anna"),
    );
    expect(news.length).toBeGreaterThan(2);
    await minutes(60);
    expect(agent.silences()).toEqual([]);
  });

  test("that is ended leaves alone what somebody maintains for another reason", async () => {
    await begin();
    agent.command(deed({}), false);
    agent.command(deed({ mode: undefined, target: "ups-1/open", reason: "new batteries", forMs: 7_200_000 }), false);
    expect(keysOf(agent.command(deed({ name: "maintenance_end" }), false))).toEqual(["s/ups-2/door/open"]);
    expect(agent.silences()).toMatchObject([{ key: "s/ups-1/door/open", how: "maintenance", reason: "new batteries" }]);
  });

  test("is told in the site's language", async () => {
    await begin("", "de");
    agent.command(deed({}), false);
    onBattery("ups-1", 1);
    await minutes(61);
    onBattery("ups-1", 0);
    await minutes(1);
    expect([...told("generator-test"), ...told("mode_overdue")].map(({ text }) => text)).toEqual([
      "Generatortest (label.kind=ups) bis 02:00, von anna: monthly test.",
      "Generatortest (label.kind=ups) endet um 02:00; jetzt aktiv: 1.",
      "Generatortest (label.kind=ups) beendet nach 61 min; erwartete Alarme: 1, andere Rufe: 0, noch aktiv: 0.",
      "Generatortest (label.kind=ups) bis 02:00 nicht beendet; noch aktiv: 1. Anlage zurückschalten oder neu beginnen.",
      expect.stringMatching(/^mepwatch .* wieder normal/),
    ]);
  });

  const refusals: [string, Partial<Deed>, string][] = [
    ["that there is none of", { mode: "siesta" }, 'no mode "siesta"; expected one of generator-test'],
    ["that is not in force", { name: "maintenance_end" }, "no generator-test of label.kind=ups is in force; none is"],
    ["without an end", { forMs: null }, "maintenance has an end; expected for how long, such as 2h"],
    ["for a shelf", { name: "shelve" }, "mode: shelve has none"],
  ];
  test.each(refusals)("%s is refused, and says why", async (_, given, expected) => {
    await begin();
    expect(agent.command(deed(given), false)).toContain(expected);
    expect(agent.status().modes).toEqual([]);
  });

  test("that nobody may begin is not begun; a preview says so beforehand", async () => {
    await begin();
    const viewer = { user: "v", role: "viewer" } as const;
    for (const preview of [true, false]) {
      const done = agent.command(deed({ by: viewer }), preview);
      expect(done).toMatchObject([{ refused: { code: "forbidden" } }, { refused: { code: "forbidden" } }]);
    }
    expect(agent.command(deed({}), true)).toMatchObject([{ refused: null }, { refused: null }]);
    expect(agent.status().modes).toEqual([]);
    expect(agent.silences()).toEqual([]);
    expect(here.broker.received).toEqual([]);
  });
});

describe("the calendar", () => {
  const calendar = `
maintenance:
  - { id: door-works, what: rule=open label.kind=pdu, at: "30 1 * * *", for: 1h, reason: door works }
  - { id: test, what: room=Hall*, at: 2026-01-01T03:00, for: 30m, mode: generator-test, reason: yearly test }
`;

  test("begins maintenance at its time and ends it, in the site's time zone", async () => {
    await begin(calendar);
    await minutes(29);
    expect(agent.silences()).toEqual([]);
    await minutes(2);
    expect(agent.silences()).toMatchObject([
      { key: "s/pdu-1/door/open", how: "maintenance", by: "calendar:door-works", reason: "door works" },
    ]);
    onBattery("pdu-1", 1);
    await minutes(10);
    expect(lines("open")).toEqual(["raise"]);
    await minutes(50);
    expect(lines("open")).toEqual(["raise", "silence_ends", "maintenance_end calls"]);
    expect(told("open")[1]!.text).toBe(
      "Hall 1 PDU-1 door open since 01:31, silenced by calendar:door-works until 02:30.",
    );
  });

  test("begins a mode, of which a restart does not begin another", async () => {
    await begin(calendar);
    await minutes(125);
    expect(agent.status().modes).toMatchObject([{ mode: "generator-test", by: "calendar:test" }]);
    await restart(calendar);
    expect(lines("generator-test")).toEqual(["raise"]);
    agent.command(deed({ name: "maintenance_end", target: "room=Hall*" }), false);
    await restart(calendar);
    expect(agent.status().modes).toEqual([]);
    expect(agent.silences()).toEqual([]);
  });

  test("whose window is taken out ends what that began", async () => {
    await begin(calendar);
    await minutes(40);
    expect(agent.silences()).toHaveLength(1);
    await restart("");
    expect(agent.silences()).toEqual([]);
  });

  test("follows the wall clock when that is stepped", async () => {
    await begin(calendar);
    env.step(35 * 60_000);
    await minutes(1);
    expect(agent.silences()).toHaveLength(1);
  });

  test("is not followed by a clock that is wrong, and is as soon as it is right", async () => {
    env.synced = false;
    await begin(calendar);
    await minutes(40);
    expect(agent.silences()).toEqual([]);
    onBattery("pdu-1", 1);
    await minutes(1);
    expect(lines("open")).toEqual(["raise calls"]);
    expect(told("open")[0]!.clock).toEqual({ synced: false, source: null, offsetMs: null, lastSyncAt: null });
    expect(env.reports.filter(({ code }) => code === "clock.unsynced")).toHaveLength(1);
    env.synced = true;
    await minutes(3);
    expect(agent.silences()).toMatchObject([{ by: "calendar:door-works" }]);
  });

  test("does not shorten what somebody silenced for longer", async () => {
    await begin(calendar);
    agent.command(deed({ mode: undefined, target: "pdu-1/open", forMs: 4 * 3_600_000 }), false);
    await minutes(100);
    expect(agent.silences()).toMatchObject([{ by: "anna" }]);
  });
});

test("who shelves what stays active hears that the shelf ends, ten minutes before", async () => {
  await begin();
  onBattery("pdu-1", 1);
  await minutes(1);
  agent.command(deed({ name: "shelve", mode: undefined, target: "pdu-1/open" }), false);
  await minutes(51);
  expect(lines("open")).toEqual(["raise calls", "shelve", "silence_ends"]);
  await minutes(10);
  expect(lines("open")).toEqual(["raise calls", "shelve", "silence_ends", "expired calls"]);
});

test("a shelf so short that this would be said at once is not told to end", async () => {
  await begin();
  onBattery("pdu-1", 1);
  await minutes(1);
  agent.command(deed({ name: "shelve", mode: undefined, target: "pdu-1/open", forMs: 600_000 }), false);
  await minutes(11);
  expect(lines("open")).toEqual(["raise calls", "shelve", "expired calls"]);
});

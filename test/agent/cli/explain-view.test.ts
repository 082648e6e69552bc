import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type ConditionSnapshot, explanations } from "../../../agent/api/explain.ts";
import { explainView } from "../../../agent/cli/explain-view.ts";
import { fakeEnv } from "../../env.ts";
import { siteYaml, type World, world } from "../../simulation/world.ts";

/** What a technician reads. */
function shown(at: string, target: string, ...conditions: ConditionSnapshot[]): string {
  const lines: string[] = [];
  const output = { data: (line: string) => void lines.push(line), message: () => {}, colour: false };
  explainView({ at, site: "s", timeZone: "Europe/Berlin", conditions }, target, output);
  return lines.join("\n");
}

async function ask(
  target: string,
  happens: (here: World, advance: (seconds: number) => Promise<void>) => Promise<void>,
) {
  const folder = mkdtempSync(join(tmpdir(), "mepwatch-view-"));
  const env = fakeEnv();
  const here = world(env, siteYaml(1), join(folder, "store.db"));
  const agent = here.start();
  await happens(here, (seconds) => env.advance(seconds * 1000));
  const answer = agent.explain(target);
  if (!answer.found) throw new Error(`nothing is known of ${target}`);
  const { at, conditions } = explanations(agent.status().site, answer);
  await agent.stop();
  rmSync(folder, { recursive: true });
  return { at, conditions, text: shown(at, target, ...conditions) };
}

const night = Date.UTC(2026, 0, 1, 2, 3, 4);
const iso = (seconds: number): string => new Date(night + seconds * 1000).toISOString();

test("a device at night: what is wrong comes first", async () => {
  const { text } = await ask("d0", async (here, advance) => {
    await advance(30);
    here.values.set("d0/temp", 30);
    await advance(60);
    here.values.set("d0/door", 1);
    await advance(12);
  });
  expect(text).toMatch(
    /^D0 hot: ACTIVE – 30 °C, beyond its limit\n {2}s\/d0\/temp\/hot, level\n {2}D0 temp 30 °C \(limit 27\) since 00:00; cooling lost\. Check the CRAC\.\n {2}medium {4}above 27 °C, clears at 26 °C {2}ACTIVE\n {2}critical {2}above 35 °C, clears at 34 °C {2}not met\n {2}temp 30 °C, good, 7 s ago\n {2}incident [-0-9a-f]{36} since 01:00:34, raised at 01:00:59\n\nD0 open: ACTIVE – door open: an alarm by this rule\n {2}s\/d0\/door\/open, state\n {2}D0 door open since 00:01\.\n {2}high {2}ACTIVE\n {2}door open \(1\), good, 7 s ago\n {2}alarm values 1 high\n {2}incident [-0-9a-f]{36} since 01:01:34, raised at 01:01:34\n\nD0 comm: NORMAL – 0 failures, within its limits\n {2}s\/d0\/-\/comm, comm\n {2}high {2}3 failures or more, clears below 1 failure {2}not met\n {2}exchange answered, good, 7 s ago\n {2}failures 0, failures to raise 3, answers 11, answers to clear 1\n\nD0 stale: NORMAL – 7 s, within its limits\n {2}s\/d0\/temp\/stale, stale\n {2}medium {2}60 s or more, clears below 60 s {2}not met\n {2}temp 30 °C, good, 7 s ago\n {2}rule d0\/comm: not active\n {2}age 7\.\d+ s, good samples 1, good samples to clear 1\n {2}if nothing else comes: raised at 01:02:34$/,
  );
});

const normal = (await ask("d0/hot", async (_, advance) => advance(30))).conditions[0]!;
const [medium, critical] = normal.levels;
const waiting = { since: iso(-60), firesAt: iso(65), by: "sample", confirmedUntil: iso(20) } as const;
const levels = (also: object): ConditionSnapshot["levels"] => [{ ...medium!, ...also }, critical!];
const incident = {
  occurrence: 1,
  severity: "medium",
  worst: "medium",
  onset: iso(-90_000),
  raised: iso(-60),
  cleared: null,
  acked: null,
  needsAck: true,
  latched: false,
  reAlarmAt: null,
  heldUntil: null,
  incidentId: "id",
  text: "D0 temp 30 °C.",
} as const;

test.each<[string, Partial<ConditionSnapshot>, RegExp[]]>([
  ["at rest", {}, [/^D0 hot: NORMAL – 0 °C, within its limits\n/, /\n {2}temp 0 °C, good, \d s ago$/]],
  [
    "a delay that a sample confirms",
    { state: "pending-on", why: "waiting-on", levels: levels({ verdict: "true", waiting }) },
    [/^D0 hot: PENDING –/, / {2}met since 03:02:04, raises at 03:04:09 if a sample confirms it\n/],
  ],
  [
    "a delay that time ends",
    { levels: levels({ verdict: "true", waiting: { ...waiting, by: "timer", confirmedUntil: null } }) },
    [/ {2}met since 03:02:04, raises at 03:04:09\n/],
  ],
  [
    "a delay whose evidence is too old",
    { levels: levels({ verdict: "true", waiting: { ...waiting, confirmedUntil: iso(-1) } }) },
    [/met since 03:02:04, but was not confirmed for too long: it counts anew\n/],
  ],
  [
    "on its way to be cleared",
    { state: "pending-off", why: "waiting-off", levels: levels({ active: true, verdict: "true", waiting }) },
    [/^D0 hot: CLEARING –/, /ACTIVE, gone since 03:02:04, clears at 03:04:09 if a sample confirms it\n/],
  ],
  [
    "held while nothing is known",
    {
      state: "active",
      why: "device-unreachable",
      measure: null,
      levels: levels({ active: true, verdict: "unknown" }),
      inputs: [{ ...normal.inputs[0]!, quality: "bad", reason: "timeout", value: null, text: null, ageMs: 9000 }],
    },
    [
      /^D0 hot: ACTIVE – the device does not answer, which neither raises nor clears this\n/,
      / {2}ACTIVE, held as it was\n/,
      /\n {2}temp without a value, bad \(timeout\), 9 s ago$/,
    ],
  ],
  ["in its deadband", { levels: levels({ active: true, inDeadband: true }) }, [/ {2}ACTIVE, in its deadband\n/]],
  [
    "an incident of another day, and what it waits for",
    { state: "rtn-unacked", why: "waits-for-ack", incident: { ...incident, cleared: iso(-30) } },
    [
      /^D0 hot: GONE, NOT ACKNOWLEDGED – /,
      /\n {2}D0 temp 30 °C\.\n/,
      /incident id since 2025-12-31 02:03:04, raised at 03:02:04, gone since 03:02:34, to be acknowledged$/,
    ],
  ],
  [
    "acknowledged",
    { incident: { ...incident, acked: { by: "anna", at: iso(0) } } },
    [/raised at 03:02:04, acknowledged by anna$/],
  ],
  [
    "silenced in every way",
    {
      shelf: { until: iso(3600), by: "anna", reason: "noisy" },
      maintenance: { until: iso(7200), by: "ben", reason: "new filter" },
      outOfService: { until: null, by: "cleo", reason: "to be scrapped" },
      incident: { ...incident, heldUntil: iso(30) },
      causes: [
        { rule: "d0/comm", until: null },
        { rule: "d0/open", until: iso(60) },
      ],
      ahead: { at: iso(60), kind: "update", reason: "unsuppressed", severity: "medium", annunciate: false },
    },
    [
      /if nothing else comes: told again \(unsuppressed\) at 03:04:04, nobody is called\n/,
      /suppressed while d0\/comm is active: nobody is called\n/,
      /suppressed by d0\/open until 03:04:04: nobody is called\n/,
      /shelved by anna \(noisy\) until 04:03:04: nobody is called\n/,
      /in maintenance by ben \(new filter\) until 05:03:04: nobody is called\n/,
      /out of service by cleo \(to be scrapped\): nobody is called\n/,
      /waits for a cause to show until 03:03:34: nobody is called$/,
    ],
  ],
  [
    "shelved for one shot",
    { shelf: { until: null, by: "anna", reason: "noisy" } },
    [/shelved by anna \(noisy\) until it clears: nobody is called$/],
  ],
  [
    "facts, with their units; what is not known is left out",
    { facts: { missing: null, windowSpanS: 60, slopePerMin: 0.1 + 0.2, reference: null, dPerSide: "x" } },
    [/\n {2}window span 60 s, slope 0\.3 per min, d x per side$/],
  ],
  ["flapping", { flapping: { movesAt: iso(60) } }, [/flapping: looked at again at 03:04:04$/]],
  [
    "a low limit that is reached at the limit itself",
    { side: "low", levels: levels({ name: "LL", op: "ge" }) },
    [/\n {2}LL \(medium\) +27 °C or less, clears above 26 °C {2}not met\n/],
  ],
])("%s", (_, also, expected) => {
  const text = shown(iso(0), "d0/hot", { ...normal, ...also });
  for (const each of expected) expect(text).toMatch(each);
  expect(text).not.toMatch(/undefined|null|NaN|\[object/);
});

test("a point that no rule reads", () => {
  expect(shown(iso(0), "d0/power")).toBe("d0/power: no rule reads it, so nothing can be wrong with it.");
});

test("each reason is a sentence, whatever is known", () => {
  const whys: ConditionSnapshot["why"][] = [
    "within-limits",
    "beyond-limit",
    "in-deadband",
    "flapping",
    "waits-for-reset",
    "due",
    "never-seen",
    "value-bad",
    "measure-unknown",
    "window-not-filled",
    "reference-unknown",
    "blanked",
    "inputs-unknown",
    "not-running",
    "never-answered",
  ];
  const said = whys.map((why) => shown(iso(0), "d0", { ...normal, why, measure: null, inputs: [] }).split("\n")[0]!);
  for (const line of said) expect(line).toMatch(/^D0 hot: NORMAL – [a-z].{12,}$/);
  expect(new Set(said).size).toBe(whys.length);
});

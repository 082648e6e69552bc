import { expect, test } from "vitest";
import type { ConditionSnapshot } from "../../../agent/api/explain.ts";
import type { EvidenceTold, IncidentDetail } from "../../../agent/api/incidents.ts";
import { incidentView } from "../../../agent/cli/incident-view.ts";
import { sparkline } from "../../../agent/cli/sparkline.ts";
import type { Saying } from "../../../agent/core/rule.ts";
import type { EventRecord } from "../../../agent/sinks/record.ts";
import { event } from "../sinks/event.ts";

test.each<[string, (number | null)[], string]>([
  ["nothing", [], ""],
  ["from the lowest to the highest", [0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"],
  ["whatever the unit", [-40, 100], "▁█"],
  ["all the same", [5, 5], "▄▄"],
  ["without a value", [1, null, 2], "▁·█"],
  ["never a value", [null, null], "··"],
])("sparkline: %s", (_, values, expected) => expect(sparkline(values)).toBe(expected));

const at = "2026-01-02T04:00:00.000Z";
const raise: Partial<EventRecord> = {
  text: "D p 30 °C (limit 27).",
  unit: "Cel",
  limit: 27,
  rule: { id: "r", type: "level", version: "1", configHash: "c" },
  context: [
    [0, 20, "good"],
    [10_000, null, "bad"],
    [20_000, 30, "good"],
  ],
  companions: [
    { point: "d/load", value: 61.5, unit: "%", quality: "good" },
    { point: "d/fan", value: null, unit: "1", quality: "bad" },
  ],
};
const base: IncidentDetail = {
  incidentId: "id",
  conditionKey: "s/d/p/r",
  open: true,
  events: [event(1, raise)],
  cause: null,
  action: null,
  consequence: null,
  causes: [],
  consequences: [],
  evidence: [],
};
function shown(also: Partial<IncidentDetail>, now: ConditionSnapshot | null = null): string {
  const lines: string[] = [];
  const output = { data: (line: string) => void lines.push(line), message: () => {}, colour: false };
  incidentView({ at, timeZone: "Europe/Berlin" }, { ...base, ...also }, now, output);
  return lines.join("\n");
}
const around = (
  point: string,
  name: string,
  unit: string,
  samples: readonly (readonly [number, number | null])[],
  role: "input" | "companion" = "input",
): EvidenceTold => ({
  point,
  name,
  unit,
  role,
  isWhole: true,
  samples: samples.map(([at, value]) => [at, value, value === null ? "bad" : "good"]),
});
const acked = { kind: "ack", acked: true, ackedBy: "ana", state: "active-acked", text: "D p acknowledged." } as const;
const related = (n: number) =>
  Array.from({ length: n }, (_, i) => ({ incidentId: `i${i}`, conditionKey: `k${i}`, text: `T${i}.` }));
const said = (name: string, says: Saying) => ({ rule: `${name}/r`, name, says });
const { context: _, companions: __, ...bare } = raise;

test.each<[string, Partial<IncidentDetail>, string]>([
  [
    "raised: what led to it, and what its companions said",
    {},
    `high  D p 30 °C (limit 27).
  s/d/p/r, incident id
  state:  active, nobody attends
  before it was raised, 20 s: ▁·█  20 °C … 30 °C, limit 27 °C
  then: load 61.5 %, fan not known
  04:04:05  raised  high`,
  ],
  [
    "what was done since, by whom and why; the text stays that of what is wrong",
    {
      cause: "cooling lost",
      action: "Check the CRAC",
      consequence: "servers stop",
      causes: related(1),
      events: [
        event(1, bare),
        event(2, { ...acked }),
        event(3, { kind: "update", reason: "severity_up", severity: "critical", text: "D p 40 °C." }),
        event(4, {
          kind: "shelve",
          state: "shelved",
          annunciate: false,
          silencedBy: "ben",
          silencedFor: "works",
          silencedUntil: "2026-01-03T05:00:00.000Z",
        }),
      ],
    },
    `high  D p 40 °C.
  s/d/p/r, incident id
  state:        shelved, nobody attends, calls nobody
  cause:        cooling lost
  consequence:  servers stop
  action:       Check the CRAC
  caused by k0: T0.
  04:04:05  raised        high
  04:04:05  acknowledged  high      by ana
  04:04:05  worse         critical
  04:04:05  shelved       high      by ben until 2026-01-03 06:00:00 (works)`,
  ],
  [
    "who says so",
    {
      events: [
        event(1, { ...bare, witnesses: [said("leak-1", "active"), said("BMS", "normal")] }),
        event(2, { kind: "update", reason: "value", witnesses: [said("leak-1", "active"), said("BMS", "silenced")] }),
      ],
    },
    `high  CRAC-1 stopped since 03:04.
  s/d/p/r, incident id
  state:      active, nobody attends
  witnesses:  leak-1 active, BMS silenced
  04:04:05  raised           high
  04:04:05  other witnesses  high`,
  ],
  [
    "over, and why; of many consequences some",
    {
      consequences: related(7),
      open: false,
      events: [
        event(9, {
          kind: "clear",
          reason: "rule_disabled",
          state: "normal",
          open: false,
          active: false,
          text: "Over.",
        }),
      ],
    },
    `high  Over.
  s/d/p/r, incident id
  state:  over
  cause of k0: T0.
  cause of k1: T1.
  cause of k2: T2.
  cause of k3: T3.
  cause of k4: T4.
  cause of 2 more
  04:04:05  cleared  high  rule disabled`,
  ],
  [
    "where not the value itself is compared the record does not tell the limit as people know it",
    {
      events: [
        event(1, { ...bare, context: raise.context, limit: 0.13, rule: { ...raise.rule!, type: "roc" } }),
        event(2, { ...bare, context: raise.context, kind: "update", reason: "severity_up", state: "suppressed" }),
      ],
    },
    `high  D p 30 °C (limit 27).
  s/d/p/r, incident id
  state:  suppressed, nobody attends, calls all the same
  before it was raised, 20 s: ▁·█  20 °C … 30 °C
  before it became worse, 20 s: ▁·█  20 °C … 30 °C, limit 27 °C
  04:04:05  raised  high
  04:04:05  worse   high`,
  ],
  [
    "around its raise: what points said, the deciding one first",
    {
      evidence: [
        around("d/p", "inlet", "Cel", [
          [-1_200_000, 20],
          [-900_000 + 1, 20],
          [-600_000, 20],
          [-300_000, 20],
          [-60_000, 25],
          [0, 30],
          [300_000, 24],
          [600_000, null],
        ]),
        around("d/load", "load", "%", [[-900_000, 61.5]], "companion"),
        around("d/fan", "fan", "1", [], "companion"),
      ],
    },
    `high  D p 30 °C (limit 27).
  s/d/p/r, incident id
  state:  active, nobody attends
  before it was raised, 20 s: ▁·█  20 °C … 30 °C, limit 27 °C
  then: load 61.5 %, fan not known
  15 min before it was raised | 15 min after:
    inlet  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▅|█████▄▄▄▄▄·····  20 °C … 30 °C
    load   ▄▄▄▄▄▄▄▄▄▄·····|···············  61.5 %
  04:04:05  raised  high`,
  ],
  [
    "while its time is not over: as far as it goes",
    {
      events: [event(1, { ...bare, raisedAt: "2026-01-02T03:55:00.000Z" })],
      evidence: [
        {
          ...around("d/p", "inlet", "Cel", [
            [-60_000, 20],
            [0, 30],
          ]),
          isWhole: false,
        },
      ],
    },
    `high  D p 30 °C (limit 27).
  s/d/p/r, incident id
  state:  active, nobody attends
  15 min before it was raised | 15 min after:
    inlet  ··············▁|█████            20 °C … 30 °C
  04:04:05  raised  high`,
  ],
  [
    "a value that has a name",
    {
      events: [event(1, { ...bare, limit: undefined, unit: "1", valueText: "on battery", context: [[0, 5, "good"]] })],
    },
    `high  D p 30 °C (limit 27).
  s/d/p/r, incident id
  state:  active, nobody attends
  before it was raised, 0 s: ▄  5 (on battery)
  04:04:05  raised  high`,
  ],
])("%s", (_name, also, expected) => expect(shown(also)).toBe(expected));

test("its limit as the rule knows it, and how it stands now", () => {
  const levels = [{ name: "high", limitText: "8 °C/min" }];
  const now = { levels, state: "active", why: "beyond-limit", measure: { text: "9 °C/min" }, inputs: [] };
  const text = shown(
    { events: [event(1, { ...raise, level: "high", companions: undefined })] },
    now as unknown as ConditionSnapshot,
  );
  expect(text).toMatch(/30 °C, limit 8 °C\/min\n/);
  expect(text).toMatch(/\n {2}now ACTIVE – 9 °C\/min, beyond its limit$/);
});

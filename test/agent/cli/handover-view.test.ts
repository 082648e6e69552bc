import { expect, test } from "vitest";
import type { SilenceSnapshot } from "../../../agent/api/deeds.ts";
import type { EventTold, OpenTold } from "../../../agent/api/incidents.ts";
import type { StatusSnapshot } from "../../../agent/api/status.ts";
import { handoverOf, handoverView } from "../../../agent/cli/handover-view.ts";

const at = "2026-01-02T05:00:00.000Z";
const since = "2026-01-01T21:00:00.000Z";
const status = {
  at,
  broker: { connected: true, trouble: null },
  buffer: { depth: 0 },
  devices: [{ id: "d", answering: true, lastGoodAt: at }],
} as unknown as StatusSnapshot;
const open = (key: string, also: Partial<OpenTold> = {}): OpenTold => ({
  incidentId: key,
  conditionKey: key,
  severity: "high",
  state: "active-unacked",
  flapping: false,
  onsetAt: "2026-01-02T04:30:00.000Z",
  raisedAt: "2026-01-02T04:30:00.000Z",
  text: `${key} is wrong.`,
  silences: [],
  causes: [],
  calls: true,
  ...also,
});
const told = (
  kind: EventTold["kind"],
  incidentId: string,
  severity: EventTold["severity"],
  key = incidentId,
): EventTold => ({
  epoch: "e",
  seq: 1,
  at,
  kind,
  incidentId,
  conditionKey: key,
  severity,
  open: kind !== "clear",
});
const silence = (conditionKey: string, until: string | null, reason = "works"): SilenceSnapshot => ({
  conditionKey,
  how: "maintenance",
  mode: null,
  by: "ana",
  reason,
  until,
});

interface Night {
  readonly status?: object;
  readonly events?: readonly EventTold[];
  readonly incidents?: readonly OpenTold[];
  readonly silences?: readonly SilenceSnapshot[];
}
function shown({ status: also = {}, events = [], incidents = [], silences = [] }: Night): string {
  const lines: string[] = [];
  const output = { data: (line: string) => void lines.push(line), message: () => {}, colour: false };
  const snapshot = { at, site: "s", timeZone: "Europe/Berlin", incidents };
  handoverView(handoverOf(since, { ...status, ...also }, events, snapshot, silences), output);
  return lines.join("\n");
}
const head = "Site s, 2026-01-01 22:00:00 to 06:00:00 (Europe/Berlin)\n";
const foot = "\nBroker connected; no events wait for it.";
const many = (n: number) => Array.from({ length: n }, (_, i) => `k${i}`);

test.each<[string, Night, string]>([
  ["a quiet night", {}, `${head}Nothing happened, and nothing is open.\n${foot}`],
  [
    "counted once each, by the worst that it was; open ones with who attends",
    {
      events: [
        told("raise", "a", "low"),
        told("update", "a", "critical"),
        told("clear", "a", "critical"),
        told("raise", "b", "low"),
        told("clear", "old", "low"),
      ],
      incidents: [open("b", { severity: "low", ackedBy: "ben" }), open("c", { calls: false })],
    },
    `${head}          RAISED  CLEARED  STILL OPEN
critical  1       1        0
high      0       0        1
low       1       1        1

Open:
  low   05:30:00  ben attends                   b is wrong.
  high  05:30:00  nobody attends, calls nobody  c is wrong.
${foot}`,
  ],
  [
    "silences: what was said of many is one, and what ends first comes first",
    {
      silences: [
        silence("z", null, "old"),
        silence("b", "2026-01-02T08:00:00.000Z"),
        silence("a", "2026-01-02T08:00:00.000Z"),
        silence("c", "2026-01-02T07:00:00.000Z"),
      ],
    },
    `${head}Nothing happened, and nothing is open.

Silenced:
  until 08:00:00: c, maintenance by ana (works)
  until 09:00:00: a and 1 more, maintenance by ana (works)
  without an end: z, maintenance by ana (old)
${foot}`,
  ],
  [
    "what comes and goes, what does not answer, what waits",
    {
      status: {
        broker: { connected: false, trouble: "ECONNREFUSED" },
        buffer: { depth: 7 },
        devices: [
          { id: "y", answering: false, lastGoodAt: "2026-01-02T03:00:00.000Z" },
          { id: "new", answering: null, lastGoodAt: null },
          { id: "x", answering: false, lastGoodAt: null },
        ],
      },
      events: ["1", "2", "3"].map((id) => told("raise", id, "low", "k")),
      incidents: [open("f", { flapping: true })],
    },
    `${head}      RAISED  CLEARED  STILL OPEN
high  0       0        1
low   3       0        0

Open:
  high  05:30:00  nobody attends  f is wrong.

Comes and goes:
  k, raised 3 times
  f, flapping now

Does not answer:
  x, last good read never
  y, last good read 04:00:00

Broker away (ECONNREFUSED); 7 events wait for it.`,
  ],
])("%s", (_, night, expected) => expect(shown(night)).toBe(expected));

test("a bad night fits on a screen, too", () => {
  const text = shown({
    status: { devices: many(40).map((id) => ({ id, answering: false, lastGoodAt: null })) },
    events: many(40).flatMap((key) => ["1", "2", "3"].map((n) => told("raise", `${key}-${n}`, "low", key))),
    incidents: many(40).map((key) => open(key)),
    silences: many(40).map((key) => silence(key, null, key)),
  });
  expect(text.split("\n").length).toBeLessThanOrEqual(40);
  expect(text).toMatch(/and 30 more\n/);
  expect(text).toMatch(/and 37 more\n/);
});

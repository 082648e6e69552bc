import { expect, test } from "vitest";
import type { OpenTold } from "../../../agent/api/incidents.ts";
import { incidentsView } from "../../../agent/cli/incidents-view.ts";

const at = "2026-01-01T02:00:00.000Z";
const one: OpenTold = {
  incidentId: "id",
  conditionKey: "s/d/p/r",
  severity: "high",
  state: "active-unacked",
  flapping: false,
  onsetAt: "2026-01-01T01:30:00.000Z",
  raisedAt: "2026-01-01T01:30:00.000Z",
  text: "D p 30 °C.",
  silences: [],
  causes: [],
  calls: true,
};
const quiet: Partial<OpenTold> = { calls: false, state: "suppressed", causes: ["s/d/-/comm"], text: "Q." };
const shelf = { how: "shelved", mode: null, by: "ana", reason: "works", until: "2026-01-02T02:00:00.000Z" };

function shown(all: boolean, ...incidents: Partial<OpenTold>[]): string[] {
  const lines: string[] = [];
  const output = { data: (line: string) => void lines.push(line), message: () => {}, colour: false };
  const told = incidents.map((also) => ({ ...one, ...also }));
  incidentsView({ at, site: "s", timeZone: "Europe/Berlin", incidents: told }, all, output);
  return lines;
}
const head = "high      02:30:00  D p 30 °C.";

test.each<[string, boolean, Partial<OpenTold>[], string[]]>([
  ["none", false, [], ["No open incidents."]],
  ["one that nobody attends to", false, [{}], [head, "          s/d/p/r: active, nobody attends"]],
  [
    "what is quiet is counted",
    false,
    [{}, quiet],
    [head, "          s/d/p/r: active, nobody attends", "1 more calls nobody: mepwatch incidents --all"],
  ],
  ["nothing calls", false, [quiet, quiet], ["Nothing calls.", "2 more call nobody: mepwatch incidents --all"]],
  [
    "what is quiet, and why",
    true,
    [quiet],
    ["high      02:30:00  Q.", "          s/d/p/r: suppressed, nobody attends, caused by s/d/-/comm, calls nobody"],
  ],
  [
    "acknowledged, flapping, silenced until another day",
    true,
    [{ state: "shelved", flapping: true, ackedBy: "ben", silences: [shelf, { ...shelf, until: null }], calls: false }],
    [
      head,
      "          s/d/p/r: shelved, flapping, ben attends, shelved by ana until 2026-01-02 03:00:00 (works), shelved by ana (works), calls nobody",
    ],
  ],
  [
    "gone, of another day",
    false,
    [{ state: "rtn-unacked", onsetAt: "2025-12-30T01:00:00.000Z", severity: "low" }],
    [
      "low       2025-12-30 02:00:00  D p 30 °C.",
      "          s/d/p/r: gone, waits for an acknowledgement, nobody attends",
    ],
  ],
])("%s", (_, all, incidents, expected) => expect(shown(all, ...incidents)).toEqual(expected));

import { expect, test } from "vitest";
import { fleetLines, noticeLine } from "../../../agent/cli/centre-view.ts";
import { consumer, uuid, voice } from "../centre/told.ts";
import { event } from "../sinks/event.ts";

const output = { data: () => {}, message: () => {}, colour: false };
const wall = Date.UTC(2026, 0, 2, 4);

function fleet() {
  const it = consumer();
  const one = voice();
  const quiet = {
    how: "shelved" as const,
    by: "kim",
    reason: "noise",
    until: null,
    count: 250,
    conditions: ["hall-1/a/-/r"],
  };
  it.hear(one.birth(0), one.event(event(1, { severity: "low", text: "Low." })));
  it.hear(
    one.event(
      event(2, {
        severity: "critical",
        text: "Critical.",
        conditionKey: "hall-1/b/-/r",
        incidentId: uuid(2),
        ackedBy: "ana",
      }),
    ),
  );
  it.hear(
    one.silences({ silences: [quiet] }),
    one.blind({ blind: [{ device: "ups-a", why: "timeout", since: event(1).at, count: 3 }] }),
  );
  return { it, one };
}
const shown = ({ it }: ReturnType<typeof fleet>): string => fleetLines(it.state, wall, output).join("\n");

test("a block for each agent: the worst first, who attends, what is silenced, what is not seen", () => {
  const lines = shown(fleet());
  expect(lines).toMatch(/hall-1\/edge-1 {2}online, 1\.2\.3; 2 open, 250 conditions silenced, 3 of 9 points blind/);
  expect(lines).toMatch(/critical .*Critical\. \(active, ana attends\)\n.*low .*Low\./);
  expect(lines).toMatch(/250 conditions, shelved by kim \(noise\)\n.*249 more conditions silenced, not listed/);
  expect(lines).not.toMatch(/stale|missing|LOST/);
});

test("an agent that is lost is said to be, and what it said to be stale", () => {
  const some = fleet();
  some.it.hear(some.one.death("lwt"));
  some.it.pass(3);
  expect(shown(some)).toMatch(
    /LOST, what is open is stale; 2 open[\s\S]*high .*Agent hall-1\/edge-1 is lost: its connection ended/,
  );
});

test("what is missing is counted; without a line to the broker nothing counts", () => {
  const some = fleet();
  some.it.hear(some.one.event(event(9, { open: false, conditionKey: "hall-1/c/-/r" })));
  expect(shown(some)).toMatch(/6 events missing/);
  some.it.put({ kind: "link", up: false });
  expect(shown(some)).toMatch(/no broker since .* nothing here may hold[\s\S]*stale/);
});

test("text from the wire cannot steer the terminal", () => {
  const it = consumer();
  const evil = "\u001b[2J\u009b2J\r\nAll is well.";
  it.hear(voice().birth(0), voice().event(event(1, { text: evil, ackedBy: evil })));
  it.hear(voice().event(event(2, { conditionKey: `hall-1/${evil}/-/r` })));
  it.hear({ ...voice().birth(0), payload: voice({ session: 2 }).birth(0).payload.replace("1.2.3", "\\u001b[2J") });
  it.hear({
    topic: voice().topics.diag,
    payload: JSON.stringify({ code: evil, level: "warn", text: evil }),
    retain: false,
  });
  it.put({ kind: "sent", site: "hall-1", agent: "edge-1", cmdId: uuid(1), command: "snapshot", epoch: null });
  it.hear(voice().result(uuid(1), { status: "rejected", code: evil, detail: evil }));
  it.hear({ topic: `mepwatch/v1/a/${evil}/status`, payload: "{", retain: false });
  const lines = [...it.notices.map((one) => noticeLine(one, wall, output)), ...fleetLines(it.state, wall, output)];
  expect(lines.join("\n")).toMatch(/All is well/);
  expect(lines.filter((line) => /\p{Cc}/u.test(line))).toEqual([]);
});

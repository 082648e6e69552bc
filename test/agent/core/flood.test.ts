import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isCall } from "../../../agent/core/call.ts";
import {
  countMost,
  type FloodEvent,
  type FloodState,
  floodStep,
  type Heard,
  most,
  noFlood,
} from "../../../agent/core/flood.ts";
import { severities } from "../../../agent/core/severity.ts";
import { told } from "./told.ts";

const heard = (differs: Parameters<typeof told>[0] = {}, from = ["d", "r"]): Heard => ({ ...told(differs), from });

/** Plays it with each wake-up taken when it comes, as the shell does; `restarts`: the state goes through JSON. */
function play(all: readonly Heard[], until: number, restarts = false) {
  let state: FloodState = noFlood;
  let wakeAt: number | null = null;
  const events: FloodEvent[] = [];
  const digested: Heard[] = [];
  const step = (now: number, batch: readonly Heard[]): void => {
    const next = floodStep(restarts ? JSON.parse(JSON.stringify(state)) : state, batch, now);
    if (next.wakeAt !== null && next.wakeAt <= now) throw new Error(`wakeAt ${next.wakeAt} is not after ${now}`);
    ({ state, wakeAt } = next);
    events.push(...next.events);
    digested.push(...batch.filter((_, i) => next.digested[i]));
    if (JSON.stringify(state).length > 4000) throw new Error("the state grows");
  };
  const wakeUntil = (end: number): void => {
    while (wakeAt !== null && wakeAt <= end) step(wakeAt, []);
  };
  for (const at of new Set(all.map((one) => one.at))) {
    wakeUntil(at - 1);
    step(
      at,
      all.filter((one) => one.at === at),
    );
  }
  wakeUntil(until);
  return { state, events, digested };
}
const at = (...times: readonly number[]): Heard[] => times.map((time, i) => heard({ at: time, key: `k${i}` }));
const evenly = (n: number, ms: number): number[] => Array.from({ length: n }, (_, i) => i * ms);
const often = (n: number, time: number): number[] => Array<number>(n).fill(time);
const kinds = ({ events }: { events: readonly FloodEvent[] }): string[] =>
  events.map(({ kind, at: when }) => `${kind} ${when / 1000}`);
const digests = ({ events }: { events: readonly FloodEvent[] }) =>
  events.flatMap((event) => (event.kind === "digest" ? [event.digest] : []));
const hour = 3_600_000;

describe("a flood", () => {
  test.each<[string, readonly number[], readonly string[]]>([
    ["ten calls at once are none", often(10, 0), []],
    ["eleven are one", often(11, 0), ["began 0", "digest 60", "ended 600"]],
    [
      "the first of eleven is just in the window",
      [0, ...often(10, 599_999)],
      ["began 599.999", "digest 659.999", "ended 1199.999"],
    ],
    ["the first of eleven has just left it", [0, ...often(10, 600_000)], []],
    ["one a minute never is", evenly(100, 60_000), []],
    [
      "it ends as the fifth newest leaves the window",
      evenly(14, 54_000),
      ["began 540", "digest 600", "digest 708", "ended 1086"],
    ],
    // Four are left at 600 s, and the call of that instant is the fifth.
    [
      "a call as it would end keeps it up, until the next one leaves",
      [...often(7, 0), ...often(4, 1000), 600_000],
      ["began 1", "digest 61", "digest 601", "ended 601"],
    ],
  ])("%s", (_, times, expected) => {
    expect(kinds(play(at(...times), hour))).toEqual(expected);
  });

  test.each<[string, Parameters<typeof told>[0], boolean, boolean]>([
    ["a raise", {}, true, true],
    ["a raise that calls nobody", { annunciate: false }, false, false],
    ["a high one", { severity: "high" }, true, false],
    ["a critical one", { severity: "critical" }, true, false],
    ["one that must be heard", { severity: "info", audible: true }, true, false],
    ["an update by which a quiet one begins to call", { kind: "update", reason: "unheld" }, true, true],
    ["the end of its maintenance", { kind: "update", reason: "maintenance_end" }, true, true],
    ["what outlives its cause", { kind: "update", reason: "unsuppressed" }, true, true],
    ["the end of its shelf", { kind: "unshelve", reason: "expired" }, true, true],
    ["the end of the shelf of what is over", { kind: "unshelve", reason: "cleared", active: false }, false, true],
    ["a change of value", { kind: "update", reason: "value" }, false, true],
    ["a clear", { kind: "clear", active: false }, false, true],
    ["an acknowledgement", { kind: "ack" }, false, false],
  ])("of %s: whether it counts, and whether it waits for a digest", (_, differs, counts, waits) => {
    const flood = floodStep(noFlood, at(...often(11, 0)), 0).state;
    const one = heard({ ...differs, at: 1000, key: "k" });
    const { state, digested } = floodStep(flood, [one], 1000);
    expect([state.flood!.count - 11 > 0, digested]).toEqual([counts, [waits]]);
    expect(isCall(one)).toBe(counts);
  });

  test("a digest tells how many of what, and the worst two, of equals the earlier", () => {
    const some = (["low", "info", "medium", "low", "medium", "medium"] as const).map((severity, i) =>
      heard({ at: 1000 + i, key: `c${i}`, severity }),
    );
    const over = heard({ at: 2000, kind: "clear", active: false });
    const urgent = often(11, 0).map(() => heard({ severity: "high" }));
    const [digest] = digests(play([...urgent, ...some, over], hour));
    expect(digest).toEqual({
      since: 1000,
      calls: { low: 2, info: 1, medium: 3 },
      cleared: 1,
      changed: 0,
      worst: [
        { key: "c2", severity: "medium" },
        { key: "c4", severity: "medium" },
      ],
    });
  });

  test("nothing to digest, no digest", () => {
    const urgent = often(11, 0).map(() => heard({ severity: "high" }));
    expect(kinds(play(urgent, hour))).toEqual(["began 0", "ended 600"]);
  });

  test("a late wake-up tells what is due, and then that it is over", () => {
    const { state } = floodStep(noFlood, at(...often(11, 0)), 0);
    const { events, wakeAt } = floodStep(state, [], hour);
    expect(events.map(({ kind }) => kind)).toEqual(["digest", "ended"]);
    expect(wakeAt).toBeNull();
  });
});

describe("whatever is heard", () => {
  const story = fc
    .array(
      fc.record({
        after: fc.constantFrom(0, 0, 1, 999, 5000, 20_000, 59_999, 60_000, 150_000),
        severity: fc.constantFrom(...severities),
        kind: fc.constantFrom("raise", "raise", "raise", "clear", "update", "ack"),
        annunciate: fc.constantFrom(true, true, true, false),
        source: fc.nat(200),
      }),
      { maxLength: 80, size: "max" },
    )
    .map((all) => {
      let now = 0;
      return all.map(({ after, source, ...one }) => {
        now += after;
        return heard({ ...one, at: now, key: `k${source}` } as Partial<Heard>, [`d${source}`, `r${source % 3}`]);
      });
    });

  test("it is a flood from the eleventh call in ten minutes until there are fewer than five", () => {
    let floods = 0;
    fc.assert(
      fc.property(story, (all) => {
        const { events } = play(all, 10 * hour);
        floods += events.filter(({ kind }) => kind === "ended").length;
        const calls = all.filter(isCall);
        const within = (when: number): number => calls.filter(({ at: t }) => t > when - 600_000 && t <= when).length;
        for (const { kind, at: when } of events) {
          if (kind === "began") expect(within(when)).toBeGreaterThan(10);
          if (kind === "ended") expect([within(when) < 5, within(when - 1) >= 5]).toEqual([true, true]);
        }
        let isFlood = false;
        for (const { at: when } of all) {
          for (const { kind, at: t } of events) if (kind !== "digest" && t <= when) isFlood = kind === "began";
          if (within(when) > 10) expect(isFlood).toBe(true);
          if (within(when) < 5) expect(isFlood).toBe(false);
        }
      }),
    );
    // Else nothing was tested.
    expect(floods).toBeGreaterThan(10);
  });

  test("each that waits is in a digest within a minute, and what is urgent does not wait", () =>
    fc.assert(
      fc.property(story, (all) => {
        const played = play(all, 10 * hour);
        const sum = (of: readonly number[]): number => of.reduce((a, b) => a + b, 0);
        const counted = digests(played).map(
          ({ calls, cleared, changed }) => sum(Object.values(calls)) + cleared + changed,
        );
        expect(sum(counted)).toBe(played.digested.length);
        expect(played.digested.every(({ severity, annunciate }) => annunciate && !/high|crit/.test(severity))).toBe(
          true,
        );
        for (const event of played.events)
          if (event.kind === "digest") expect(event.at - event.digest.since).toBeLessThanOrEqual(60_000);
        expect(played.state.flood).toBeNull();
      }),
    ));

  test("a restart at any point changes nothing", () =>
    fc.assert(
      fc.property(story, (all) => {
        expect(play(all, 10 * hour, true)).toEqual(play(all, 10 * hour));
      }),
    ));

  test("nor does the order of what comes at one time change when it is a flood", () =>
    fc.assert(
      fc.property(story, (all) => {
        const turned = all.toReversed().toSorted((a, b) => a.at - b.at);
        const bounds = (of: readonly Heard[]): string[] =>
          kinds(play(of, 10 * hour)).filter((kind) => !kind.startsWith("digest"));
        expect(bounds(turned)).toEqual(bounds(all));
      }),
    ));
});

test("of many sources those that call most are not lost", () => {
  const names = Array.from({ length: 600 }, (_, i) => (i % 3 === 0 ? "often" : `once-${i}`));
  const counts = names.reduce<Record<string, number>>((sum, name) => countMost(sum, name, 10), {});
  expect(Object.keys(counts)).toHaveLength(10);
  expect(most(counts, 1)[0]![0]).toBe("often");
  expect(counts.often).toBeGreaterThanOrEqual(200);
  expect(countMost({}, "constructor", 10)).toEqual({ constructor: 1 });
});

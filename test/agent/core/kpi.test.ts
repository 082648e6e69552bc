import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Told } from "../../../agent/core/call.ts";
import { kpisOf } from "../../../agent/core/kpi.ts";
import { type KpiState, kpisAfter, kpisInFlood, kpisWithin, noKpis } from "../../../agent/core/kpi-counts.ts";
import { severities } from "../../../agent/core/severity.ts";
import { told } from "./told.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const begun = kpisAfter(noKpis, [], 0);
/** One after the other, each in a cycle of its own. */
const count = (all: readonly Told[], state: KpiState = begun): KpiState =>
  all.reduce((sum, one) => kpisAfter(sum, [one], one.at), state);
const kpi = (state: KpiState, now: number, name: string) => kpisOf(state, now).find((one) => one.name === name)!;
const call = (at: number, key = "k", differs: Partial<Told> = {}): Told => told({ at, raisedAt: at, key, ...differs });
const clear = (at: number, key = "k", raisedAt = 0): Told =>
  told({ kind: "clear", at, key, raisedAt, active: false, open: false });
const each = (n: number, one: (i: number) => Told): Told[] => Array.from({ length: n }, (_, i) => one(i));

describe("a figure, what is asked of it, and whether it is met", () => {
  test.each<[string, readonly Told[], number, string, number | null, boolean | null]>([
    ["nobody called", [], day, "rate_mean", 0, true],
    ["144 in a day", each(144, (i) => call(i * 10 * minute)), day - 1, "rate_mean", 1, true],
    ["one more", [...each(144, (i) => call(i * 10 * minute)), call(day - 1)], day - 1, "rate_mean", 145 / 144, false],
    ["2 in the first half hour", [call(0), call(25 * minute)], 29 * minute, "rate_mean", 2 / 3, true],
    ["10 in a slot", each(10, (i) => call(i, `k${i}`)), hour, "rate_max", 10, true],
    ["11 in a slot", each(11, (i) => call(i, `k${i}`)), hour, "rate_max", 11, false],
    ["10 in a slot", each(10, (i) => call(i)), day, "rate_exceeded", 0, true],
    ["a slot of 144 with 11", each(11, (i) => call(i)), day - 1, "rate_exceeded", 1 / 144, true],
    ["a slot of 6 with 11", each(11, (i) => call(i)), hour - 1, "rate_exceeded", 1 / 6, false],
    ["ten conditions", each(10, (i) => call(i, `k${i}`)), hour, "top10", null, null],
    ["eleven conditions", each(11, (i) => call(i, `k${i}`)), hour, "top10", 10 / 11, false],
    ["one of many calls half", each(40, (i) => call(i, i % 2 ? `k${i}` : "k")), hour, "top10", 29 / 40, false],
    ["nobody called", [], day, "mix_low", null, null],
    [
      "four of five are low",
      each(5, (i) => call(i, `k${i}`, { severity: i ? "low" : "high" })),
      hour,
      "mix_low",
      0.8,
      true,
    ],
    [
      "one of five is high",
      each(5, (i) => call(i, `k${i}`, { severity: i ? "low" : "high" })),
      hour,
      "mix_high",
      0.2,
      false,
    ],
    ["open for a day", [call(0)], day, "stale", 0, true],
    ["open for more than a day", [call(0)], day + 1, "stale", 1, true],
    ["five of them", each(5, (i) => call(0, `k${i}`)), day + 1, "stale", 5, false],
    ["it was cleared", [call(0), clear(hour)], day + 1, "stale", 0, true],
    ["twice a minute", [call(0), clear(1), call(2)], hour, "chattering", 0, true],
    ["three times a minute", [call(0), clear(1), call(2), clear(3), call(59_999)], hour, "chattering", 1, false],
    ["three times in a little more", [call(0), clear(1), call(2), clear(3), call(60_000)], hour, "chattering", 0, true],
    [
      "it flaps",
      [call(0), told({ kind: "update", at: 9, reason: "flapping_start", key: "k", flapping: true })],
      hour,
      "chattering",
      1,
      false,
    ],
    ["what calls nobody", each(20, (i) => call(i, "k", { annunciate: false })), hour, "rate_max", 0, true],
    [
      "what began quietly and calls then",
      [
        call(0, "k", { annunciate: false }),
        told({ kind: "update", reason: "unheld", at: 30_000, raisedAt: 0, key: "k" }),
      ],
      hour,
      "rate_max",
      1,
      true,
    ],
  ])("%s", (_, all, now, name, value, isMet) => {
    const is = kpi(count(all), now, name);
    if (value === null) expect(is.value).toBeNull();
    else expect(is.value).toBeCloseTo(value, 9);
    expect(is.isMet).toBe(isMet);
  });

  test("after a day nothing of it counts any more, but what is open", () => {
    const state = count(each(50, (i) => call(i, `k${i % 20}`)));
    const values = kpisOf(state, day + 10 * minute).filter(({ unit }) => unit === "1");
    expect(Object.fromEntries(values.map(({ name, value }) => [name, value]))).toEqual({
      rate_mean: 0,
      rate_max: 0,
      chattering: 0,
      stale: 20,
    });
  });
});

describe("time in flood", () => {
  const flooded = (from: number, to: number): KpiState => kpisInFlood(kpisInFlood(begun, true, from), false, to);
  test.each<[string, KpiState, number, number]>([
    ["none", begun, day, 0],
    ["of one hour in ten", flooded(30 * minute, 90 * minute), 10 * hour, 0.1],
    ["while it goes on", kpisInFlood(begun, true, 9 * hour), 10 * hour, 0.1],
    ["the part of it that is within the window", flooded(0, 2 * hour), day + hour - 1, 1 / 24],
    ["since before the window", kpisInFlood(begun, true, 0), 3 * day, 1],
  ])("%s", (_, state, now, share) => {
    expect(kpi(state, now, "flood").value).toBeCloseTo(share, 3);
  });
});

describe("how long it took", () => {
  const ack = (at: number, key: string, differs: Partial<Told> = {}): Told =>
    told({ kind: "ack", at, key, ...differs });
  const acked = each(10, (i) => call(0, `k${i}`, { severity: "high" })).concat(
    each(10, (i) => ack((i + 1) * minute, `k${i}`, { severity: "high" })),
    each(10, (i) => ack((i + 30) * minute, `k${i}`, { severity: "high" })),
    each(10, (i) => clear((i + 1) * hour, `k${i}`)),
  );
  test.each<[string, number, boolean | null]>([
    ["mtta_high_median", 5 * minute, null],
    ["mtta_high_p90", 9 * minute, true],
    ["mttr_high_median", 5 * hour, null],
    ["mttr_high_p90", 9 * hour, null],
  ])("%s is by nearest rank, within 2.5 %%, of first acknowledgements", (name, ms, isMet) => {
    const { value, isMet: met } = kpi(count(acked), 12 * hour, name);
    expect(Math.abs(value! / ms - 1)).toBeLessThan(0.025);
    expect(met).toBe(isMet);
  });

  test("counts from the call, not from when it began in silence; to clear, from its beginning", () => {
    const quiet = call(0, "k", { annunciate: false });
    const calls = told({ kind: "update", reason: "maintenance_end", at: 8 * hour, raisedAt: 0, key: "k" });
    const state = count([quiet, calls, ack(8 * hour + 10 * minute, "k"), clear(9 * hour)]);
    expect(kpi(state, 10 * hour, "mtta_medium_median").value! / minute).toBeCloseTo(10, 0);
    expect(kpi(state, 10 * hour, "mttr_medium_median").value! / hour).toBeCloseTo(9, 0);
  });

  test("is the worst severity's that it had, and too long where it is", () => {
    const worse = told({ kind: "update", reason: "severity_up", at: 1, key: "k", severity: "critical" });
    const state = count([call(0), worse, ack(6 * minute, "k", { severity: "critical" })]);
    expect(kpi(state, hour, "mtta_critical_p90").isMet).toBe(false);
    expect(kpi(state, hour, "mtta_medium_p90")).toMatchObject({ value: null, isMet: null });
  });

  test("of what goes and is acknowledged afterwards, both are known", () => {
    const waiting = { kind: "clear", active: false } as const;
    const state = count([
      call(0),
      told({ ...waiting, at: 2 * minute, key: "k" }),
      ack(4 * minute, "k", { active: false }),
      told({ kind: "close", at: 4 * minute, key: "k", active: false, open: false }),
    ]);
    expect(kpi(state, hour, "mttr_medium_median").value! / minute).toBeCloseTo(2, 0);
    expect(kpi(state, hour, "mtta_medium_median").value! / minute).toBeCloseTo(4, 0);
    expect(state.open).toEqual({});
  });
});

test("an incident whose rule is gone is not open for ever", () => {
  const state = kpisWithin(count([call(0, "gone"), call(0, "there")]), (key) => key === "there");
  expect(kpi(state, 2 * day, "stale").value).toBe(1);
});

describe("whatever is told", () => {
  const story = fc
    .array(
      fc.record({
        after: fc.constantFrom(0, 1, 20_000, 10 * minute, 3 * hour),
        kind: fc.constantFrom("raise", "raise", "clear", "ack", "update"),
        severity: fc.constantFrom(...severities),
        annunciate: fc.boolean(),
        flapping: fc.boolean(),
        place: fc.nat(15),
      }),
      { maxLength: 60, size: "max" },
    )
    .map((all) => {
      let now = 0;
      return all.map(({ after, place, ...one }) => {
        now += after;
        const gone = one.kind === "clear" ? { active: false, open: false } : {};
        return told({ ...one, ...gone, at: now, key: `k${place}` } as Partial<Told>);
      });
    });

  test("a restart at any point, and how it falls into cycles, changes no figure", () =>
    fc.assert(
      fc.property(story, (all) => {
        const now = all.at(-1)?.at ?? 0;
        const restarted = all.reduce<KpiState>(
          (sum, one) => kpisAfter(JSON.parse(JSON.stringify(sum)), [one], one.at),
          begun,
        );
        expect(kpisOf(restarted, now)).toEqual(kpisOf(count(all), now));
        expect(kpisOf(kpisAfter(begun, all, now), now)).toEqual(kpisOf(count(all), now));
      }),
    ));

  test("shares are shares, and the mix is whole", () =>
    fc.assert(
      fc.property(story, (all) => {
        const kpis = kpisOf(count(all), all.at(-1)?.at ?? 0);
        for (const { unit, value } of kpis) {
          if (unit === "share" && value !== null) expect(value >= 0 && value <= 1).toBe(true);
        }
        const mix = kpis.filter(({ name }) => name.startsWith("mix_")).map(({ value }) => value ?? 1 / 3);
        expect(mix.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 9);
      }),
    ));

  test("the state is bounded, however long it goes on", () => {
    let state = begun;
    let size = 0;
    for (let i = 0; i < 26_000; i++) {
      const at = i * 10_000;
      const key = `k${i % 500}`;
      state = kpisAfter(state, [call(at, key), clear(at + 1, key, at)], at + 1);
      if (i === 13_000) size = JSON.stringify(state).length;
    }
    expect(JSON.stringify(state).length).toBeLessThan(size * 1.05);
    expect(Object.keys(state.slots).length).toBeLessThanOrEqual(144);
  });
});

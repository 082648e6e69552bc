import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isCall, toldOf } from "../../../agent/core/call.ts";
import type { Command } from "../../../agent/core/command.ts";
import type { Condition } from "../../../agent/core/condition.ts";
import { calls, levelOf } from "../../../agent/core/incident.ts";
import { leakSite, linesOf, type Night, night } from "../../scenarios/leak.ts";

/** One leak that a controller and a building system tell: what the shift hears of it. In capitals: somebody is called. */
const unlatched = leakSite({ leak: "latch: false, ackRequired: false" });

describe("of what several tell there is one incident", () => {
  test.each<[name: string, story: Night, expected: readonly string[]]>([
    [
      "the controller first",
      { seconds: 60, leak: [[10, 40]], bms: [[20, 50]] },
      ["10 RAISE", "20 VALUE", "40 VALUE", "50 CLEAR"],
    ],
    [
      "the building system first",
      { seconds: 60, leak: [[20, 50]], bms: [[10, 40]] },
      ["10 RAISE", "20 VALUE", "40 VALUE", "50 CLEAR"],
    ],
    [
      "both at once",
      { seconds: 60, leak: [[10, 40]], bms: [[10, 40]] },
      ["10 RAISE", "10 VALUE", "40 VALUE", "40 CLEAR"],
    ],
    ["one alone", { seconds: 60, bms: [[10, 40]] }, ["10 RAISE", "40 CLEAR"]],
    ["nobody", { seconds: 60 }, []],
    [
      "it comes again when it was over",
      {
        seconds: 60,
        leak: [
          [10, 20],
          [30, 40],
        ],
        bms: [[12, 18]],
      },
      ["10 RAISE", "12 VALUE", "18 VALUE", "20 CLEAR", "30 RAISE", "40 CLEAR"],
    ],
    [
      "one that is not heard says nothing",
      { seconds: 60, leak: [[10, 40]], silent: { bms: [[0, 60]] } },
      ["10 RAISE", "40 CLEAR"],
    ],
    [
      "what one said holds while it is not heard",
      { seconds: 60, leak: [[10, 20]], silent: { "leak-1": [[16, 50]] } },
      ["10 RAISE", "50 CLEAR"],
    ],
    [
      "one that cannot be believed raises nothing",
      { seconds: 60, leak: [[10, 40]], silent: { "leak-1": [[0, 50]] } },
      [],
    ],
    [
      "it is over after a restart, too, though one is not heard since",
      { seconds: 60, leak: [[10, 40]], silent: { bms: [[16, 60]] }, restarts: [20] },
      ["10 RAISE", "40 CLEAR"],
    ],
    [
      "a restart changes nothing",
      { seconds: 60, leak: [[10, 40]], bms: [[20, 50]], restarts: [4, 16, 26, 44, 56] },
      ["10 RAISE", "20 VALUE", "40 VALUE", "50 CLEAR"],
    ],
  ])("%s", (_, story, expected) => {
    const told = night({ site: unlatched, ...story });
    expect(linesOf(told, "same-leak-1")).toEqual(expected.map((one) => `${one} critical`));
    expect(linesOf(told, "leak-1").concat(linesOf(told, "bms")).join()).not.toMatch(/[A-Z]/);
  });

  test("each witness is recorded and sent as ever, and calls nobody", () => {
    const told = night({ site: unlatched, seconds: 60, leak: [[10, 40]], bms: [[20, 50]] });
    expect(linesOf(told, "leak-1")).toEqual(["10 raise critical", "40 clear critical"]);
    expect(linesOf(told, "bms")).toEqual(["20 raise critical", "50 clear critical"]);
  });

  test("it is as severe as the worst that says so, and called once", () => {
    const site = leakSite({ leak: "latch: false, ackRequired: false", water: "severity: low" });
    const told = night({ site, seconds: 60, leak: [[20, 30]], bms: [[10, 40]] });
    expect(linesOf(told, "same-leak-1")).toEqual([
      "10 RAISE low",
      "20 SEVERITY_UP critical",
      "30 SEVERITY_DOWN low",
      "40 CLEAR low",
    ]);
    expect(told.events.filter((event) => isCall(toldOf(event)))).toHaveLength(1);
  });

  test("it asks again while nobody has acknowledged, as the rule that names the others says", () => {
    const site = leakSite({ leak: "latch: false, reAlarm: 20s" });
    const told = night({ site, seconds: 60, leak: [[10, 58]], bms: [[10, 58]], deeds: [[44, "ack", "bms"]] });
    expect(linesOf(told, "same-leak-1").slice(0, 4)).toEqual([
      "10 RAISE critical",
      "10 VALUE critical",
      "30 RE_ALARM critical",
      "44 ACK critical",
    ]);
    expect(told.events.filter(({ reason }) => reason === "re_alarm")).toHaveLength(1);
  });
});

describe("who attends to one witness attends to the fact", () => {
  test("it is latched, and reset, once; also after a restart", () => {
    const told = night({
      seconds: 60,
      leak: [[10, 20]],
      bms: [[12, 22]],
      deeds: [
        [14, "ack", "leak-1"],
        [16, "reset", "leak-1/leak"],
        [30, "reset", "bms"],
        [40, "ack", "bms/water-east"],
      ],
      restarts: [26],
    });
    const after = ["14 ACK", "20 VALUE", "22 RTN_LATCHED", "30 CLEAR", "30 CLOSE"].map((one) => `${one} critical`);
    expect(linesOf(told, "same-leak-1")).toEqual(["10 RAISE critical", "12 VALUE critical", ...after]);
    expect(linesOf(told, "leak-1")).toEqual(["10 raise critical", "20 clear critical"]);
    expect(told.refused).toEqual([
      "reset hall/same-leak-1/-/leak: invalid_state",
      "ack hall/same-leak-1/-/leak: invalid_state",
    ]);
  });

  test("the one incident is silenced by its own name", () => {
    const told = night({
      site: unlatched,
      seconds: 60,
      leak: [[10, 40]],
      bms: [[20, 50]],
      deeds: [[16, "shelve", "same-leak-1/leak"]],
    });
    expect(linesOf(told, "same-leak-1", "leak")).toEqual(
      ["10 RAISE", "16 shelve", "20 value", "40 value", "50 clear"].map((one) => `${one} critical`),
    );
  });
});

describe("who silences a witness silences its voice alone", () => {
  const silencing: readonly Command["name"][] = ["shelve", "maintenance", "out_of_service"];
  test.each(silencing)("%s: nobody is called for what only that one says", (how) => {
    const told = night({ site: unlatched, seconds: 60, leak: [[10, 40]], deeds: [[6, how, "leak-1/leak"]] });
    expect(linesOf(told, "same-leak-1")).toEqual([]);
    expect(linesOf(told, "leak-1", "leak#0").at(-1)).toBe("40 clear critical");
  });

  test.each(silencing)("%s: the other one still calls", (how) => {
    const told = night({
      site: unlatched,
      seconds: 60,
      leak: [[10, 40]],
      bms: [[20, 30]],
      deeds: [[6, how, "leak-1/leak"]],
    });
    expect(linesOf(told, "same-leak-1")).toEqual(["20 RAISE critical", "30 CLEAR critical"]);
    expect(
      told.records.find(({ conditionKey, kind }) => conditionKey === "hall/same-leak-1/-/leak" && kind === "raise")
        ?.witnesses,
    ).toEqual([
      { rule: "leak-1/leak", name: "leak-1", says: "silenced" },
      { rule: "bms/water-east", name: "BMS", says: "active" },
    ]);
  });

  test("it is over when the only one that says so is silenced, and called again when that is over", () => {
    const told = night({ site: unlatched, seconds: 90, leak: [[10, 80]], deeds: [[20, "shelve", "leak-1/leak", 30]] });
    expect(linesOf(told, "same-leak-1")).toEqual(
      ["10 RAISE", "20 CLEAR", "50 RAISE", "80 CLEAR"].map((one) => `${one} critical`),
    );
    expect(
      told.records.find(({ kind, conditionKey }) => kind === "clear" && conditionKey.endsWith("/-/leak"))?.text,
    ).toBe("Hall 1 leak-1 water detected: back to normal after 10 s, leak-1 silenced.");
  });

  test("and it stays so through a restart", () => {
    const told = night({
      site: unlatched,
      seconds: 60,
      leak: [[10, 50]],
      deeds: [[6, "maintenance", "leak-1/leak"]],
      restarts: [4, 8, 20],
    });
    expect(linesOf(told, "same-leak-1")).toEqual([]);
  });

  test("water is heard all the same when a whole hall is in maintenance", () => {
    const told = night({ site: unlatched, seconds: 60, leak: [[10, 50]], deeds: [[6, "maintenance", "room=Hall*"]] });
    expect(linesOf(told, "same-leak-1")).toEqual(["10 RAISE critical", "50 CLEAR critical"]);
  });
});

describe("of a witness with several alarms each has its own voice", () => {
  const also = `  - id: bms-2
    profile: bms/test
    bus: { protocol: bacnet, host: 127.0.0.1 }
    address: { instance: 2 }
    points: { floats: { address: { object: analog-input, instance: 2 } } }
    rules:
      water-east: { sameAs: [floats], latch: false, ackRequired: false }
      floats: { type: bits, point: floats, bits: { 0: { severity: high }, 1: { severity: low } } }
`;
  const site = leakSite({ also });
  const key = "hall/bms-2/floats/floats";
  test.each<[name: string, bits: number, deeds: Night["deeds"], expected: readonly string[]]>([
    ["the worst counts", 3, [], ["10 RAISE high", "40 CLEAR high"]],
    ["of one that is silenced it does not", 3, [[6, "shelve", `${key}#0`]], ["10 RAISE low", "40 CLEAR low"]],
    ["nor of all", 3, [[6, "shelve", key]], []],
    ["nor where the other one says nothing", 1, [[6, "shelve", `${key}#0`]], []],
    ["the worse one comes later", 2, [[20, "unshelve", key]], ["10 RAISE low", "40 CLEAR low"]],
  ])("%s", (_, bits, deeds, expected) => {
    const told = night({
      site,
      seconds: 60,
      value: (_device, point, second) => (point === "floats" && second >= 10 && second < 40 ? bits : undefined),
      deeds: deeds ?? [],
    });
    expect(linesOf(told, "same-bms-2", "water-east")).toEqual(expected);
  });

  test("one that is silenced contradicts nobody", () => {
    const told = night({
      site,
      seconds: 700,
      value: (_device, point, second) => Number(second >= 10 && (point === "floats" || point === "water-east")),
      deeds: [[6, "shelve", `${key}#0`]],
    });
    expect(linesOf(told, "same-bms-2", "water-east-disagreement")).toEqual([]);
  });
});

describe("that they contradict each other is told once, and calls nobody", () => {
  const contrary = (story: Night): string[] =>
    linesOf(night({ site: unlatched, ...story }), "same-leak-1", "leak-disagreement");
  test.each<[name: string, story: Night, expected: readonly string[]]>([
    [
      "after five minutes, until five minutes after they agree",
      { seconds: 1400, leak: [[10, 1000]], bms: [[600, 1000]] },
      ["310 raise low", "900 clear low"],
    ],
    ["not for less", { seconds: 700, leak: [[10, 308]] }, []],
    ["one that is not heard contradicts nobody", { seconds: 900, leak: [[10, 800]], silent: { bms: [[0, 900]] } }, []],
    [
      "nor does one that is silenced",
      { seconds: 900, leak: [[10, 800]], deeds: [[6, "out_of_service", "bms/water-east"]] },
      [],
    ],
    [
      "it is over when one of them is not heard any more",
      { seconds: 1000, leak: [[10, 1000]], deeds: [[500, "shelve", "bms/water-east"]] },
      ["310 raise low", "800 clear low"],
    ],
    [
      "a short silence of one, and a restart, end nothing",
      { seconds: 1000, leak: [[10, 1000]], silent: { bms: [[400, 500]] }, restarts: [600] },
      ["310 raise low"],
    ],
  ])("%s", (_, story, expected) => expect(contrary(story)).toEqual(expected));
});

describe("whatever they say, and whoever is silenced", () => {
  const second = fc.integer({ min: 1, max: 150 }).map((n) => n * 2);
  const spans = fc.array(
    fc.tuple(second, second).map(([from, length]) => [from, from + length] as const),
    { maxLength: 3 },
  );
  const deed = fc.tuple(
    second,
    fc.constantFrom("shelve", "maintenance", "out_of_service", "unshelve", "in_service", "ack", "reset" as const),
    fc.constantFrom("leak-1/leak", "bms/water-east", "same-leak-1/leak"),
    fc.integer({ min: 10, max: 100 }),
  );
  const story = fc.record({ leak: spans, bms: spans, quiet: spans, deeds: fc.array(deed, { maxLength: 8 }) });
  const witnesses = ["hall/leak-1/status/leak#0", "hall/bms/water-east/water-east"];
  const sites = { unlatched, latched: leakSite() };

  test.each(Object.entries(sites))("%s: one incident alone calls, and does while a voice says so", (_, site) => {
    fc.assert(
      fc.property(story, fc.array(second, { maxLength: 2 }), ({ quiet, ...one }, restarts) => {
        const isHeard = ({ shelf, maintenance, outOfService }: Condition): boolean =>
          [shelf, maintenance, outOfService].every((silence) => silence === null);
        night({
          ...one,
          site,
          seconds: 320,
          silent: { bms: quiet },
          restarts,
          each(state) {
            const of = (key: string): Condition => {
              const { index, place } = site.model.conditions.get(key)!;
              return state.rule(index).conditions[place]!;
            };
            const calling = [...site.model.conditions].flatMap(([key, { index, place }]) => {
              const { levels } = site.model.rules[index]!.conditions[place]!;
              const { open } = of(key);
              return open?.active && calls(of(key), levelOf(levels, open), open) ? [key] : [];
            });
            const fact = of("hall/same-leak-1/-/leak");
            const saysSo = witnesses.map(of).some((witness) => witness.open?.active === true && isHeard(witness));
            expect(fact.open?.active ?? false).toBe(saysSo);
            expect(calling).toEqual(saysSo && isHeard(fact) ? ["hall/same-leak-1/-/leak"] : []);
          },
        });
      }),
      { numRuns: 40 },
    );
  });

  test("a restart at any point changes nothing that is told of the fact", () => {
    fc.assert(
      fc.property(story, second, ({ quiet, ...one }, when) => {
        const told = (restarts: readonly number[]): string[] =>
          linesOf(night({ ...one, seconds: 320, silent: { bms: quiet }, restarts }), "same-leak-1", "leak");
        expect(told([when])).toEqual(told([]));
      }),
      { numRuns: 30 },
    );
  });
});

import { describe, expect, test } from "vitest";
import type { Command } from "../../../agent/core/command.ts";
import { meantBy } from "../../../agent/pipeline/deeds.ts";
import { leakSite, type Night, night } from "../../scenarios/leak.ts";

describe("what the shift reads", () => {
  const raiseText = (language: "en" | "de", story: Night, rule = "leak"): string => {
    const { records } = night({ site: leakSite({ language }), ...story });
    return (
      records.findLast(({ conditionKey, kind }) => conditionKey === `hall/same-leak-1/-/${rule}` && kind !== "clear")
        ?.text ?? ""
    );
  };
  const alone: Night = { seconds: 400, leak: [[10, 401]] };
  test.each<["en" | "de", Night, string, string?]>([
    [
      "en",
      alone,
      "Hall 1 leak-1 water detected since 02:00; leak-1 says so, BMS does not. Look under the floor where its display says, close the valve.",
    ],
    [
      "de",
      alone,
      "Hall 1 leak-1 Wasser erkannt seit 02:00; leak-1 meldet es, BMS nicht. Unter dem Boden nachsehen, Ort am Display; Ventil schließen.",
    ],
    [
      "en",
      { ...alone, bms: [[20, 401]] },
      "Hall 1 leak-1 water detected since 02:00; leak-1 and BMS say so. Look under the floor where its display says, close the valve.",
    ],
    [
      "de",
      { ...alone, bms: [[20, 401]] },
      "Hall 1 leak-1 Wasser erkannt seit 02:00; leak-1 und BMS melden es. Unter dem Boden nachsehen, Ort am Display; Ventil schließen.",
    ],
    [
      "en",
      { ...alone, silent: { bms: [[0, 401]] } },
      "Hall 1 leak-1 water detected since 02:00; leak-1 says so, BMS unknown. Look under the floor where its display says, close the valve.",
    ],
    [
      "en",
      alone,
      "Hall 1 leak-1 witnesses disagree since 02:00; leak-1 says so, BMS does not. Find out which of them is wrong.",
      "leak-disagreement",
    ],
    [
      "de",
      alone,
      "Hall 1 leak-1 Meldungen widersprechen sich seit 02:00; leak-1 meldet es, BMS nicht. Prüfen, welche falsch ist.",
      "leak-disagreement",
    ],
  ])("%s: %#", (language, story, expected, rule) => {
    expect(raiseText(language, story, rule)).toBe(expected);
    expect(expected.length).toBeLessThanOrEqual(140);
  });

  test("names as long as they get leave room for what is wrong and what to do", () => {
    const site = leakSite({
      names: ["Leak detection cable east of the cold aisle", "Building management system north"],
    });
    const texts = night({ ...alone, site, bms: [[20, 60]] }).records.flatMap(({ conditionKey, text }) =>
      conditionKey.endsWith("/-/leak") ? [text] : [],
    );
    expect(texts.length).toBeGreaterThan(2);
    for (const text of texts) {
      expect(text.length).toBeLessThanOrEqual(140);
      expect(text).toMatch(/; (2 of 2 say|1 of 2 says) so\.$/);
    }
  });

  test("all of it is one story", () => {
    const { records } = night({
      seconds: 60,
      leak: [[10, 40]],
      bms: [[20, 30]],
      deeds: [
        [50, "ack", "leak-1"],
        [52, "reset", "leak-1"],
      ],
    });
    expect(new Set(records.map(({ correlationId }) => correlationId)).size).toBe(1);
    expect(
      records
        .map(({ point, role = "-", suppressed }) => `${point.device} ${role} ${suppressed}`)
        .filter((one, i, all) => all.indexOf(one) === i),
    ).toEqual(["leak-1 witness true", "same-leak-1 - false", "bms witness true"]);
  });
});

describe("who attends to a witness attends to the one incident", () => {
  const fact = "hall/same-leak-1/-/leak";
  const witness = "hall/leak-1/status/leak#0";
  const site = leakSite();
  const { records } = night({ site, seconds: 30, leak: [[10, 31]] });
  const open = records.filter((one) => one.open);
  const left = open.filter((one) => one.conditionKey === witness).map((one) => ({ ...one, active: false }));
  const keysOf = (name: Command["name"], target: string, all = open): string[] => {
    const meant = meantBy(site, all, { name, target, by: { user: "a", role: "technician" }, reason: "", forMs: 1000 });
    return Array.isArray(meant) ? meant.map(({ key }) => key) : [];
  };

  test.each<[Command["name"], string, readonly string[]]>([
    ["ack", "leak-1", [fact]],
    ["unack", "bms/water-east", [fact]],
    ["reset", witness, [fact]],
    ["ack", open[0]!.incidentId, [fact]],
    ["ack", "same-leak-1/leak", [fact]],
    ["ack", "room=Hall*", [fact]],
    ["shelve", "leak-1/leak", [witness]],
    ["maintenance", "bms/water-east", ["hall/bms/water-east/water-east"]],
    ["out_of_service", "same-leak-1/leak", [fact]],
  ])("%s %s", (name, target, keys) => expect(keysOf(name, target)).toEqual(keys));

  test("but what waits since before it was a witness can be closed", () =>
    expect(keysOf("reset", "leak-1/leak", left)).toEqual([witness]));
});

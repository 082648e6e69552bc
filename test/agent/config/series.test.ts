import { describe, expect, test } from "vitest";
import { entriesOf, lengthOf, series } from "../../../agent/config/series.ts";

const none = null;

describe("a series is what it says, entry by entry", () => {
  test.each<[written: string | number, entries: (number | "bad" | null)[]]>([
    ["28 bad _ -3.5 1e3", [28, "bad", none, -3.5, 1000]],
    ["28*3", [28, 28, 28]],
    ["bad*2 _*2", ["bad", "bad", none, none]],
    ["20+0.5*4", [20, 20.5, 21, 21.5]],
    ["30-1*3 -1-1*2", [30, 29, 28, -1, -2]],
    ["20+0.1*4", [20, 20.1, 20.2, 20.3]],
    ["1e-3*2", [0.001, 0.001]],
    ["  3\n 4\t5 ", [3, 4, 5]],
    [5, [5]],
  ])("%s", (written, entries) => {
    const read = series.parse(written);
    expect([...entriesOf(read)]).toEqual(entries);
    expect(lengthOf(read)).toBe(entries.length);
  });
});

describe("what is none says which entry, and what was expected", () => {
  test.each<[written: unknown, message: RegExp]>([
    ["", /^no entry; expected some/],
    ["28 cold", /^entry 2, "cold": expected a number, bad or _/],
    ["28, 29", /^entry 1, "28,": .*with blanks between entries only/],
    ["28 * 3", /^entry 2, "\*": .*with blanks between entries only/],
    ["28x3", /^entry 1, "28x3": x is promtool's .*; expected 28\*3 for exactly 3$/],
    ["20+1x3", /expected 20\+1\*3 for exactly 3$/],
    ["20+1", /^entry 1, "20\+1": steps how often\? expected a count, such as 20\+1\*10$/],
    ["bad+1*3", /expected a number, bad or _/],
    ["BAD", /expected a number, bad or _/],
    ["28*0", /expected at least 1 entry/],
    ["28*1.5", /expected a number, bad or _/],
    ["28*100001", /expected at most 100000 entries/],
    ["28*99999999999999999999", /expected at most 100000 entries/],
    ["1e999", /not so large/],
    [[1, 2], /^expected entries such as/],
    [true, /^expected entries such as/],
  ])("%j", (written, message) => {
    const messages = series.safeParse(written).error?.issues.map((issue) => issue.message);
    expect(messages).toEqual([expect.stringMatching(message)]);
  });
});

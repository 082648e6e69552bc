import { describe, expect, test } from "vitest";
import { clockTime, number, tell, tellCleared, textMax, timeOfDay, unitSign } from "../../../agent/core/text.ts";

const telling = {
  language: "en" as const,
  where: "Hall 2 rack F12",
  what: "inlet",
  said: "33.4 °C (limit 32)",
  aside: "",
  since: "03:02",
  news: "",
  cause: "CRAC-4 tripped",
  action: "Check CRAC-4.",
  consequence: "",
};

describe("text", () => {
  test("says where, what, value and limit, since when, cause, first action", () => {
    expect(tell(telling)).toBe("Hall 2 rack F12 inlet 33.4 °C (limit 32) since 03:02; CRAC-4 tripped. Check CRAC-4.");
  });

  test("says what happens if nobody comes, where there is room for it", () => {
    const grave = { ...telling, consequence: "servers throttle" };
    expect(tell(grave)).toBe(
      "Hall 2 rack F12 inlet 33.4 °C (limit 32) since 03:02; CRAC-4 tripped. Check CRAC-4. Else: servers throttle.",
    );
    expect(tell({ ...grave, consequence: "x".repeat(60) })).toBe(tell(telling));
  });

  test("leaves out what nobody said", () => {
    expect(tell({ ...telling, what: "", cause: "", action: "" })).toBe(
      "Hall 2 rack F12 33.4 °C (limit 32) since 03:02.",
    );
  });

  test.each([
    [
      "the cause goes first",
      { cause: "x".repeat(100) },
      "Hall 2 rack F12 inlet 33.4 °C (limit 32) since 03:02. Check CRAC-4.",
    ],
    [
      "then the action",
      { cause: "x".repeat(100), action: "y".repeat(100) },
      "Hall 2 rack F12 inlet 33.4 °C (limit 32) since 03:02.",
    ],
  ])("when it gets too long, %s", (_, longer, expected) => {
    expect(tell({ ...telling, ...longer })).toBe(expected);
  });

  test("is never longer than allowed, and shows that it was cut", () => {
    const text = tell({ ...telling, where: "w".repeat(200) });
    expect(text.length).toBe(textMax);
    expect(text.endsWith("…")).toBe(true);
    const over = { ...telling, where: "w".repeat(200), now: "26 °C", lasted: "5 min" };
    expect(tellCleared(over).length).toBe(textMax);
  });

  test.each([
    [33.44, "33.4"],
    [231.4, "231"],
    [0.051, "0.05"],
    [-3, "-3"],
    [0, "0"],
  ])("%d is written %s", (value, written) => expect(number(value)).toBe(written));

  test("knows how people write units", () => expect(["Cel", "1", "kW"].map(unitSign)).toEqual(["°C", "", "kW"]));

  test("tells the time of the site, summer and winter", () => {
    expect(timeOfDay(Date.UTC(2026, 6, 1, 1, 2), "Europe/Berlin")).toBe("03:02");
    expect(timeOfDay(Date.UTC(2026, 0, 1, 1, 2), "Europe/Berlin")).toBe("02:02");
  });

  test("tells the day too, where it is not the site's today", () => {
    const now = Date.UTC(2026, 0, 1, 23, 30);
    expect(clockTime(now + 5000, now, "UTC")).toBe("23:30:05");
    expect(clockTime(now + 3_600_000, now, "UTC")).toBe("2026-01-02 00:30:00");
    expect(clockTime(now + 3_600_000, now, "Europe/Berlin")).toBe("01:30:00");
    expect(clockTime(now - 3_600_000, now, "Europe/Berlin")).toBe("2026-01-01 23:30:00");
  });
});

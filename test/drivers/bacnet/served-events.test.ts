import { describe, expect, test } from "vitest";
import { device, type Held } from "./device.ts";

/** What a simulated device tells of its own alarms. */

const value = (instance: number, property = "present-value") => ({ object: "analog-value", instance, property });
const inAlarm = (instance: number, state: number): Held => [
  [value(instance), 1],
  [value(instance, "event-state"), state],
];
const information = "0005 01 1d";
/** An event without a time. */
const summary = (object: string, state: string, acknowledged: string) =>
  `0c${object} 19${state} 2a05${acknowledged} 3e ${"2e a4ffffffff b4ffffffff 2f".repeat(3)} 3f 4900 5a05e0 6e 2164 2164 21c8 6f`.replaceAll(
    " ",
    "",
  );

test.each<[what: string, held: Held, events: string]>([
  ["nothing while all is normal", [...inAlarm(1, 0), [value(2), 1]], ""],
  [
    "each object that is not, by its number",
    [...inAlarm(7, 3), ...inAlarm(1, 0), ...inAlarm(2, 1)],
    summary("00800002", "01", "a0") + summary("00800007", "03", "60"),
  ],
  [
    "as many as a point counts",
    [...inAlarm(7, 2), [{ events: "active" }, 2], [{ events: "unacknowledged" }, 1]],
    summary("00800007", "02", "60") + summary("02400001", "02", "e0"),
  ],
  [
    "those that are normal again, but not acknowledged",
    [
      [value(1), 1],
      [{ events: "unacknowledged" }, 1],
    ],
    summary("02400001", "00", "60"),
  ],
  ["none, where a point counts none", [[{ events: "active" }, 0]], ""],
])("GetEventInformation tells %s", (_, held, events) => {
  expect(device(held).ask(information)).toBe(`30011d0e${events}0f1900`);
});

test("GetAlarmSummary tells those that are not normal now", () => {
  const { ask } = device([...inAlarm(7, 3), ...inAlarm(2, 1), [{ events: "unacknowledged" }, 3]]);
  expect(ask("0005 01 03")).toBe(
    `300103${"c4008000029101 8205a0".replace(" ", "")}${"c4008000079103 820560".replace(" ", "")}`,
  );
});

test("events that do not fit into one answer come page by page, each once", () => {
  const { ask } = device(Array.from({ length: 30 }, (_, i) => inAlarm(i + 1, 2)).flat());
  const objects: string[] = [];
  for (let pages = 0, more = true; more && pages < 30; pages++) {
    const last = objects.at(-1);
    const answer = ask(`0003 01 1d ${last ? `0c${last}` : ""}`); // up to 480 octets
    expect(answer.length / 2).toBeLessThanOrEqual(480);
    const found = [...answer.matchAll(/0c(008000..)19/g)].map(([, object]) => object!);
    expect(found.length).toBeGreaterThan(1);
    objects.push(...found);
    more = answer.endsWith("1901");
  }
  expect(objects).toEqual(Array.from({ length: 30 }, (_, i) => (0x00800001 + i).toString(16).padStart(8, "0")));
});

test("what fits into no answer is refused, and what counts events can be missing", () => {
  expect(device(inAlarm(1, 2)).ask("0000 01 1d")).toBe("710104");
  expect(device([[{ events: "active" }, null]]).ask(information)).toBe("600109");
});

describe("announced", () => {
  const trap = { object: "binary-input", instance: 3 };
  const contact = { object: "binary-input", instance: 3 };
  // 2026-01-01, a Thursday, 00:00:00 UTC.
  const at = "3e 2e a47e010104 b400000000 2f 3f";
  const notification = (from: string, to: string, priority: string, words: string, values: string) => {
    const text = Buffer.from(words).toString("hex");
    const length = (text.length / 2 + 1).toString(16).padStart(2, "0");
    const ids = "0901 1c02000004 2c00c00003".replace("0901", "0900");
    return `${ids} ${at} 4901 59${priority} 6901 7d${length}00${text} 8900 9901 a9${from} b9${to} ce 1e ${values} 1f cf`.replaceAll(
      " ",
      "",
    );
  };
  const recipient = { address: "127.0.0.1", port: 6000 };
  const raised = notification("00", "02", "64", "point 0: alarm", "0e 1901 0f 1a0480");
  const cleared = notification("02", "00", "c8", "point 0: normal", "0e 1900 0f 1a0400");

  test("an object is in alarm while it is not as it was at the start, and its device tells so everywhere", () => {
    const { simulated, news, said, set, ask } = device([[contact, 0]], { instance: 4 });
    set(0, 1);
    simulated.announce(trap, recipient);
    expect(said.map(({ to }) => to.port)).toEqual([6000]);
    expect(news()).toEqual([`1003${raised}`]);
    expect(ask("0005 01 1d")).toContain("0c00c00003");
    expect(ask("0005 01 0c 0c00c00003 196f")).toContain("820480");
    news();
    set(0, 0);
    simulated.announce(trap, recipient);
    expect(news()).toEqual([`1003${cleared}`]);
    expect(ask("0005 01 1d")).toBe("30011d0e0f1900");
  });

  test("to whoever confirms it is repeated until it is confirmed", async () => {
    const { simulated, news, set, env } = device([[contact, 0]], { instance: 4 });
    set(0, 1);
    simulated.announce(trap, { ...recipient, isConfirming: true });
    await env.advance(3000);
    expect(news()).toEqual([`00050002${raised}`, `00050002${raised}`]);
    simulated.hear(Buffer.from("200002", "hex"), { ...recipient, station: null }, false);
    await env.advance(60_000);
    expect(news()).toEqual([]);
  });

  /** What stands between the brackets of its event type. */
  test.each<[what: string, held: Held, change: readonly [nth: number, value: number], values: RegExp]>([
    ["a state by its number", [[{ object: "multi-state-input", instance: 3 }, 1]], [0, 3], /ce1e0eb9030f1a04801fcf$/],
    [
      "a number above its limit",
      [
        [{ object: "analog-input", instance: 3 }, 20],
        [{ object: "analog-input", instance: 3, property: "high-limit" }, 30],
      ],
      [0, 31],
      /a900b903ce5e0c41f800001a04802c000000003c41f000005fcf$/,
    ],
    ["a number below", [[{ object: "analog-input", instance: 3 }, 20]], [0, 10], /a900b904ce5e/],
    ["a whole number", [[{ object: "integer-value", instance: 3 }, 20]], [0, 21], /cefe0f09151a048029003915ff0fcf$/],
    ["a count", [[{ object: "accumulator", instance: 3 }, 20]], [0, 21], /a900b902cebe09151a04802915bfcf$/],
    [
      "a fault",
      [
        [contact, 0],
        [{ ...contact, property: "reliability" }, 0],
        [{ ...contact, property: "event-state" }, 0],
      ],
      [2, 1],
      /a900b901cefe1309001a04802e2fff13cf$/,
    ],
  ])("%s", (_, held, [nth, now], values) => {
    const { simulated, news, set } = device(held, { instance: 4 });
    set(nth, now);
    const { object } = held[0]![0] as { object: string };
    simulated.announce({ object, instance: 3 }, recipient);
    expect(news()[0]).toMatch(values);
  });
});

import { describe, expect, test } from "vitest";
import { asker, device, type Held } from "./device.ts";

/** Subscriptions to changes of value, on a clock that stands still unless it is moved. */

const point = { object: "analog-input", instance: 10 };
const object = "1c0000000a"; // its identifier, as SubscribeCOV has it
const acknowledged = "200f05";
/** From device 4, to process 18. */
const notified = (leftS: string, real: string, flags = "00") =>
  `0912 1c02000004 2c0000000a ${leftS} 4e 0955 2e 44${real} 2f 096f 2e 8204${flags} 2f 4f`.replaceAll(" ", "");
const of65 = "42820000";
const of70 = "428c0000";

function subscribed(parameters = "2900 393c", held: Held = [[point, 65]]) {
  const one = device(held, { instance: 4 });
  expect(one.ask(`0002 0f 05 0912 ${object} ${parameters}`)).toBe(acknowledged);
  one.news();
  return one;
}

test("annex F.1: a subscription without confirmation is told at once, and of each change, with the time that is left", async () => {
  const { env, news, set } = subscribed("2900 393c");
  await env.advance(0);
  expect(news()).toEqual([`1002${notified("393c", of65)}`]);
  await env.advance(20_000);
  expect(news()).toEqual([]);
  set(0, 70);
  await env.advance(100);
  expect(news()).toEqual([`1002${notified("3928", of70)}`]);
  await env.advance(1000);
  expect(news()).toEqual([]);
});

test("annex F.1: one with confirmation is told by a confirmed request, and the next change after its acknowledgement", async () => {
  const { env, news, set, simulated, ask } = subscribed("2901 3900");
  await env.advance(0);
  expect(news()).toEqual([`00050001${notified("3900", of65)}`]);
  set(0, 70);
  await env.advance(1000);
  expect(news()).toEqual([]);
  // Of another, or to another: not an answer.
  simulated.hear(Buffer.from("200001", "hex"), { ...asker, port: 5001 }, false);
  ask("200101");
  await env.advance(1000);
  expect(news()).toEqual([]);
  ask("200001");
  await env.advance(100);
  expect(news()).toEqual([`00050101${notified("3900", of70)}`]);
});

test.each([
  ["acknowledged", "200001"],
  ["refused by an Error", "50000191059134"],
  ["rejected", "600009"],
  ["aborted", "710000"],
])("a confirmed notification that is %s is not repeated", async (_, answer) => {
  const { env, news, ask } = subscribed("2901 3900");
  await env.advance(0);
  news();
  ask(answer);
  await env.advance(60_000);
  expect(news()).toEqual([]);
});

test("a confirmed notification is repeated each 3 s, three times, then given up; the next change is told", async () => {
  const { env, news, set } = subscribed("2901 3900");
  await env.advance(2999);
  expect(news()).toHaveLength(1);
  const repeated = `00050001${notified("3900", of65)}`;
  for (let again = 0; again < 3; again++) {
    await env.advance(3000);
    expect(news()).toEqual([repeated]);
  }
  await env.advance(60_000);
  expect(news()).toEqual([]);
  set(0, 70);
  await env.advance(100);
  expect(news()).toEqual([`00050101${notified("3900", of70)}`]);
});

test("a boot forgets what is not acknowledged yet", async () => {
  const { env, news, simulated } = subscribed("2901 3900");
  await env.advance(0);
  simulated.misbehave("reboot");
  simulated.misbehave("none");
  news();
  await env.advance(60_000);
  expect(news()).toEqual([]);
});

test("a change of status-flags is told, too", async () => {
  const { env, news, set } = subscribed("2900 3900", [
    [point, 65],
    [{ ...point, property: "reliability" }, 0],
  ]);
  await env.advance(0);
  news();
  set(1, 7);
  await env.advance(100);
  expect(news()).toEqual([`1002${notified("3900", of65, "40")}`]);
});

test("what changes by less than the object's cov-increment is not told", async () => {
  const { env, news, set } = subscribed("2900 3900", [
    [point, 65],
    [{ ...point, property: 22 }, 5],
  ]);
  await env.advance(0);
  news();
  set(0, 69.9);
  await env.advance(100);
  expect(news()).toEqual([]);
  set(0, 70);
  await env.advance(100);
  expect(news()).toHaveLength(1);
});

describe("a subscription ends", () => {
  test.each<[how: string, end: (one: ReturnType<typeof subscribed>) => unknown, isOver: boolean]>([
    ["when its lifetime is over", ({ env }) => env.advance(60_000), true],
    ["not before", ({ env }) => env.advance(59_000), false],
    ["cancelled", ({ ask }) => ask(`0002 0f 05 0912 ${object}`), true],
    ["not by what another process cancels", ({ ask }) => ask(`0002 0f 05 0913 ${object}`), false],
    ["not by what another peer cancels", ({ ask }) => ask(`0002 0f 05 0912 ${object}`, { ...asker, port: 1 }), false],
    ["not where it is renewed", renewed, false],
    ["by a boot", ({ simulated }) => simulated.misbehave("reboot"), true],
  ])("%s", async (_, end, isOver) => {
    const one = subscribed("2900 393c");
    await one.env.advance(0);
    await end(one);
    one.news();
    one.set(0, 70);
    await one.env.advance(100);
    expect(one.news()).toHaveLength(isOver ? 0 : 1);
  });

  async function renewed({ env, ask }: ReturnType<typeof subscribed>): Promise<void> {
    await env.advance(30_000);
    expect(ask(`0002 0f 05 0912 ${object} 2900 393c`)).toBe(acknowledged);
    await env.advance(50_000);
  }
});

test("a renewal is told at once again, with what is left anew", async () => {
  const { env, news, ask } = subscribed("2900 393c");
  await env.advance(30_000);
  news();
  ask(`0002 0f 05 0912 ${object} 2900 3978`);
  await env.advance(0);
  expect(news()).toEqual([acknowledged, `1002${notified("3978", of65)}`]);
});

test.each([
  ["an object that it has not", "1c00000009", "50070591019" + "11f"],
  ["an accumulator", "1c05c00001", "500705" + "9101" + "912d"], // optional-functionality-not-supported
  ["the device", "1c02000004", "500705" + "9101" + "912d"],
])("%s is not subscribed to", (_, asked, error) => {
  const { ask } = device([[{ object: "accumulator", instance: 1 }, 1]], { instance: 4 });
  expect(ask(`0002 07 05 0912 ${asked} 2900 393c`)).toBe(error);
});

test("there is room for a thousand", () => {
  const { ask } = device([[point, 65]], { instance: 4 });
  const subscribe = (process: number) =>
    ask(`0002 0f 05 0a${process.toString(16).padStart(4, "0")} ${object} 2900 3900`);
  const answers = Array.from({ length: 1001 }, (_, process) => subscribe(process));
  expect(new Set(answers.slice(0, 1000))).toEqual(new Set([acknowledged]));
  expect(answers.at(-1)).toBe("500f0591039113"); // resources: no-space-to-add-list-element
  expect(subscribe(7)).toBe(acknowledged);
});

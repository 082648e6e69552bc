import { describe, expect, test } from "vitest";
import { device, type Held } from "./device.ts";

/** What a simulated device does wrong, in octets. */

const point = { object: "analog-input", instance: 1 };
const long: Held = Array.from({ length: 20 }, (_, i) => [{ ...point, instance: i + 1 }, 1]);
const readOne = "0005 07 0c 0c00000001 1955";
const readMany = "0005 07 0e 0c00000001 1e 0955 1f";
/** All of an object: more than 128 octets. */
const readAll = "0005 07 0e 0c00000001 1e 0908 1f 0c00000002 1e 0908 1f";
const subscribe = "0005 07 05 0901 1c00000001 2900 393c";
const whoIs = "1008";
const right = "30070c0c0000000119553e443f8000003f";
const iAm = (apduMax: string) => `1000c40200000122${apduMax}91032100`;

test.each<[fault: string, request: string, said: string | RegExp]>([
  ["none", readOne, right],
  ["silent", readOne, ""],
  ["silent", whoIs, ""],
  ["rubbish", readOne, "50070c95"],
  ["error", readOne, "50070c91009119"],
  ["wrong-invoke-id", readOne, `3087${right.slice(4)}`],
  ["wrong-peer", readOne, right],
  ["abort", readOne, right],
  ["abort", readAll, "710704"],
  ["abort", whoIs, iAm("05c4")],
  ["small-apdu", readOne, right],
  ["small-apdu", readAll, "710704"],
  ["small-apdu", whoIs, "1000c402000001218091032100"],
  ["small-apdu", "0005 07 0c 0c02000001 193e", "30070c0c02000001193e3e21803f"],
  ["small-apdu", `0005 07 0e 0c00000001 1e ${"0955".repeat(60)} 1f`, "71070b"], // apdu-too-long
  ["no-rpm", readMany, "600709"],
  ["no-rpm", readOne, right],
  ["no-rpm", "0005 07 0c 0c02000001 1961", "30070c0c0200000119613e85070714080000610 03f"],
  ["no-cov", subscribe, "600709"],
  ["no-cov", "0005 07 0c 0c02000001 1961", "30070c0c0200000119613e850707100a0000610 03f"],
  ["segmented", readOne, `3c0700010c${right.slice(6)}`],
  ["segmented", "0005 07 63", "600709"],
  ["malformed", readOne, "50010c95 50070c95"],
  ["reboot", readOne, right],
])("%s: %s", (fault, request, said) => {
  const { simulated, ask, news } = device(long);
  simulated.misbehave(fault);
  news();
  expect(ask(request)).toBe(
    typeof said === "string" && said.startsWith("5001") ? said : String(said).replaceAll(" ", ""),
  );
  simulated.misbehave("none");
  news();
  expect(ask(readOne)).toBe(right);
});

test("wrong-peer answers from another port", () => {
  const { simulated, ask, said } = device(long);
  ask(readOne);
  simulated.misbehave("wrong-peer");
  ask(readOne);
  expect(said.map(({ isStrange }) => isStrange)).toEqual([false, true]);
});

test("slow answers after 3 s, unless it is closed", async () => {
  const { simulated, ask, news, env } = device(long);
  simulated.misbehave("slow");
  expect(ask(readOne)).toBe("");
  await env.advance(2999);
  expect(news()).toEqual([]);
  await env.advance(1);
  expect(news()).toEqual([right]);
  ask(readOne);
  simulated.close();
  await env.advance(10_000);
  expect(news()).toEqual([]);
});

describe("what nobody asked for", () => {
  test("malformed is at once the packet that ends a process, to whoever asked last", () => {
    const { simulated, ask, news } = device(long);
    simulated.misbehave("malformed");
    expect(news()).toEqual([]);
    simulated.misbehave("none");
    ask(readOne);
    news();
    simulated.misbehave("malformed");
    expect(news()).toEqual(["50010c95"]);
  });

  test("reboot says I-Am at once and each 10 s, to all and to whoever asked last, until it is healed", async () => {
    const { simulated, ask, news, broadcasts, env } = device(long);
    ask(readOne);
    news();
    simulated.misbehave("reboot");
    await env.advance(20_000);
    expect(news()).toEqual([iAm("05c4"), iAm("05c4"), iAm("05c4")]);
    expect(broadcasts).toEqual([iAm("05c4"), iAm("05c4"), iAm("05c4")]);
    simulated.misbehave("none");
    await env.advance(60_000);
    expect(broadcasts).toHaveLength(3);
  });

  test("flood is the right answer to another request", () => {
    const { simulated, ask, news } = device(long);
    ask(readOne);
    news();
    simulated.misbehave("flood");
    expect(news()).toEqual([`3087${right.slice(4)}`]);
    expect(simulated.isFlooding).toBe(true);
  });
});

test("a fault of another name is refused, with those there are", () => {
  expect(() => device(long).simulated.misbehave("lazy")).toThrow(
    /no fault "lazy"; expected none, silent, .*wrong-invoke-id, wrong-peer, abort, small-apdu, no-rpm, no-cov, segmented, malformed, reboot/,
  );
});

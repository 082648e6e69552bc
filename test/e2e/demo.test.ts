import { describe, expect, test } from "vitest";
import * as z from "zod";
import { birthMessage, deathMessage, eventMessage, heartbeatMessage } from "../../agent/sinks/mqtt/messages.ts";
import { blindMessage, silencesMessage } from "../../agent/sinks/mqtt/quiet.ts";
import { nameOf, wrongWith } from "../agent/sinks/mqtt/contract.ts";
import { mepwatch } from "../process.ts";

/** What the README's first command does, as its user sees it: three processes that meet over sockets only. */
const received = z.strictObject({
  at: z.iso.datetime(),
  topic: z.string().regex(/^mepwatch\/v1\/demo\/edge-1\//),
  retain: z.boolean(),
  payload: z.unknown(),
});

/** Every line is JSON and every message as the contract says. */
function read(lines: readonly string[]) {
  const messages = lines.map((line) => received.parse(JSON.parse(line)));
  const on = (...suffixes: string[]) => messages.filter(({ topic }) => suffixes.includes(topic.split("/")[4] ?? ""));
  const events = on("event", "backfill").map(({ payload }) => eventMessage.parse(payload));
  const states = on("status").map(({ payload }) => z.union([birthMessage, deathMessage]).parse(payload));
  for (const { payload } of on("heartbeat")) heartbeatMessage.parse(payload);
  const open = new Map(on("active").map(({ topic, payload }) => [topic, payload]));
  for (const payload of open.values()) if (payload !== null) eventMessage.parse(payload);
  for (const { topic, payload } of messages) {
    const name = nameOf(topic, payload);
    if (payload !== null) expect([topic, name && wrongWith(name, payload)]).toEqual([topic, ""]);
  }
  const silences = on("silences").map(({ payload }) => silencesMessage.parse(payload));
  const blind = on("blind").map(({ payload }) => blindMessage.parse(payload));
  return { events, states, silences, blind, heartbeats: on("heartbeat").length, open };
}

describe("mepwatch demo", { concurrent: true }, () => {
  test("tells a story that raises and clears over each protocol", async () => {
    const demo = mepwatch(["demo", "--for", "100", "--json"]);
    expect(await demo.ended).toBe(0);
    expect(demo.stderr).toEqual([]);
    const { events, states } = read(demo.stdout);
    const done = (protocol: string, types: readonly string[]): string[] =>
      events
        .filter(({ data }) => data.point.protocol === protocol && types.includes(data.rule.type))
        .filter(({ data }) => data.kind === "clear")
        .filter(({ data }) =>
          events.some((one) => one.data.kind === "raise" && one.data.incidentId === data.incidentId),
        )
        .map(({ subject }) => subject.replace(/^demo\//, ""));
    expect([...new Set(done("snmp", ["state"]))].sort()).toEqual([
      "ups-a/output-source/on-battery",
      "ups-b/output-source/on-battery",
    ]);
    expect(new Set(done("snmp", ["roc"]))).toEqual(
      new Set(["pdu-b1/inlet-temperature/inlet-rising", "pdu-b2/inlet-temperature/inlet-rising"]),
    );
    expect(done("bacnet", ["state"])).toContain("crac-2/running/stopped");
    expect(done("modbus", ["bits"])).toContain("leak-1/status/leak#0");
    expect(done("modbus", ["level"])).toContain("meter-incomer/voltage-l1/voltage-l1/low");
    expect(new Set(events.map(({ data }) => data.epoch)).size).toBe(1);
    expect(events.map(({ data }) => data.seq)).toEqual(events.map((_, i) => i + 1));
    expect(states.map((state) => (state.online ? "birth" : state.reason))).toEqual(["birth", "shutdown"]);
    // What the agent raised of itself, or of a device that it could not reach, would be a fault of the demo.
    expect(events.filter(({ data }) => ["comm", "stale"].includes(data.rule.type))).toEqual([]);
  });

  test("'calm' raises nothing", async () => {
    const demo = mepwatch(["demo", "--for", "25", "--json", "--story", "calm", "--seed", "7"]);
    expect(await demo.ended).toBe(0);
    const { events, heartbeats, silences, blind, open } = read(demo.stdout);
    expect(events).toEqual([]);
    // Nobody has silenced it, and it sees: all but what is read once a minute.
    expect(silences.map(({ count }) => count)).toEqual([0]);
    expect(blind.at(-1)!.count).toBeLessThan(blind[0]!.pointsExpected / 4);
    expect(new Set(blind.at(-1)!.blind.map(({ why }) => why))).not.toContain("timeout");
    expect(open.size).toBe(0);
    expect(heartbeats).toBeGreaterThan(0);
  });

  test("Ctrl-C ends all of it, the agent with a good-bye", async () => {
    const demo = mepwatch(["demo", "--json", "--story", "calm"]);
    await demo.line(/"online":true/);
    demo.child.kill("SIGINT");
    expect(await demo.ended).toBe(0);
    expect(read(demo.stdout).states.at(-1)).toMatchObject({ online: false, reason: "shutdown" });
  });

  test.each([
    [["--story", "boring"], /expected one of outage, calm/],
    [["--speed", "0"], /expected a number above 0/],
    [["--for", "soon"], /expected a number above 0/],
  ])("%j is refused with what was expected", async (args, message) => {
    const demo = mepwatch(["demo", ...args]);
    expect(await demo.ended).toBe(2);
    expect(demo.stderr.join("\n")).toMatch(message);
  });
});

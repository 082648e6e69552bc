import { EventEmitter } from "node:events";
import type { MqttClient } from "mqtt";
import { expect, test } from "vitest";
import { paceOf } from "../../../../agent/sinks/mqtt/pace.ts";

/** What is written, asked and answered, in this order, and whether there is room after each. */
type Step = readonly [what: "write" | "ping" | "answer", room: boolean];
const steps: readonly { what: string; steps: readonly Step[] }[] = [
  {
    what: "the answer to its own ping makes room",
    steps: [
      ["write", true],
      ["write", false],
      ["answer", true],
    ],
  },
  {
    what: "the answer to an earlier ping does not: what it was asked before was written since",
    steps: [
      ["ping", true],
      ["write", true],
      ["write", false],
      ["answer", false],
      ["answer", true],
    ],
  },
  {
    what: "answers to nothing are no credit",
    steps: [
      ["answer", true],
      ["answer", true],
      ["ping", true],
      ["write", true],
      ["write", false],
      ["answer", false],
      ["answer", true],
    ],
  },
  {
    what: "each time anew",
    steps: [
      ["write", true],
      ["write", false],
      ["answer", true],
      ["write", true],
      ["write", false],
      ["answer", true],
    ],
  },
];

test.each(steps)("$what", ({ steps: all }) => {
  const client = Object.assign(new EventEmitter(), {
    stream: { writableLength: 0 },
    sendPing: () => void client.emit("packetsend", { cmd: "pingreq" }),
  });
  const pace = paceOf(client as unknown as MqttClient);
  const seen = all.map(([what]): Step => {
    if (what === "write") pace.wrote(40 * 1024);
    else if (what === "ping") client.sendPing();
    else client.emit("packetreceive", { cmd: "pingresp" });
    return [what, pace.hasRoom()];
  });
  expect(seen).toEqual(all);
});

test("there is none while other things wait in the agent itself", () => {
  const stream = { writableLength: 64 * 1024 };
  const pace = paceOf(Object.assign(new EventEmitter(), { stream }) as unknown as MqttClient);
  expect(pace.hasRoom()).toBe(false);
  stream.writableLength = 0;
  expect(pace.hasRoom()).toBe(true);
});

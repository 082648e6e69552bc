import { writeSync } from "node:fs";
import { realEnv } from "../../../../agent/env.ts";
import { openMqttSink } from "../../../../agent/sinks/mqtt/index.ts";
import type { Orders } from "../../../../agent/sinks/orders.ts";
import { event, outgoing } from "../event.ts";
import { trusted } from "./orders.ts";
import { hooksOf, optionsTo } from "./sinks.ts";

/**
 * A process of its own, for its memory to be measured: visitor URL [CA], which has an event to tell ten times a second, and whom
 * some may command.
 * Says on stdout what it reports, and "peak N": the most memory it ever had, KiB. Deadlines come 20 times as fast.
 */
const [, , url = "", ca = null] = process.argv;
const say = (line: string): void => void writeSync(1, `${line}\n`);
const real = realEnv({ logLevel: "silent" });
const env: typeof real = {
  ...real,
  // The deadlines of what a busy machine does less so.
  after: (ms, callback) => real.after(ms < 10_000 ? ms / 20 : ms / 5, callback),
  random: () => 0.999,
  report: (code, { why = "" } = {}) => say(`${code}: ${why}`),
};
const memory: Orders["memory"] = {
  ...{ find: () => null, taker: () => null, begin: () => true, end: () => {}, forgottenTo: 0 },
};
const orders: Orders = {
  ...{ memory, synced: () => true, obey: () => ({ status: "ok", detail: "done" }) },
  ...{ refused: () => {}, repeated: () => {} },
};
let bdSeq = 0;
const sink = openMqttSink(optionsTo(url, { ca, keys: trusted }), env, hooksOf({ orders }), () => ++bdSeq);

for (let seq = 1; ; ) {
  if (sink.connected && (await sink.deliver(outgoing(event(seq)))) === "delivered") seq++;
  say(`peak ${process.resourceUsage().maxRSS}`);
  await new Promise<void>((resolve) => real.after(100, resolve));
}

import { connectAsync } from "mqtt";
import type { Env } from "../env.ts";
import { forwarder } from "../pipeline/forwarder.ts";
import type { MqttOptions } from "../sinks/mqtt/brokers.ts";
import { openMqttSink } from "../sinks/mqtt/index.ts";
import { eventMessageOf } from "../sinks/mqtt/messages.ts";
import { openStore } from "../store/store.ts";
import type { Row } from "./bench.ts";
import { eventOf, fill, perSecond } from "./bench-outbox.ts";

const backlog = 30_000;
const rounds = 3;
/** The forwarder's own with a broker that asks for no less. */
const window = 20;
const agent = "bench";
const metric = `drain of ${backlog.toLocaleString("en")} events to mosquitto, events/s; the MQTT library alone`;
const row = { bench: "outbox", metric, unit: "1/s", goal: "≥ 40 %" };

/** @param url of a mosquitto to which somebody has subscribed; null: there is none on this machine */
export async function benchDrain(env: Env, path: string, url: string | null): Promise<Row> {
  if (url === null)
    return { ...row, metric: `${metric}: mosquitto is not installed`, ours: null, baseline: null, ok: false };
  // In turn, the best of each: a machine that does other things, too, slows down one as well as the other.
  let [ours, baseline] = [0, 0];
  for (let i = 0; i < rounds; i++) {
    fill(`${path}-${i}`, backlog, false);
    baseline = Math.max(baseline, perSecond(backlog, await alone(env, url)));
    ours = Math.max(ours, perSecond(backlog, await drained(env, `${path}-${i}`, url)));
  }
  return { ...row, ours, baseline, ok: ours >= 0.4 * baseline };
}

/** Milliseconds from the first to the last acknowledgement. */
async function alone(env: Env, url: string): Promise<number> {
  const payloads = Array.from({ length: backlog }, (_, i) => JSON.stringify(eventMessageOf(agent, eventOf(i + 1), 0)));
  const client = await connectAsync(url, { protocolVersion: 5 });
  const began = env.clock.mono();
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let payload = payloads[next++]; payload !== undefined; payload = payloads[next++]) {
      await client.publishAsync(`mepwatch/v1/fra-1/${agent}/event`, payload, { qos: 1 });
    }
  };
  await Promise.all(Array.from({ length: window }, lane));
  const ms = env.clock.mono() - began;
  await client.endAsync();
  return ms;
}

/** Of an agent of a bench, at a broker that asks nobody who they are. */
export const benchOptions = (url: string, site: string): MqttOptions => ({
  ...{ urls: [url], clientId: "bench", username: null, password: null, ca: null, cert: null, key: null },
  ...{ prefix: "mepwatch", site, agent, agentVersion: "0", centre: null, delivery: "broker" },
});

/** Milliseconds from the birth to the empty outbox. */
async function drained(env: Env, path: string, url: string): Promise<number> {
  const store = openStore(path, env.uuid);
  const { epoch, lastSeq } = store.kept;
  const clock = { synced: null, source: null, offsetMs: null, lastSyncAt: null };
  const facts = {
    epoch,
    firstSeq: 1,
    lastSeq,
    waitingFrom: 1,
    lastPosition: lastSeq,
    activeCount: 0,
    configHash: "",
    clock,
    active: [],
  };
  let began = 0;
  const onConnected = (): void => {
    began = env.clock.mono();
    forward.connected(lastSeq);
  };
  const quiet = { configHash: "", silences: [], modes: [], pointsExpected: 0, blind: [] };
  const hooks = {
    birth: () => facts,
    quiet: () => quiet,
    onConnected,
    onLost: () => {},
    onHeard: () => {},
    onAck: () => {},
  };
  const sink = openMqttSink(benchOptions(url, "fra-1"), env, hooks, store.nextBdSeq);
  const forward = forwarder(env, store.outbox, store.journal, sink, { backfillRate: 0, delivery: "broker" });
  while (store.outbox.depth > 0) await new Promise<void>((resolve) => void env.after(20, resolve));
  const ms = env.clock.mono() - began;
  await sink.close();
  forward.stop();
  store.close();
  return ms;
}

import * as z from "zod";
import { load, siteName } from "../../agent/config/load.ts";
import type { Site } from "../../agent/config/resolved.ts";
import { type Agent, startAgent } from "../../agent/pipeline/agent.ts";
import type { EventRecord } from "../../agent/sinks/record.ts";
import type { Delivery, LostEvents, Sink, SinkHooks } from "../../agent/sinks/sink.ts";
import { type Cycle, openStore, type Store } from "../../agent/store/store.ts";
import { type AnyRequest, type Driver, defineDriver, faults } from "../../drivers/driver.ts";
import type { FakeEnv } from "../env.ts";

/**
 * A world for the whole agent under virtual time: devices, a broker and a disk that do as the test says. Only the
 * outside is fake; everything between a reading and a delivery is what runs in production.
 */
export interface World {
  /** What each point holds now; a device in `silent` does not answer. */
  readonly values: Map<string, number>;
  readonly silent: Set<string>;
  readonly broker: Broker;
  /** "refuses": commits throw and leave nothing. "doubtful": they land, and throw all the same. */
  disk: "well" | "refuses" | "doubtful";
  readonly reads: { readonly at: number; readonly points: readonly string[] }[];
  start(): Agent;
}

export interface Broker {
  up: boolean;
  /** Takes a message but its acknowledgement gets lost. */
  forgetful: boolean;
  readonly received: EventRecord[];
  /** Retained open incidents, by condition key. */
  readonly active: Map<string, EventRecord>;
  births: number;
  readonly gaps: LostEvents[];
}

const answerMs = 20;

export function world(env: FakeEnv, siteYaml: string, path: string): World {
  const values = new Map<string, number>();
  const silent = new Set<string>();
  const reads: World["reads"] = [];
  const broker: Broker = { up: true, forgetful: false, received: [], active: new Map(), births: 0, gaps: [] };
  const driver = fakeDriver(env, values, silent, reads);
  const here: World = {
    values,
    silent,
    broker,
    disk: "well",
    reads,
    start: () => {
      const store = openStore(path, env.uuid, { wall: env.clock.wall, report: env.report });
      const { commit } = store;
      return startAgent({
        env,
        site: siteOf(siteYaml, driver),
        store: Object.assign(store, { commit: (cycle: Cycle) => commitOn(here, commit, cycle) }),
        configRejected: false,
        openSink: (hooks) => fakeSink(env, broker, hooks),
        heartbeatMs: 30_000,
      });
    },
  };
  return here;
}

function commitOn({ disk }: World, commit: Store["commit"], cycle: Cycle): void {
  if (disk === "refuses") throw new Error("disk full");
  commit(cycle);
  if (disk === "doubtful") throw new Error("I/O error");
}

export const profileYaml = `
profile: test/box
describe: A box for tests.
protocol: fake
class: test
interval: 10s
points:
  temp: { address: { name: temp }, unit: Cel }
  door: { address: { name: door }, texts: { "0": closed, "1": open } }
rules:
  hot:
    type: level
    point: temp
    levels: [{ limit: 27, deadband: 1, severity: medium, onDelay: 25s }, { limit: 35, deadband: 1, severity: critical }]
    ackRequired: false
    companions: [door]
    say: { cause: cooling lost, action: Check the CRAC }
  open: { type: state, point: door, normal: [0], map: { "1": high }, ackRequired: false }
  comm: { type: comm, failures: 3 }
  stale: { type: stale, point: temp, after: 60s }
`;

export const siteYaml = (devices: number): string => `
version: 1
site: { id: s }
devices:
${Array.from({ length: devices }, (_, i) => `  - { id: d${i}, name: D${i}, profile: test/box, bus: { protocol: fake, timeout: 1s } }`).join("\n")}
`;

/** The first device is the switch through which the others are reached. */
export const switchedYaml = (devices: number): string => `${siteYaml(devices)}
topology:
  communicates: { d0: [${Array.from({ length: devices - 1 }, (_, i) => `d${i + 1}`).join(", ")}] }
`;

function siteOf(yaml: string, driver: Driver): Site {
  const files: Record<string, string> = { [siteName]: yaml, "profiles/test/box.yaml": profileYaml };
  const { site, problems } = load(
    "site.yaml",
    (name) => files[name] ?? null,
    [driver],
    () => ({ problem: "none" }),
  );
  if (site === null) throw new Error(JSON.stringify(problems));
  return site;
}

function fakeDriver(env: FakeEnv, values: World["values"], silent: World["silent"], reads: World["reads"]): Driver {
  return defineDriver({
    protocol: "fake",
    describe: "For tests.",
    bus: z.strictObject({}),
    device: z.strictObject({}),
    address: z.strictObject({ name: z.string() }),
    plan: (points) => (points.length === 0 ? [] : [{ points }]),
    open: () => ({
      read: (request: AnyRequest, timeoutMs: number) => {
        const device = request.points[0]?.id.split("/")[0] ?? "";
        reads.push({ at: env.clock.mono(), points: request.points.map(({ id }) => id) });
        return new Promise((resolve) => {
          if (silent.has(device)) env.after(timeoutMs, () => resolve(faults(request, "timeout", "no answer")));
          else
            env.after(answerMs, () =>
              resolve(request.points.map(({ id }) => ({ point: id, value: values.get(id) ?? 0 }))),
            );
        });
      },
      close: async () => {},
    }),
  });
}

function fakeSink(env: FakeEnv, broker: Broker, hooks: SinkHooks): Sink {
  let connected = false;
  let closed = false;
  /** Notices every second whether the broker is there. */
  const watch = (): void => {
    if (closed) return;
    if (broker.up && !connected) {
      connected = true;
      broker.births++;
      for (const one of hooks.birth().active) broker.active.set(one.conditionKey, one);
      hooks.onConnected();
    } else if (!broker.up && connected) {
      connected = false;
      hooks.onLost();
    }
    env.after(1000, watch);
  };
  env.after(100, watch);
  return {
    get connected() {
      return connected;
    },
    trouble: null,
    window: 4,
    deliver: (event) =>
      new Promise<Delivery>((resolve) => {
        env.after(5, () => {
          if (!broker.up || closed) return resolve("retry");
          broker.received.push(event);
          if (event.open) broker.active.set(event.conditionKey, event);
          else broker.active.delete(event.conditionKey);
          if (broker.forgetful) env.after(500, () => resolve("retry"));
          else resolve("delivered");
        });
      }),
    async tellGap(gap) {
      if (!broker.up || closed) return "retry";
      broker.gaps.push(gap);
      return "delivered";
    },
    heartbeat: () => {},
    close: async () => {
      closed = true;
    },
  };
}

import * as z from "zod";
import { load, siteName } from "../../agent/config/load.ts";
import type { Site } from "../../agent/config/resolved.ts";
import { type Agent, startAgent } from "../../agent/pipeline/agent.ts";
import { diagOf } from "../../agent/pipeline/diag.ts";
import type { NotifyPlan } from "../../agent/pipeline/notifying.ts";
import { type ResultMessage, resultMessage } from "../../agent/sinks/mqtt/commands.ts";
import { intakeOf } from "../../agent/sinks/mqtt/intake.ts";
import type { Ack, Arrival, Message } from "../../agent/sinks/mqtt/link.ts";
import { topicsOf } from "../../agent/sinks/mqtt/topics.ts";
import type { QuietFacts } from "../../agent/sinks/quiet.ts";
import type { EventRecord } from "../../agent/sinks/record.ts";
import type {
  BirthFacts,
  Delivery,
  DiagFacts,
  LostEvents,
  Sink,
  SinkHooks,
  TelemetryBatch,
} from "../../agent/sinks/sink.ts";
import { auditBeside } from "../../agent/store/audit.ts";
import { historyBeside } from "../../agent/store/history.ts";
import { type Cycle, openStore, type Store } from "../../agent/store/store.ts";
import {
  type AnyRequest,
  type Driver,
  defineDriver,
  defineListening,
  faults,
  type Inquiry,
  type News,
  type Reading,
  type Told,
} from "../../drivers/driver.ts";
import { type Engines, enginesOf } from "../../drivers/snmp/engines.ts";
import { type Ear, earOf } from "../../drivers/snmp/listener.ts";
import type { Bus } from "../../drivers/snmp/schema.ts";
import { trap, trapOptions } from "../../drivers/snmp/trap-schema.ts";
import { trusted } from "../agent/sinks/mqtt/orders.ts";
import type { FakeEnv } from "../env.ts";

/**
 * A world for the whole agent under virtual time: devices, a broker and a disk that do as the test says. Only the
 * outside is fake; everything between a reading and a delivery is what runs in production.
 */
export interface World {
  /** What each point holds now; a device in `silent` does not answer. */
  readonly values: Map<string, number>;
  readonly silent: Set<string>;
  /** What a device tells of itself, by device and part (`d0/serial`); null: asked for that it does not answer. */
  readonly texts: Map<string, string | null>;
  readonly broker: Broker;
  /** "refuses": commits throw and leave nothing. "doubtful": they land, and throw all the same. */
  disk: "well" | "refuses" | "doubtful";
  /** For how long samples are kept. */
  keepMs: number;
  /** How values are sent; null: they are not. */
  telemetry: { everyMs: number; beatMs: number } | null;
  /** What is told past the broker. */
  notify: NotifyPlan | null;
  /** A datagram comes, which nobody asked for; what it was answered. */
  trap(datagram: Buffer, source: string): readonly Buffer[];
  /** The listener's registration is lost, or there again (null). */
  registration(lost: string | null): void;
  /** A device tells changes of values by itself. */
  news(readings: readonly Reading[]): void;
  readonly reads: { readonly at: number; readonly points: readonly string[] }[];
  /** Of the agent that was started last. */
  store: Store | null;
  start(): Agent;
}

export interface Broker {
  up: boolean;
  /** Takes a message but its acknowledgement gets lost. */
  forgetful: boolean;
  readonly received: EventRecord[];
  /** Retained open incidents, by condition key. */
  readonly active: Map<string, EventRecord>;
  /** What each birth said. */
  readonly births: BirthFacts[];
  /** Sequence numbers of those that came as late. */
  readonly late: number[];
  /** What is silenced and not seen, each time that it was told to have changed. */
  readonly quiet: QuietFacts[];
  readonly gaps: LostEvents[];
  readonly diags: DiagFacts[];
  /** What points said, each batch; taken while it is true. */
  readonly telemetry: TelemetryBatch[];
  takesTelemetry: boolean;
  /** The centre says something to the agent; null: it is not connected. */
  send: ((arrival: Arrival) => void) | null;
  /** What the agent has answered. */
  readonly replies: { readonly topic: string; readonly result: ResultMessage }[];
  /** How long a reply takes to be acknowledged, ms. */
  replyMs: number;
}

/** The agent that the centre of the tests commands (test/agent/sinks/mqtt/orders.ts). */
const commanded = { prefix: "mepwatch", site: "s", agent: "a" };

const answerMs = 20;

export function world(env: FakeEnv, siteYaml: string, path: string): World {
  const values = new Map<string, number>();
  const silent = new Set<string>();
  const texts: World["texts"] = new Map();
  const reads: World["reads"] = [];
  const broker: Broker = {
    up: true,
    forgetful: false,
    received: [],
    active: new Map(),
    births: [],
    late: [],
    quiet: [],
    gaps: [],
    diags: [],
    telemetry: [],
    takesTelemetry: true,
    send: null,
    replies: [],
    replyMs: 5,
  };
  const unasked: Unasked = { ears: [], registered: () => {}, news: [] };
  const driver = fakeDriver(env, { values, silent, texts, reads }, unasked);
  const here: World = {
    values,
    silent,
    texts,
    broker,
    disk: "well",
    keepMs: 72 * 3_600_000,
    telemetry: null,
    notify: null,
    reads,
    trap(datagram, source) {
      const replies: Buffer[] = [];
      unasked.ears.at(-1)?.hear(datagram, source, (reply) => replies.push(reply));
      return replies;
    },
    registration: (lost) => unasked.registered(lost),
    news: (readings) => {
      for (const tell of unasked.news) tell(readings);
    },
    store: null,
    start: () => {
      const diag = diagOf(env);
      const { wall } = env.clock;
      const store = openStore(path, env.uuid, { wall, report: diag.env.report, crashSite: env.crashSite });
      const { commit, pin } = store;
      here.store = store;
      return startAgent({
        env: diag.env,
        site: siteOf(siteYaml, driver),
        store: Object.assign(store, {
          commit: (cycle: Cycle) => commitOn(here, commit, cycle),
          pin: pinner(here, pin),
        }),
        configRejected: false,
        history: { path: historyBeside(path), keepMs: here.keepMs, bytesMax: 2 ** 26 },
        openSink: (hooks) => fakeSink(env, broker, hooks),
        notify: here.notify,
        heartbeatMs: 30_000,
        diag,
        forwarding: { backfillRate: 50, delivery: "broker" },
        telemetry: here.telemetry,
        audit: auditBeside(path),
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

const pinner =
  (here: World, pin: Store["pin"]): Store["pin"] =>
  (device, identity) => {
    if (here.disk === "refuses") throw new Error("disk full");
    pin(device, identity);
    if (here.disk === "doubtful") throw new Error("I/O error");
  };

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

/** Devices that tell who they are; `given`: what the site file says of each. */
export const knownSiteYaml = (devices: number, given = "{}", language = "en"): string => `
version: 1
site: { id: s, language: ${language} }
devices:
${Array.from({ length: devices }, (_, i) => `  - { id: d${i}, name: D${i}, profile: test/known, bus: { protocol: fake, timeout: 1s }, address: { name: d${i} }, identity: ${given} }`).join("\n")}
`;

/** The first device is the switch through which the others are reached. */
export const switchedYaml = (devices: number): string => `${siteYaml(devices)}
topology:
  communicates: { d0: [${Array.from({ length: devices - 1 }, (_, i) => `d${i + 1}`).join(", ")}] }
`;

/** The same box, which tells who it is. */
export const knownYaml = profileYaml.replace("test/box", "test/known").replace(
  "points:",
  `identity: { serial: { name: serial }, model: { name: model }, firmware: { name: firmware } }
points:`,
);

export const doorTrap = "1.3.6.1.4.1.99999.0.1";
/** The same box, which says unasked that its door was moved. */
const trappedYaml = `${profileYaml.replace("test/box", "test/trapped")}
traps:
  door: { oid: ${doorTrap}, points: [door] }
  test: { oid: 1.3.6.1.4.1.99999.0.2, points: [] }
`;

/** Device N is at 10.0.0.N. */
export const trappedSiteYaml = (devices: number): string => `
version: 1
site: { id: s }
traps: { communities: [public] }
devices:
${Array.from({ length: devices }, (_, i) => `  - { id: d${i}, name: D${i}, profile: test/trapped, bus: { protocol: fake, timeout: 1s, host: 10.0.0.${i} } }`).join("\n")}
`;

function siteOf(yaml: string, driver: Driver): Site {
  const files: Record<string, string> = {
    [siteName]: yaml,
    "profiles/test/box.yaml": profileYaml,
    "profiles/test/known.yaml": knownYaml,
    "profiles/test/trapped.yaml": trappedYaml,
  };
  const { site, problems } = load(
    "site.yaml",
    (name) => files[name] ?? null,
    [driver],
    () => ({ problem: "none" }),
  );
  if (site === null) throw new Error(JSON.stringify(problems));
  return site;
}

/** Who hears what devices say unasked. */
interface Unasked {
  readonly ears: Ear[];
  registered(lost: string | null): void;
  /** Of each bus. */
  readonly news: News[];
}

function fakeDriver(
  env: FakeEnv,
  { values, silent, texts, reads }: Pick<World, "values" | "silent" | "texts" | "reads">,
  unasked: Unasked,
): Driver {
  const address = z.strictObject({ name: z.string() });
  const after = <T>(device: string, timeoutMs: number, silence: () => T, answer: () => T): Promise<T> =>
    new Promise((resolve) => {
      if (silent.has(device)) env.after(timeoutMs, () => resolve(silence()));
      else env.after(answerMs, () => resolve(answer()));
    });
  return defineDriver({
    protocol: "fake",
    describe: "For tests.",
    bus: z.strictObject({ host: z.string().optional() }),
    device: z.strictObject({ name: z.string().default("") }),
    address,
    part: address,
    plan: (points) => (points.length === 0 ? [] : [{ points }]),
    // The traps are those of SNMP, heard as there; only the socket is not.
    listening: defineListening({
      section: "traps",
      options: trapOptions,
      trap,
      listen(options, env, engines: Engines, hooks) {
        const ear = earOf(options, env, engines, hooks);
        unasked.ears.push(ear);
        unasked.registered = (lost) => hooks.onRegistered?.(lost);
        return { status: () => ({ at: "here", trouble: null, ...ear.status() }), close: async () => {} };
      },
    }),
    share: (env) => enginesOf(env),
    open: (bus, _env, engines, _learnt, news) => ({
      ...place(engines, bus as Bus),
      ...heardBy(unasked, news),
      read(request: AnyRequest, timeoutMs: number) {
        const device = request.points[0]?.id.split("/")[0] ?? "";
        reads.push({ at: env.clock.mono(), points: request.points.map(({ id }) => id) });
        return after<readonly Reading[]>(
          device,
          timeoutMs,
          () => faults(request, "timeout", "no answer"),
          () => request.points.map(({ id }) => ({ point: id, value: values.get(id) ?? 0 })),
        );
      },
      identify({ device, parts }: Inquiry<{ name: string }>, timeoutMs: number) {
        const asked = device.name;
        reads.push({ at: env.clock.mono(), points: [`${asked}/$identity`] });
        const silence = (): Told[] => parts.map(({ name }) => ({ part: name, fault: "timeout", detail: "no answer" }));
        const told = (part: string): Told => {
          const text = texts.get(`${asked}/${part}`);
          if (typeof text === "string") return { part, text };
          const fault = text === undefined ? "no_such_point" : "timeout";
          return { part, fault, detail: "not there" };
        };
        return after(asked, timeoutMs, silence, () => parts.map(({ name }) => told(name)));
      },
      close: async () => {},
    }),
  });
}

function heardBy({ news }: Unasked, tell: News | undefined): object {
  if (tell !== undefined) news.push(tell);
  return {};
}

function place(engines: Engines, bus: Bus): object {
  if (bus.host !== undefined) engines.place(bus, { address: bus.host, port: 161 });
  return {};
}

function fakeSink(env: FakeEnv, broker: Broker, hooks: SinkHooks): Sink {
  let connected = false;
  let closed = false;
  const { orders } = hooks;
  const topics = topicsOf(commanded);
  const intake = orders && intakeOf({ env, topics, ...commanded, keys: trusted }, orders);
  const publish = ({ topic, payload }: Message): Promise<Ack> =>
    new Promise((resolve) => {
      if (broker.up && !closed) broker.replies.push({ topic, result: resultMessage.parse(JSON.parse(payload)) });
      env.after(broker.replyMs, () => resolve({ kind: broker.up ? "acked" : "lost" }));
    });
  broker.send = (arrival) => intake?.take(arrival, { publish, packetMax: 2 ** 20 });
  /** Notices every second whether the broker is there. */
  const watch = (): void => {
    if (closed) return;
    if (broker.up && !connected) {
      connected = true;
      const facts = hooks.birth();
      broker.births.push(facts);
      for (const one of facts.active) broker.active.set(one.conditionKey, one);
      hooks.onConnected(facts);
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
    isHeard: true,
    trouble: null,
    window: 4,
    deliver: ({ event, isLate }) =>
      new Promise<Delivery>((resolve) => {
        env.after(5, () => {
          if (!broker.up || closed) return resolve("retry");
          broker.received.push(event);
          if (isLate) broker.late.push(event.seq);
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
    diag: (one) => connected && broker.diags.push(one) > 0,
    telemetry(batch) {
      if (broker.takesTelemetry) broker.telemetry.push(batch);
      return broker.takesTelemetry;
    },
    snapshot: () => connected,
    quietChanged: () => void broker.quiet.push(hooks.quiet()),
    close: async () => {
      closed = true;
      intake?.stop();
    },
  };
}

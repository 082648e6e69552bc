import { connect, type IClientOptions, type MqttClient } from "mqtt";
import { type Env, within } from "../env.ts";
import type { Secret } from "../secret.ts";
import { backoffMs, stableMs } from "../sinks/mqtt/backoff.ts";
import { protocolChoice } from "../sinks/mqtt/brokers.ts";
import { stateMessage } from "../sinks/mqtt/commands.ts";
import { guardPackets, inboundMax } from "../sinks/mqtt/guard.ts";
import { channels } from "../sinks/mqtt/topics.ts";

/** A consumer's line to the broker: MQTT 5, or 3.1.1 where the broker speaks no other. Lost, it is opened anew. */
export interface ConnectionOptions {
  readonly url: string;
  /** First level of every topic. */
  readonly prefix: string;
  /** Of this consumer: in its client id and, where it is `present`, in STATE/HOST. */
  readonly host: string;
  /** Empty: all. */
  readonly sites: readonly string[];
  /** Shared subscription of the events, MQTT 5 only; null: all of them come here. */
  readonly share: string | null;
  /** Whether it says that a centre is there, and has the broker keep events for it while its line is down, for up to an hour. */
  readonly present: boolean;
  readonly username: string | null;
  readonly password: Secret | null;
  /** PEM text. */
  readonly ca: string | null;
}

export interface ConnectionHooks {
  message(topic: string, payload: Uint8Array, retained: boolean): void;
  /** All topics are subscribed to. */
  up(protocol: 4 | 5): void;
  /** Told once, not each time that it could not be had. */
  down(why: string): void;
}

export interface Connection {
  /** What is published while the line is away is dropped. */
  publish(topic: string, payload: string, how: { qos: 0 | 1; retain: boolean; expiry?: number }): void;
  /** Settles with the reason when there is no point in trying again; never rejects. */
  readonly ended: Promise<string>;
  /** Says good-bye if it can; settles within 2 s. */
  close(): Promise<void>;
}

const connectMs = 10_000;
const sessionSeconds = 3600;
/** As the reason code of MQTT 5 for it: another came under the same name. */
const takenOver = 0x8e;

/** What a regular consumer has acknowledged says nothing of what one that only looks has. */
const heardOn = ["status", "ack", "active/+", "silences", "blind", "heartbeat", "reply/+", "diag"];
/** Those that a group shares. */
const events = ["event", "backfill"];

export function filtersOf(options: ConnectionOptions): string[] {
  const { prefix, sites, share, present } = options;
  const bases = (sites.length === 0 ? ["+"] : sites).map((site) => `${prefix}/v1/${site}/+`);
  const shared = share === null ? "" : `$share/${share}/`;
  return [
    ...(present ? [stateTopic(options)] : []),
    ...heardOn.filter((name) => present || name !== "ack").flatMap((name) => bases.map((base) => `${base}/${name}`)),
    ...events.flatMap((name) => bases.map((base) => `${shared}${base}/${name}`)),
  ];
}

export function openConnection(options: ConnectionOptions, env: Env, hooks: ConnectionHooks): Connection {
  const run = env.uuid().slice(0, 8);
  let client: MqttClient | null = null;
  let isOver = false;
  let cancel = (): void => {};
  const wanted = protocolChoice(env);
  let said: string | null = "";
  let end = (_why: string): void => {};
  const ended = new Promise<string>((resolve) => {
    end = (why) => {
      isOver = true;
      resolve(why);
    };
  });
  const tellDown = (why: string): void => {
    if (said !== why) hooks.down(why);
    said = why;
  };
  const live = (failed: number): void => {
    if (isOver) return;
    const protocol = wanted.protocol();
    if (protocol === 4 && options.share !== null) {
      end("the broker speaks MQTT 3.1.1 only, which has no shared subscriptions: split the sites with --site instead");
      return;
    }
    const began = env.clock.mono();
    client = attempt(options, env, protocol, run, {
      ...hooks,
      up(spoken) {
        said = null;
        hooks.up(spoken);
      },
      closed(why, code) {
        client = null;
        if (isOver) return;
        if (code === takenOver) return end(`another consumer has come as "${options.host}": give each its own --host`);
        if (code !== null && wanted.fallBack(code)) return live(failed);
        tellDown(why);
        const times = env.clock.mono() - began >= stableMs ? 1 : failed + 1;
        cancel = env.after(backoffMs(times, env.random()), () => live(times));
      },
    });
  };
  live(0);
  return {
    ended,
    publish(topic, payload, { expiry, ...how }) {
      if (client === null || !client.connected) return;
      const properties =
        expiry === undefined || client.options.protocolVersion !== 5 ? {} : { messageExpiryInterval: expiry };
      client.publish(topic, payload, { ...how, properties }, () => {}); // lost with the line; the core says it again
    },
    async close() {
      isOver = true;
      cancel();
      const last = client;
      if (last === null) return;
      if (last.connected && options.present) {
        const told = last.publishAsync(stateTopic(options), stateOf(env, false), channels.state.how);
        await within(
          env,
          1000,
          told.then(() => {}),
          () => {},
        ).catch(() => {});
      }
      await within(env, 1000, last.endAsync(false, goodBye(last)), () => {}).catch(() => {});
      last.stream.destroy();
    },
  };
}

/** Nobody comes back to this session. */
const goodBye = ({ options }: MqttClient) =>
  options.protocolVersion === 5 ? { properties: { sessionExpiryInterval: 0 } } : {};

interface AttemptHooks extends ConnectionHooks {
  /** Once. `code`: of MQTT, where the broker gave one. */
  closed(why: string, code: number | null): void;
}

function attempt(
  options: ConnectionOptions,
  env: Env,
  protocol: 4 | 5,
  run: string,
  hooks: AttemptHooks,
): MqttClient | null {
  const session = env.uuid();
  let [why, code]: [string, number | null] = ["the connection was closed, or there was no answer in time", null];
  let client: MqttClient;
  try {
    client = connect(options.url, clientOptions(options, env, protocol, run, session));
  } catch (error) {
    // Not before the caller knows that there is no client.
    env.after(0, () => hooks.closed(wordsOf(error), null));
    return null;
  }
  guardPackets(client, inboundMax, (wrong) => {
    why = wrong;
    client.end(true);
    client.stream.destroy();
  });
  const cancel = env.after(connectMs, () => client.end(true));
  // A listener must stay for good: an error without one would end the process.
  client.on("error", (error: Error & { code?: unknown }) => {
    why = wordsOf(error);
    if (typeof error.code === "number") code = error.code;
  });
  client.on("disconnect", ({ reasonCode }) => {
    code = reasonCode ?? null;
    why = `the broker ended the connection with reason code ${reasonCode ?? 0}`;
  });
  client.once("close", () => {
    cancel();
    client.end(true);
    hooks.closed(why, code);
  });
  client.on("message", (topic, payload, { retain }) => {
    if (topic !== stateTopic(options)) return hooks.message(topic, payload, retain);
    if (retain || !saysAnother(payload, session)) return;
    code = takenOver;
    client.end(); // says good-bye, so that no Will denies the other's presence
  });
  client.once("connect", () => {
    cancel();
    const qos = 1 as const;
    client
      .subscribeAsync(filtersOf(options), { qos })
      .then((granted) => {
        const refused = granted.filter((one) => one.qos >= 128).map(({ topic }) => topic);
        if (refused.length > 0) throw new Error(`the broker does not let us hear ${refused.join(", ")}`);
        if (options.present) client.publish(stateTopic(options), stateOf(env, true, session), channels.state.how);
        hooks.up(protocol);
      })
      .catch((error: unknown) => {
        why = wordsOf(error);
        client.end(true);
      });
  });
  return client;
}

/** Whether another than `session` says that it is there: it began later. */
function saysAnother(payload: Uint8Array, session: string): boolean {
  try {
    const { online, sessionId } = stateMessage.parse(JSON.parse(Buffer.from(payload).toString()));
    return online && sessionId !== session;
  } catch {
    return false; // no presence of a centre
  }
}

function clientOptions(
  options: ConnectionOptions,
  env: Env,
  protocol: 4 | 5,
  run: string,
  session: string,
): IClientOptions {
  const { host, present, share, username, password, ca } = options;
  // In 3.1.1 a session has no end: one that nobody comes back to would be kept for good. In a group the others take over.
  const isKept = present && share === null && protocol === 5;
  const v5 = { sessionExpiryInterval: isKept ? sessionSeconds : 0, receiveMaximum: 100, maximumPacketSize: inboundMax };
  return {
    protocolVersion: protocol,
    clientId: `mepwatch-centre-${host}-${run}`,
    clean: !isKept,
    keepalive: 30,
    connectTimeout: 2 * connectMs, // the deadline is ours
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    ...(protocol === 5 ? { properties: v5 } : {}),
    ...(present
      ? {
          will: {
            topic: stateTopic(options),
            payload: Buffer.from(stateOf(env, false, session)),
            qos: 1,
            retain: true,
          },
        }
      : {}),
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password: password.reveal() }),
    ...(ca === null ? {} : { ca }),
  };
}

const stateTopic = ({ prefix, host }: ConnectionOptions): string => `${prefix}/v1/STATE/${host}`;

const stateOf = (env: Env, online: boolean, sessionId = env.uuid()): string =>
  JSON.stringify({ online, timestamp: new Date(env.clock.wall()).toISOString(), sessionId });

function wordsOf(error: unknown): string {
  const { message, code } = error as { message?: unknown; code?: unknown };
  return String(message || code || "connection failed");
}

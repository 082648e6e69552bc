import { createHash } from "node:crypto";

/**
 * The channels of the contract, and how what is said on each is sent. `path`: below PREFIX/v1/SITE/AGENT/, but for `state`,
 * which is below PREFIX/v1/. `expiry`: seconds after which the broker need not pass it on, MQTT 5 only.
 */
export const channels = {
  status: { path: "status", how: { qos: 1, retain: true } },
  event: { path: "event", how: { qos: 1, retain: false } },
  backfill: { path: "backfill", how: { qos: 1, retain: false } },
  active: { path: "active/{h}", how: { qos: 1, retain: true } },
  silences: { path: "silences", how: { qos: 1, retain: true } },
  blind: { path: "blind", how: { qos: 1, retain: true } },
  heartbeat: { path: "heartbeat", how: { qos: 0, retain: false, expiry: 90 } },
  diag: { path: "diag", how: { qos: 1, retain: false, expiry: 86_400 } },
  telemetry: { path: "telemetry/{device}/{point}", how: { qos: 0, retain: false, expiry: 300 } },
  reply: { path: "reply/{cmdId}", how: { qos: 1, retain: false, expiry: 300 } },
  command: { path: "cmd/{name}", from: "centre", how: { qos: 1, retain: false, expiry: 60 } },
  ack: { path: "ack", from: "centre", how: { qos: 1, retain: true } },
  state: { path: "STATE/{host}", from: "centre", how: { qos: 1, retain: true } },
} as const satisfies Readonly<Record<string, Channel>>;

export interface Channel {
  readonly path: string;
  /** Absent: the agent. */
  readonly from?: "centre";
  readonly how: { readonly qos: 0 | 1; readonly retain: boolean; readonly expiry?: number };
}

export const addressOf = (name: keyof typeof channels): string =>
  `{prefix}/v1/${name === "state" ? "" : "{site}/{agent}/"}${channels[name].path}`;

/** Where each kind of message goes; the same on MQTT 5 and 3.1.1. `v1` is the major version of the contract. */
export interface Topics {
  /** Birth and death, retained; also the Will's. */
  readonly status: string;
  /** Every event of every incident, once, in the order of `sequence`. */
  readonly event: string;
  /** Those that are told late, or once more. */
  readonly backfill: string;
  /** How the agent does, not retained. */
  readonly heartbeat: string;
  /** All that calls nobody because a person said so, retained. */
  readonly silences: string;
  /** The points that the agent cannot see, retained. */
  readonly blind: string;
  /** The latest event of one open incident, retained; an empty message when it is over. */
  active(conditionKey: string): string;
  /** The filter of all of those. */
  readonly actives: string;
  /** What the agent has to say of itself. */
  readonly diag: string;
  /** The values of DEVICE/POINT. */
  telemetry(point: string): string;
  /** What became of a command that names no other topic for it. */
  reply(cmdId: string): string;
  /** Below it is where else a command may have its result sent. */
  readonly replies: string;
  command(name: string): string;
  /** The filter of all of those. */
  readonly commands: string;
  readonly ack: string;
  /** Whether a centre is there. */
  state(host: string): string;
}

export interface Address {
  readonly prefix: string;
  readonly site: string;
  readonly agent: string;
}

/** @throws on a level that is not 1 to 64 letters, digits, _ or -: brokers end the connection for a wrong topic. */
export function topicsOf({ prefix, site, agent }: Address): Topics {
  for (const [name, level] of Object.entries({ prefix, site, agent })) {
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(level)) {
      throw new Error(`${name} "${level}" cannot be part of a topic; expected 1 to 64 letters, digits, _ or -`);
    }
  }
  const base = `${prefix}/v1/${site}/${agent}`;
  return {
    status: `${base}/${channels.status.path}`,
    event: `${base}/${channels.event.path}`,
    backfill: `${base}/${channels.backfill.path}`,
    silences: `${base}/${channels.silences.path}`,
    blind: `${base}/${channels.blind.path}`,
    heartbeat: `${base}/${channels.heartbeat.path}`,
    actives: `${base}/${channels.active.path.replace("{h}", "+")}`,
    active: (conditionKey) => `${base}/${channels.active.path.replace("{h}", hashOf(conditionKey))}`,
    diag: `${base}/${channels.diag.path}`,
    telemetry: (point) => `${base}/telemetry/${point}`,
    reply: (cmdId) => `${base}/${channels.reply.path.replace("{cmdId}", cmdId)}`,
    replies: `${prefix}/v1/reply/`,
    command: (name) => `${base}/${channels.command.path.replace("{name}", name)}`,
    commands: `${base}/${channels.command.path.replace("{name}", "+")}`,
    ack: `${base}/${channels.ack.path}`,
    state: (host) => `${prefix}/v1/${channels.state.path.replace("{host}", host)}`,
  };
}

/** Condition keys have slashes and no bound; 128 bits of their SHA-256 stand for them. */
export const hashOf = (conditionKey: string): string =>
  createHash("sha256").update(conditionKey).digest("hex").slice(0, 32);

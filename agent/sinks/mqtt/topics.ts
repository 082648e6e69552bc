import { createHash } from "node:crypto";

/** Where each kind of message goes; the same on MQTT 5 and 3.1.1. `v1` is the major version of the contract. */
export interface Topics {
  /** Birth and death, retained; also the Will's. */
  readonly status: string;
  /** Every event of every incident, once, in the order of `sequence`. */
  readonly event: string;
  /** How the agent does, not retained. */
  readonly heartbeat: string;
  /** The latest event of one open incident, retained; an empty message when it is over. */
  active(conditionKey: string): string;
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
    status: `${base}/status`,
    event: `${base}/event`,
    heartbeat: `${base}/heartbeat`,
    active: (conditionKey) => `${base}/active/${hashOf(conditionKey)}`,
  };
}

/** Condition keys have slashes and no bound; 128 bits of their SHA-256 stand for them. */
const hashOf = (conditionKey: string): string => createHash("sha256").update(conditionKey).digest("hex").slice(0, 32);

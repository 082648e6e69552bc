import type { KeyObject } from "node:crypto";
import type { Env } from "../env.ts";
import type { CommandMessage, CommandName, Unsigned } from "../sinks/mqtt/commands.ts";
import { lifeMax } from "../sinks/mqtt/commands.ts";
import { signCommand } from "../sinks/mqtt/signature.ts";
import { channels, topicsOf } from "../sinks/mqtt/topics.ts";
import { type CentreState, centre, type Input, initial } from "./centre.ts";
import { type ConnectionOptions, openConnection } from "./connection.ts";
import type { Effect, Notice } from "./notices.ts";

/** The core, a connection and a clock put together: a consumer that runs. */
export interface FollowOptions extends ConnectionOptions {
  /** Signs replays and snapshots; null: what is missing is only told. */
  readonly signer: Signer | null;
}

export interface Signer {
  readonly key: KeyObject;
  /** Name by which agents know the key. */
  readonly kid: string;
  readonly user: string;
}

export interface FollowHooks {
  notice(notice: Notice | LinkNotice): void;
  /** Each second, and whenever something was told. */
  shown(state: CentreState): void;
}

/** Of our own connection. */
export type LinkNotice =
  | { readonly kind: "link"; readonly up: true; readonly protocol: "5" | "3.1.1" }
  | { readonly kind: "link"; readonly up: false; readonly why: string };

export interface Following {
  readonly state: CentreState;
  /** @returns its cmdId; null: nothing here can sign it */
  ask(effect: Exclude<Effect, { kind: "ack" }>): string | null;
  readonly ended: Promise<string>;
  close(): Promise<void>;
}

const tickMs = 1000;

export function follow(options: FollowOptions, env: Env, hooks: FollowHooks): Following {
  const { prefix, host, signer, present, share } = options;
  const now = () => ({ at: env.clock.mono(), wall: env.clock.wall() });
  const core = { prefix, commands: present && signer !== null, isWholeStream: share === null };
  let state = initial(core, now());
  const put = (input: Input): void => {
    const step = centre(state, input, now());
    ({ state } = step);
    for (const notice of step.notices) hooks.notice(notice);
    for (const effect of step.effects) carryOut(effect);
    if (step.notices.length > 0 || input.kind !== "message") hooks.shown(state);
  };
  const ask: Following["ask"] = (effect) => {
    const { site, agent, kind } = effect;
    if (signer === null) return null;
    const args = kind === "replay" ? { epoch: effect.epoch, from: effect.from, to: effect.to } : {};
    const command = commandOf(env, signer, { site, agent, name: kind, args });
    const topic = topicsOf({ prefix, site, agent }).command(kind);
    connection.publish(topic, JSON.stringify(command), channels.command.how);
    const epoch = kind === "replay" ? effect.epoch : null;
    put({ kind: "sent", site, agent, cmdId: command.cmdId, command: kind, epoch });
    return command.cmdId;
  };
  const carryOut = (effect: Effect): void => {
    if (effect.kind !== "ack") return void ask(effect);
    if (!present) return;
    const { site, agent, epoch, upTo, except } = effect;
    const message = { epoch, upTo, except, host, at: new Date(env.clock.wall()).toISOString() };
    connection.publish(topicsOf({ prefix, site, agent }).ack, JSON.stringify(message), channels.ack.how);
  };
  const connection = openConnection(options, env, {
    message: (topic, payload, retained) => put({ kind: "message", topic, payload, retained }),
    up(protocol) {
      put({ kind: "link", up: true });
      hooks.notice({ kind: "link", up: true, protocol: protocol === 5 ? "5" : "3.1.1" });
    },
    down(why) {
      put({ kind: "link", up: false });
      hooks.notice({ kind: "link", up: false, why });
    },
  });
  let cancel = (): void => {};
  const tick = (): void => {
    put({ kind: "tick" });
    cancel = env.after(tickMs, tick);
  };
  cancel = env.after(tickMs, tick);
  return {
    get state() {
      return state;
    },
    ask,
    ended: connection.ended,
    async close() {
      cancel();
      await connection.close();
    },
  };
}

function commandOf<N extends CommandName>(
  env: Env,
  { key, kid, user }: Signer,
  what: Pick<Unsigned<N>, "site" | "agent" | "name" | "args">,
): CommandMessage<N> {
  const wall = env.clock.wall();
  const iso = (at: number): string => new Date(at).toISOString();
  const unsigned = {
    ...{ ...what, cmdId: env.uuid(), nonce: env.uuid(), kid, issuedBy: { user, role: "service" as const } },
    ...{ issuedAt: iso(wall), exp: iso(wall + lifeMax) },
  };
  return signCommand<N>(unsigned, key);
}

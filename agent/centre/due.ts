import type { Ranges } from "../core/ranges.ts";
import type { Instant } from "../core/sample.ts";
import { type AgentState, declaredLost, type Turn } from "./agent.ts";
import type { AgentNotice, Effect } from "./notices.ts";
import { ackOf, pressed, type Reception } from "./reception.ts";

/** What time alone brings about at one agent: it is lost, something is missing, something may be acknowledged. */
export interface Due extends Turn {
  readonly effects: readonly Effect[];
}

export interface DueOptions {
  /** Whether replays and snapshots can be asked for. */
  readonly commands: boolean;
  /** Whether all events come to this consumer: only then can any be missing. */
  readonly isWholeStream: boolean;
}

const ackMs = 1000;
/** Replays of one agent that are asked for at once. */
const asksMax = 4;
/** Spacing of snapshots: doubles from the one to the other. */
const snapshotMs = { first: 60_000, most: 3_600_000 };

export function dueOf(agent: AgentState, options: DueOptions, now: Instant): Due {
  const lost = silentFor(agent, now) ?? none(agent);
  const counted = options.isWholeStream ? missingOf(lost.agent, options.commands, now) : none(lost.agent);
  const acked = options.isWholeStream ? acknowledged(counted.agent, now) : none(counted.agent);
  const asked = options.commands ? snapshotOf(acked.agent, now) : none(acked.agent);
  return {
    agent: asked.agent,
    notices: [...lost.notices, ...counted.notices],
    effects: [...counted.effects, ...acked.effects, ...asked.effects],
  };
}

const none = (agent: AgentState): Due => ({ agent, notices: [], effects: [] });

/** Null: it is not lost by that. */
function silentFor(agent: AgentState, now: Instant): Turn | null {
  const { presence, deathAt, heardAt, periodMs } = agent;
  if (deathAt !== null && deathAt <= now.at) return declaredLost(agent, "its connection ended without a word", now);
  if (presence === "stopped" || presence === "lost") return null;
  const silence = now.at - heardAt.at;
  if (silence <= 2 * periodMs + 5000) return null;
  return declaredLost(agent, `no heartbeat for ${Math.round(silence / 1000)} s`, now);
}

/** Nobody is asked who is not there. */
function missingOf(agent: AgentState, commands: boolean, now: Instant): Due {
  const { site, agent: name, presence } = agent;
  const notices: AgentNotice[] = [];
  const effects: Effect[] = [];
  const receptions = new Map<string, Reception>();
  for (const [epoch, one] of agent.receptions) {
    const looked = pressed(one, commands, presence === "online" ? asksMax - effects.length : 0, now.at);
    receptions.set(epoch, looked.reception);
    const tell = (kind: "gap" | "lost", ranges: Ranges): void => {
      if (ranges.length > 0) notices.push({ kind, epoch, ranges });
    };
    tell("gap", looked.missed);
    tell("lost", looked.lost);
    if (commands)
      effects.push(
        ...looked.ask.map(([from, to]) => ({ kind: "replay", site, agent: name, epoch, from, to }) as const),
      );
  }
  return { agent: { ...agent, receptions }, notices, effects };
}

/** Those of former epochs first: what is retained in the end is of the present one. */
function acknowledged(agent: AgentState, now: Instant): Due {
  if (now.at - agent.ackedAt < ackMs) return none(agent);
  const acks = [...agent.receptions.values()].flatMap((one) => {
    const ack = ackOf(one);
    return ack === null ? [] : [{ epoch: one.epoch, ...ack, said: JSON.stringify(ack) }];
  });
  if (acks.every(({ epoch, said }) => agent.acked.get(epoch) === said)) return none(agent);
  const present = acks.filter(({ epoch }) => epoch === agent.epoch);
  const changed = acks.filter(({ epoch, said }) => epoch !== agent.epoch && agent.acked.get(epoch) !== said);
  const effects = [...changed, ...present].map(({ epoch, upTo, except }) => {
    return { kind: "ack", site: agent.site, agent: agent.agent, epoch, upTo, except } as const;
  });
  const acked = new Map(acks.map(({ epoch, said }) => [epoch, said]));
  return { agent: { ...agent, acked, ackedAt: now.at }, notices: [], effects };
}

function snapshotOf(agent: AgentState, now: Instant): Due {
  const { mismatches, snapshots, snapshotAt, presence, site } = agent;
  if (mismatches < 2 || presence !== "online" || snapshotAt > now.at) return none(agent);
  const spacing = Math.min(snapshotMs.most, snapshotMs.first * 2 ** Math.min(snapshots, 10));
  return {
    agent: { ...agent, snapshots: snapshots + 1, snapshotAt: now.at + spacing },
    notices: [],
    effects: [{ kind: "snapshot", site, agent: agent.agent }],
  };
}

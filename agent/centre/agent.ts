import type { Instant, Mono } from "../core/sample.ts";
import type { Birth, Blind, Death, Heartbeat, LostEvents, Result, Said, Silences, ToldEvent } from "./decode.ts";
import type { AgentLost, AgentNotice } from "./notices.ts";
import { confirmed, deleted, digestOf, nothingOpen, openMax, owing, type Picture, shown } from "./picture.ts";
import {
  again,
  announcing,
  based,
  beginning,
  gapped,
  givenUp,
  isWhole,
  type Reception,
  reaching,
  received,
  resuming,
} from "./reception.ts";

/** What a consumer knows of one agent, and what each message of it changes. */
export interface AgentState {
  readonly site: string;
  readonly agent: string;
  /** unknown: neither a birth nor a death has come. stopped: as planned. */
  readonly presence: "unknown" | "online" | "stopped" | "lost";
  /** When it was last heard to be alive; when the link came back, if that was later. */
  readonly heardAt: Instant;
  /** When a death that may yet be followed by a birth counts; null: there is none. */
  readonly deathAt: Mono | null;
  /** The centre's own incident, while it is open. */
  readonly lost: AgentLost | null;
  readonly birth: Birth | null;
  readonly heartbeat: Heartbeat | null;
  readonly heartbeatAt: Mono | null;
  /** Longest spacing of heartbeats that is usual, ms. */
  readonly periodMs: number;
  readonly session: Session | null;
  readonly formerSession: string | null;
  readonly epoch: string | null;
  /** By epoch; the newest last. */
  readonly receptions: ReadonlyMap<string, Reception>;
  readonly picture: Picture;
  readonly silences: Silences | null;
  readonly blind: Blind | null;
  /** Since when all that is open was told anew. */
  readonly syncAt: Mono;
  /** Heartbeats in a row that count other open incidents than are known here. */
  readonly mismatches: number;
  readonly snapshots: number;
  readonly snapshotAt: Mono;
  /** What was acknowledged last, by epoch, and when. */
  readonly acked: ReadonlyMap<string, string>;
  readonly ackedAt: Mono;
  /** Commands without an answer yet, by cmdId. */
  readonly asked: ReadonlyMap<string, Asked>;
}

interface Session {
  readonly bdSeq: number;
  readonly id: string;
}

export interface Asked {
  readonly command: "replay" | "snapshot";
  /** Of a replay. */
  readonly epoch: string | null;
}

export const defaultPeriodMs = 30_000;
const periodMaxMs = 3_600_000;
/** MQTT 3.1.1 has no Will delay: so long a death may be but a short loss of the line. */
const willDelayMs = 20_000;
/** A broker that stops says the Wills of all before it lets go of our own line. */
const brokerEndsMs = 2000;
const epochsMax = 8;
const askedMax = 64;

export const unheard = (site: string, agent: string, now: Instant): AgentState => ({
  ...{ site, agent, presence: "unknown", heardAt: now, deathAt: null, lost: null, birth: null, heartbeat: null },
  ...{ heartbeatAt: null, periodMs: defaultPeriodMs, session: null, formerSession: null, epoch: null },
  ...{ receptions: new Map(), picture: nothingOpen, silences: null, blind: null, syncAt: now.at, mismatches: 0 },
  ...{ snapshots: 0, snapshotAt: now.at, acked: new Map(), ackedAt: Number.NEGATIVE_INFINITY, asked: new Map() },
});

export interface Turn {
  readonly agent: AgentState;
  readonly notices: readonly AgentNotice[];
}
const quietly = (agent: AgentState): Turn => ({ agent, notices: [] });

/** @param isWholeStream whether all events come to this consumer, not only its share of them */
export function heard(agent: AgentState, said: Said, isRetained: boolean, isWholeStream: boolean, now: Instant): Turn {
  switch (said.what) {
    case "birth":
      return onBirth(agent, said.birth, isRetained, now);
    case "death":
      return onDeath(agent, said.death, isRetained, now);
    case "heartbeat":
      return onHeartbeat(agent, said.heartbeat, isWholeStream, now);
    case "event":
    case "backfill":
      return onEvent(agent, said.event, said.what === "event", now);
    case "gap":
      return quietly(onGap(agent, said.gap, now));
    case "active":
      return onRetained(agent, said.event, now);
    case "over": {
      const over = deleted(agent.picture, said.h);
      const after = { ...agent, picture: over.picture };
      if (over.incident === null) return quietly(after);
      const { conditionKey, incidentId } = over.incident;
      return {
        agent: after,
        notices: [{ kind: "gone", why: "deleted", conditionKey, incidentId }],
      };
    }
    case "silences":
      return { agent: { ...agent, silences: said.silences }, notices: [{ kind: "silences", silences: said.silences }] };
    case "blind":
      return { agent: { ...agent, blind: said.blind }, notices: [{ kind: "blind", blind: said.blind }] };
    case "result":
      return onResult(agent, said.result, now);
    case "ack": {
      const { epoch, upTo, except } = said.ack;
      if (!isRetained || !isWholeStream) return quietly(agent);
      return withReception(agent, epoch, (one) => resuming(one, upTo, except, now.at));
    }
    case "diag":
      return { agent, notices: [{ kind: "diag", diag: said.diag }] };
  }
}

/** What an older connection of the agent says late is void. */
const isVoid = ({ session, formerSession, epoch }: AgentState, bdSeq: number, id: string, of: string | null): boolean =>
  session !== null &&
  session.id !== id &&
  (id === formerSession || (bdSeq < session.bdSeq && (of === null || of === epoch)));

const joined = (agent: AgentState, bdSeq: number, id: string): AgentState =>
  agent.session?.id === id
    ? agent
    : { ...agent, session: { bdSeq, id }, formerSession: agent.session?.id ?? agent.formerSession, heartbeatAt: null };

function onBirth(before: AgentState, birth: Birth, isRetained: boolean, now: Instant): Turn {
  const { bdSeq, sessionId, epoch, lastSeq, backlog } = birth;
  if (isVoid(before, bdSeq, sessionId, epoch)) return quietly(before);
  const isNew = before.session?.id !== sessionId;
  const base = isRetained ? null : (backlog[0]?.[0] ?? lastSeq + 1);
  const entered = inEpoch({ ...joined(before, bdSeq, sessionId), birth, syncAt: now.at }, epoch);
  const { agent, notices } = withReception(entered.agent, epoch, (one) =>
    isNew ? announcing(one, birth, base, now.at) : announcing(one, { ...birth, backlog: one.announced }, base, now.at),
  );
  const alive = aliveAgain(agent, now);
  return { agent: alive.agent, notices: [...alive.notices, ...entered.notices, ...notices] };
}

function onDeath(agent: AgentState, { bdSeq, sessionId, reason }: Death, isRetained: boolean, now: Instant): Turn {
  if (isVoid(agent, bdSeq, sessionId, null)) return quietly(agent);
  const after = joined(agent, bdSeq, sessionId);
  if (reason === "shutdown")
    return after.presence === "stopped"
      ? quietly(after)
      : { agent: { ...after, presence: "stopped", deathAt: null }, notices: [{ kind: "stopped" }] };
  if (!isRetained) {
    const waitMs = agent.birth?.protocol === 4 ? willDelayMs : brokerEndsMs;
    return quietly({ ...after, deathAt: after.deathAt ?? now.at + waitMs });
  }
  return declaredLost(after, "its connection ended without a word", now);
}

export function declaredLost(agent: AgentState, why: string, now: Instant): Turn {
  if (agent.presence === "lost") return quietly(agent);
  const name = `${agent.site}/${agent.agent}`;
  const since = new Date(agent.heardAt.wall).toISOString();
  const incident: AgentLost = {
    ...{ conditionKey: `${name}/-/agent_lost`, open: true, severity: "high", onsetAt: since },
    raisedAt: new Date(now.wall).toISOString(),
    text: `Agent ${name} is lost: ${why}. What it said last may not hold. Check its machine and its network.`,
  };
  return {
    agent: { ...agent, presence: "lost", deathAt: null, lost: incident },
    notices: [{ kind: "agent_lost", incident }],
  };
}

function aliveAgain(agent: AgentState, now: Instant): Turn {
  const after: AgentState = { ...agent, presence: "online", heardAt: now, deathAt: null, lost: null };
  if (agent.presence === "online") return quietly(after);
  const { lost } = agent;
  const clearedAt = new Date(now.wall).toISOString();
  const cleared: AgentNotice[] =
    lost === null ? [] : [{ kind: "agent_lost", incident: { ...lost, open: false, clearedAt } }];
  return { agent: after, notices: [...cleared, { kind: "online" }] };
}

function onHeartbeat(before: AgentState, heartbeat: Heartbeat, isWholeStream: boolean, now: Instant): Turn {
  const { bdSeq, sessionId, epoch, lastSeq, ackedSeq } = heartbeat;
  if (isVoid(before, bdSeq, sessionId, epoch)) return quietly(before);
  const after = joined(before, bdSeq, sessionId);
  const spacing = after.heartbeatAt === null ? 0 : now.at - after.heartbeatAt;
  const periodMs = Math.min(periodMaxMs, Math.max(defaultPeriodMs, spacing));
  const alive = aliveAgain({ ...after, heartbeat, heartbeatAt: now.at, periodMs }, now);
  const entered = inEpoch(alive.agent, epoch);
  const reached = withReception(entered.agent, epoch, (one) => reaching(one, lastSeq, ackedSeq, now.at));
  const compared = compare(reached.agent, heartbeat, isWholeStream);
  return {
    agent: compared.agent,
    notices: [...alive.notices, ...entered.notices, ...reached.notices, ...compared.notices],
  };
}

/** Whether what is open here is what is open there; what only we hold to be open, and nothing has told of since, is over. */
function compare(
  agent: AgentState,
  { activeDigest, activeCount, epoch, lastSeq }: Heartbeat,
  isWholeStream: boolean,
): Turn {
  const agrees = { mismatches: 0, snapshots: 0 };
  if (digestOf(agent.picture) === activeDigest) return quietly({ ...agent, ...agrees });
  const { picture, gone } = confirmed(agent.picture, agent.syncAt);
  if (digestOf(picture) === activeDigest)
    return {
      agent: { ...agent, ...agrees, picture },
      notices: gone.map(({ conditionKey, incidentId }) => {
        return { kind: "gone", why: "unconfirmed", conditionKey, incidentId };
      }),
    };
  const reception = agent.receptions.get(epoch);
  const isBehind = isWholeStream && (reception === undefined || !isWhole(reception) || reception.last > lastSeq);
  if (isBehind) return quietly(agent);
  const mismatches = agent.mismatches + 1;
  const notice = { kind: "differs", expected: activeCount, found: agent.picture.open.size } as const;
  return { agent: { ...agent, mismatches }, notices: mismatches === 2 ? [notice] : [] };
}

function onEvent(told: AgentState, event: ToldEvent, isNews: boolean, now: Instant): Turn {
  const isEnd = isNews && !event.open;
  const before = isEnd ? { ...told, picture: owing(told.picture, event.conditionKey) } : told;
  const known = before.receptions.get(event.epoch) ?? beginning(event.epoch, null);
  const after = received(known, event.seq, isNews, now.at);
  if (after === null) return withReception(before, event.epoch, again);
  // Of an epoch that is over no birth or heartbeat will say where it stands.
  const isFormer = before.epoch !== null && before.epoch !== event.epoch;
  const { agent, notices } = withReception(before, event.epoch, () => (isFormer ? based(after, after.lowest) : after));
  const { picture, standing } = shown(agent.picture, event, false, agent.epoch, now.at);
  const news: AgentNotice = { kind: "event", late: !isNews, overtaken: standing === "older", event };
  return { agent: { ...agent, picture }, notices: [...notices, news, ...limitOf(standing === "full")] };
}

const limitOf = (isFull: boolean): AgentNotice[] =>
  isFull ? [{ kind: "limit", what: "open incidents", most: openMax }] : [];

function onGap(agent: AgentState, { epoch, firstSeq, lastSeq, count }: LostEvents, now: Instant): AgentState {
  const gap = { from: firstSeq, to: lastSeq, count };
  return withReception(agent, epoch, (one) => {
    const isKnown = one.gaps.some(({ from, to, count: same }) => from === firstSeq && to === lastSeq && same === count);
    return isKnown ? one : gapped(one, gap, now.at);
  }).agent;
}

function onRetained(agent: AgentState, event: ToldEvent, now: Instant): Turn {
  const { picture, standing } = shown(agent.picture, event, true, agent.epoch, now.at);
  const notices: AgentNotice[] =
    standing === "newer" && event.open ? [{ kind: "open", event }] : limitOf(standing === "full");
  return { agent: { ...agent, picture }, notices };
}

function onResult(agent: AgentState, { cmdId, status, code, detail, lost = [] }: Result, now: Instant): Turn {
  const asked = agent.asked.get(cmdId);
  if (asked === undefined) return quietly(agent);
  const { command, epoch } = asked;
  const rest = new Map(agent.asked);
  rest.delete(cmdId);
  const after = { ...agent, asked: rest };
  if (status === "rejected")
    return { agent: after, notices: [{ kind: "refused", command, code: code ?? "unknown", detail }] };
  if (command === "snapshot") return quietly({ ...after, syncAt: now.at });
  const reception = epoch === null ? undefined : after.receptions.get(epoch);
  if (epoch === null || reception === undefined || lost.length === 0) return quietly(after);
  const told = givenUp(reception, lost, now.at);
  const receptions = new Map(after.receptions).set(epoch, told);
  return { agent: { ...after, receptions }, notices: [{ kind: "lost", epoch, ranges: lost }] };
}

/** @param cmdId under which `asked` was sent */
export function asking(agent: AgentState, cmdId: string, asked: Asked): AgentState {
  const all = [...agent.asked, [cmdId, asked] as const];
  return { ...agent, asked: new Map(all.slice(-askedMax)) };
}

function inEpoch(agent: AgentState, epoch: string): Turn {
  if (agent.epoch === epoch) return quietly(agent);
  return { agent: { ...agent, epoch }, notices: [{ kind: "epoch", epoch, former: agent.epoch }] };
}

function withReception(agent: AgentState, epoch: string, change: (one: Reception) => Reception): Turn {
  const known = agent.receptions.get(epoch);
  const receptions = new Map(agent.receptions).set(epoch, change(known ?? beginning(epoch, null)));
  const oldest = [...receptions.keys()].find((one) => one !== epoch && one !== agent.epoch);
  if (receptions.size <= epochsMax || oldest === undefined) return quietly({ ...agent, receptions });
  receptions.delete(oldest);
  const acked = new Map(agent.acked);
  acked.delete(oldest);
  return { agent: { ...agent, receptions, acked }, notices: [{ kind: "limit", what: "epochs", most: epochsMax }] };
}

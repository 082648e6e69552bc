import {
  type CentreState,
  centre,
  type Effect,
  type Input,
  initial,
  type Notice,
} from "../../../agent/centre/index.ts";
import {
  birthMessageOf,
  deathMessageOf,
  eventMessageOf,
  gapMessageOf,
  heartbeatMessageOf,
  type Speaker,
} from "../../../agent/sinks/mqtt/messages.ts";
import { blindMessageOf, pageMax, silencesMessageOf } from "../../../agent/sinks/mqtt/quiet.ts";
import { topicsOf } from "../../../agent/sinks/mqtt/topics.ts";
import type { QuietFacts } from "../../../agent/sinks/quiet.ts";
import type { EventRecord } from "../../../agent/sinks/record.ts";
import { epoch, event } from "../sinks/event.ts";

/** What an agent says, by the functions that real ones say it with. */
export interface Message {
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
}

export const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const clock = { synced: null, source: null, offsetMs: null, lastSyncAt: null };
const wall0 = Date.UTC(2026, 0, 2);

interface Voiced {
  readonly site?: string;
  readonly agent?: string;
  readonly session?: number;
  /** As the session, unless a test says so. */
  readonly bdSeq?: number;
  readonly protocol?: 4 | 5;
}

export function voice({ site = "hall-1", agent = "edge-1", session = 1, bdSeq, protocol = 5 }: Voiced = {}) {
  const topics = topicsOf({ prefix: "mepwatch", site, agent });
  const speaker: Speaker = {
    bdSeq: bdSeq ?? session,
    sessionId: uuid(1000 + session),
    bootId: "boot",
    agentVersion: "1.2.3",
    protocol,
  };
  const told = (topic: string, message: object, retain = false): Message => ({
    topic,
    payload: JSON.stringify(message),
    retain,
  });
  const facts = { configHash: "c", clock };
  const quiet = (also: Partial<QuietFacts>): QuietFacts => ({
    configHash: "c",
    silences: [],
    modes: [],
    pointsExpected: 9,
    blind: [],
    ...also,
  });
  return {
    topics,
    birth: (lastSeq: number, also: { firstSeq?: number; epoch?: string; active?: EventRecord[] } = {}) => {
      const { active = [] } = also;
      const all = {
        ...facts,
        epoch,
        firstSeq: lastSeq + 1,
        waitingFrom: also.firstSeq ?? lastSeq + 1,
        lastSeq,
        lastPosition: lastSeq,
        activeCount: active.length,
        active,
      };
      return told(topics.status, birthMessageOf(speaker, { ...all, ...also }, wall0), true);
    },
    death: (reason: "lwt" | "shutdown") => told(topics.status, deathMessageOf(speaker, reason), true),
    heartbeat: (lastSeq: number, also: { ackedSeq?: number; epoch?: string; active?: EventRecord[] } = {}) => {
      const { active = [] } = also;
      const all = {
        ...facts,
        epoch,
        lastSeq,
        ackedSeq: lastSeq,
        depth: 0,
        oldestAgeMs: 0,
        activeCount: active.length,
        active,
      };
      return told(
        topics.heartbeat,
        heartbeatMessageOf(speaker, { ...all, pointsExpected: 9, pointsGood: 9, ...also }, wall0),
      );
    },
    event: (one: EventRecord) => told(topics.event, eventMessageOf(agent, { ...one, location: { site } }, wall0)),
    backfill: (one: EventRecord) =>
      told(topics.backfill, eventMessageOf(agent, { ...one, historical: true, location: { site } }, wall0)),
    active: (one: EventRecord): Message =>
      one.open
        ? told(topics.active(one.conditionKey), eventMessageOf(agent, { ...one, location: { site } }, wall0), true)
        : { topic: topics.active(one.conditionKey), payload: "", retain: true },
    gap: (first: number, last: number, count: number) =>
      told(topics.event, gapMessageOf({ agent, site }, { epoch, first, last, count }, wall0)),
    silences: (also: Partial<QuietFacts>, bytesMax = pageMax) =>
      told(topics.silences, silencesMessageOf(speaker, quiet(also), wall0, bytesMax), true),
    blind: (also: Partial<QuietFacts>) =>
      told(topics.blind, blindMessageOf(speaker, quiet(also), wall0, pageMax), true),
    result: (cmdId: string, also: object) =>
      told(topics.reply(cmdId), {
        cmdId,
        at: "2026-01-02T00:00:00.000Z",
        name: "replay",
        status: "accepted",
        detail: "…",
        ...also,
      }),
  };
}

/** A consumer by hand: time passes when the test says so, a tick a second. */
export function consumer({ commands = true, isWholeStream = true } = {}) {
  let at = 1000;
  let state: CentreState = initial({ prefix: "mepwatch", commands, isWholeStream }, { at, wall: wall0 });
  const notices: Notice[] = [];
  const effects: Effect[] = [];
  const put = (input: Input): void => {
    const step = centre(state, input, { at, wall: wall0 + at });
    ({ state } = step);
    notices.push(...step.notices);
    effects.push(...step.effects);
  };
  put({ kind: "link", up: true });
  return {
    get state() {
      return state;
    },
    notices,
    effects,
    put,
    hear: (...messages: Message[]) => {
      for (const { topic, payload } of messages)
        put({ kind: "message", topic, payload: Buffer.from(payload), retained: false });
    },
    hearRetained: (...messages: Message[]) => {
      for (const { topic, payload } of messages)
        put({ kind: "message", topic, payload: Buffer.from(payload), retained: true });
    },
    pass: (seconds: number) => {
      for (let i = 0; i < seconds; i++) {
        at += 1000;
        put({ kind: "tick" });
      }
    },
    agent: (name = "hall-1/edge-1") => state.agents.get(name)!,
    open: (name = "hall-1/edge-1") =>
      [...(state.agents.get(name)?.picture.open.values() ?? [])]
        .map(({ conditionKey, rev }) => `${conditionKey} ${rev}`)
        .sort(),
    told: (kind: Notice["kind"]) => notices.filter((one) => one.kind === kind),
    asked: () => effects.flatMap((one) => (one.kind === "replay" ? [[one.from, one.to]] : [])),
    acks: () => effects.flatMap((one) => (one.kind === "ack" ? [{ upTo: one.upTo, except: one.except }] : [])),
  };
}

/** Incidents of `conditions` conditions, one after the other, raised, updated and cleared: `count` events from 1 on. */
export function story(count: number, conditions = 4): EventRecord[] {
  const standing = new Map<number, { id: number; rev: number }>();
  return Array.from({ length: count }, (_, i) => {
    const which = (i * 7 + Math.floor(i / 5)) % conditions;
    const { id, rev } = standing.get(which) ?? { id: i + 1, rev: 0 };
    const open = rev < 2 + (which % 2);
    if (open) standing.set(which, { id, rev: rev + 1 });
    else standing.delete(which);
    const kind = rev === 0 ? "raise" : open ? "update" : "clear";
    return event(i + 1, {
      kind,
      rev: rev + 1,
      open,
      active: open,
      incidentId: uuid(id),
      conditionKey: `hall-1/d/p/rule-${which}`,
    });
  });
}

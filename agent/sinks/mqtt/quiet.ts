import * as z from "zod";
import { blindness, modeInForce, type QuietFacts, silence } from "../quiet.ts";
import { bdSeq, type Speaker, sessionId, timestamp } from "./messages.ts";

/** What is silenced and what is not seen, as retained messages: a centre that was wiped knows both again at once. */
const left = z.int().describe("How many of these are not listed, since the message would be too large.");

export const silencesMessage = z.strictObject({
  at: timestamp,
  bdSeq,
  sessionId,
  configHash: z.string(),
  count: z.int().describe("Silences of conditions there are; a condition may have several."),
  left,
  silences: z.array(silence),
  modes: z.array(modeInForce),
});
export type SilencesMessage = z.output<typeof silencesMessage>;

export const blindMessage = z.strictObject({
  at: timestamp,
  bdSeq,
  sessionId,
  configHash: z.string(),
  pointsExpected: z.int(),
  count: z.int().describe("Points that are bad, uncertain, stale or were not read yet."),
  left,
  blind: z.array(blindness),
});
export type BlindMessage = z.output<typeof blindMessage>;

/** Largest payload of a snapshot, bytes. */
export const pageMax = 128 * 1024;
/** For what stands beside the lists. */
const frameMax = 1024;

export function silencesMessageOf(speaker: Speaker, facts: QuietFacts, at: number, bytesMax: number): SilencesMessage {
  const room = Math.min(bytesMax, pageMax) - frameMax;
  const modes = fitted(facts.modes, () => undefined, room / 4);
  const silences = fitted(
    facts.silences,
    (one) => one.conditions,
    room - room / 4,
    (one, conditions) => ({
      ...one,
      conditions,
    }),
  );
  const count = sum(facts.silences.map((one) => one.count));
  const listed = sum(silences.map((one) => one.conditions.length));
  return { ...frameOf(speaker, facts, at), count, left: count - listed, silences, modes };
}

export function blindMessageOf(speaker: Speaker, facts: QuietFacts, at: number, bytesMax: number): BlindMessage {
  const { pointsExpected } = facts;
  const room = Math.min(bytesMax, pageMax) - frameMax;
  const blind = fitted(
    facts.blind,
    ({ points }) => points,
    room,
    (one, points) => ({ ...one, points }),
  );
  const count = sum(facts.blind.map((one) => one.count));
  const listed = sum(blind.map((one) => one.points?.length ?? one.count));
  return { ...frameOf(speaker, facts, at), pointsExpected, count, left: count - listed, blind };
}

const frameOf = ({ bdSeq, sessionId }: Speaker, { configHash }: QuietFacts, at: number) => ({
  at: new Date(at).toISOString(),
  bdSeq,
  sessionId,
  configHash,
});

/** As many entries as there is room for, then as much of their lists. */
function fitted<T extends object>(
  entries: readonly T[],
  listOf: (one: T) => readonly string[] | undefined,
  bytesMax: number,
  withList: (one: T, list: string[]) => T = (one) => one,
): T[] {
  let room = bytesMax;
  const take = (json: unknown): boolean => {
    const bytes = Buffer.byteLength(JSON.stringify(json)) + 1;
    if (bytes > room) return false;
    room -= bytes;
    return true;
  };
  const isTaken = (one: T): boolean => take(listOf(one) === undefined ? one : withList(one, []));
  const cut = entries.findIndex((one) => !isTaken(one));
  return entries.slice(0, cut === -1 ? entries.length : cut).map((one) => {
    const list = listOf(one);
    if (list === undefined) return one;
    const end = list.findIndex((name) => !take(name));
    return end === -1 ? one : withList(one, list.slice(0, end));
  });
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

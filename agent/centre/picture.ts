import type { Mono } from "../core/sample.ts";
import { rank } from "../core/severity.ts";
import { activeDigestOf } from "../sinks/mqtt/messages.ts";
import { hashOf } from "../sinks/mqtt/topics.ts";
import type { ToldEvent } from "./decode.ts";

/**
 * What is open at one agent, from its events and from what the broker retains of it, in whatever order these come: of a
 * condition the newest event decides, whether it is open or over.
 */
export interface Picture {
  /** By condition key. */
  readonly open: ReadonlyMap<string, Incident>;
  /** The newest that is known of conditions that are not, so that an older event does not open them again. */
  readonly over: ReadonlyMap<string, Mark>;
  /** By retained topic: ends that were told, and whose deletion of it has not come yet. It is not of what was raised since. */
  readonly owed: ReadonlyMap<string, number>;
}

const kept = [
  ...["conditionKey", "incidentId", "epoch", "seq", "rev", "severity", "state", "active", "acked", "ackedBy"],
  ...["flapping", "annunciate", "silencedBy", "silencedUntil", "onsetAt", "raisedAt", "at", "text"],
] as readonly (keyof Shown)[];
type Shown = Pick<
  ToldEvent,
  | ("conditionKey" | "incidentId" | "epoch" | "seq" | "rev" | "severity" | "state" | "active" | "acked" | "ackedBy")
  | ("flapping" | "annunciate" | "silencedBy" | "silencedUntil" | "onsetAt" | "raisedAt" | "at" | "text")
>;

export interface Incident extends Shown {
  /** Of its retained topic. */
  readonly h: string;
  /** When anything last said that it is open. */
  readonly toldAt: Mono;
}

interface Mark extends Pick<Shown, "incidentId" | "epoch" | "seq" | "rev" | "at"> {
  /** Its retained event was deleted: one of the same number opens it again if it is retained anew. */
  readonly deleted: boolean;
}

export const nothingOpen: Picture = { open: new Map(), over: new Map(), owed: new Map() };

/** Of one agent. */
export const openMax = 20_000;
const overMax = 10_000;

export type Standing = "newer" | "same" | "older" | "full";

/** @param epoch the agent's present one: of two epochs it is the newer */
export function shown(
  picture: Picture,
  event: ToldEvent,
  isRetained: boolean,
  epoch: string | null,
  now: Mono,
): { readonly picture: Picture; readonly standing: Standing } {
  const { conditionKey: key } = event;
  const [open, over] = [picture.open.get(key), picture.over.get(key)];
  const known = open ?? over;
  const order = known === undefined ? 1 : orderOf(event, known, epoch);
  if (order < 0) return { picture, standing: "older" };
  const isBack = isRetained && event.open && over?.deleted === true;
  if (order === 0 && !isBack) {
    if (open === undefined) return { picture, standing: "same" };
    return {
      picture: { ...picture, open: new Map(picture.open).set(key, { ...open, toldAt: now }) },
      standing: "same",
    };
  }
  if (!event.open) return { picture: ended(picture, key, { ...event, deleted: false }), standing: "newer" };
  if (open === undefined && picture.open.size >= openMax) return { picture, standing: "full" };
  const stillOver = new Map(picture.over);
  stillOver.delete(key);
  const incident = { ...shownOf(event), h: open?.h ?? hashOf(key), toldAt: now };
  return {
    picture: { ...picture, open: new Map(picture.open).set(key, incident), over: stillOver },
    standing: "newer",
  };
}

/** An end of this condition was told as it happened: its retained topic is deleted next. */
export function owing(picture: Picture, key: string): Picture {
  const [h, owed] = [hashOf(key), new Map(picture.owed)];
  const count = (owed.get(h) ?? 0) + 1;
  owed.delete(h); // so that it is the newest in the order of the map
  owed.set(h, count);
  const [oldest = ""] = owed.keys();
  if (owed.size > overMax) owed.delete(oldest);
  return { ...picture, owed };
}

/** Without what `h` is the retained topic of, unless an end that was told before is meant. `incident` null: nothing is open by that. */
export function deleted(
  picture: Picture,
  h: string,
): { readonly picture: Picture; readonly incident: Incident | null } {
  const count = picture.owed.get(h) ?? 0;
  if (count > 0) {
    const owed = new Map(picture.owed);
    if (count === 1) owed.delete(h);
    else owed.set(h, count - 1);
    return { picture: { ...picture, owed }, incident: null };
  }
  for (const [key, incident] of picture.open)
    if (incident.h === h) return { picture: ended(picture, key, { ...incident, deleted: true }), incident };
  return { picture, incident: null };
}

/** Without those that nothing has told of since. */
export function confirmed(
  picture: Picture,
  since: Mono,
): { readonly picture: Picture; readonly gone: readonly Incident[] } {
  const gone = [...picture.open.values()].filter(({ toldAt }) => toldAt < since);
  const rest = gone.reduce((all, one) => ended(all, one.conditionKey, { ...one, deleted: true }), picture);
  return { picture: rest, gone };
}

export const digestOf = ({ open }: Picture): string => activeDigestOf([...open.values()]);

/** The worst first, of those the oldest. */
export const worstFirst = ({ open }: Picture): Incident[] =>
  [...open.values()].sort(
    (a, b) =>
      rank(b.severity) - rank(a.severity) || byText(a.onsetAt, b.onsetAt) || byText(a.conditionKey, b.conditionKey),
  );

function ended(
  { open, over, owed }: Picture,
  key: string,
  { incidentId, epoch, seq, rev, at, deleted: was }: Mark,
): Picture {
  const [stillOpen, marks] = [new Map(open), new Map(over)];
  stillOpen.delete(key);
  marks.delete(key); // so that it is the newest in the order of the map
  marks.set(key, { incidentId, epoch, seq, rev, at, deleted: was });
  for (const [oldest] of marks) {
    if (marks.size <= overMax) break;
    marks.delete(oldest);
  }
  return { open: stillOpen, over: marks, owed };
}

/** Within an epoch numbers decide, within an incident revisions; else the present epoch, and only then the clock. */
function orderOf(one: ToldEvent, known: Mark | Incident, epoch: string | null): number {
  if (one.epoch === known.epoch) return one.seq - known.seq;
  if (one.incidentId === known.incidentId && one.rev !== known.rev) return one.rev - known.rev;
  if ((one.epoch === epoch) !== (known.epoch === epoch)) return one.epoch === epoch ? 1 : -1;
  return byText(one.at, known.at);
}

const shownOf = (event: ToldEvent): Shown =>
  Object.fromEntries(
    kept.flatMap((name) => (event[name] === undefined ? [] : [[name, event[name]]])),
  ) as unknown as Shown;

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

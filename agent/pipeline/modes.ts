import { modePoint, overduePoint } from "../config/resolved.ts";
import { isCall, toldOf } from "../core/call.ts";
import { sayDuration } from "../core/duration.ts";
import { inLanguage, type Phrase, phrase } from "../core/language.ts";
import { type InForce, modes } from "../core/modes.ts";
import { earliest, type Mono } from "../core/sample.ts";
import { textMax, timeOfDay } from "../core/text.ts";
import { type Addition, activeOf, maintain, ownKey, remark, say } from "./addition.ts";
import { modeKeys } from "./deeds.ts";

/**
 * Modes in force. Each is an incident of the agent's own that calls nobody, and ends with a report; one whose alarms go on
 * beyond its end did not complete in time, which calls.
 */
export type Modes = readonly InForce[];

/** A mode that somebody begins or ends. */
export type Asked =
  | ({ readonly what: "begin"; readonly forMs: number } & Pick<InForce, "mode" | "target" | "by" | "reason">)
  | ({ readonly what: "end" } & Named);
type Named = Pick<InForce, "mode" | "target">;

/** How long before its end it is told to end: time to prolong it. */
export const warnMs = 600_000;

/** Rules begin anew with each start, and hear how it stands. A mode means what is new in a changed site too. */
export function resume(adding: Addition, inForce: Modes, isChanged: boolean): void {
  for (const { name } of modes) say(adding, modePoint(name), inForce.some(({ mode }) => mode === name) ? 1 : 0);
  say(adding, overduePoint, inForce.some(({ overdue }) => overdue) ? 1 : 0);
  if (isChanged) for (const one of inForce) if (!one.overdue) silence(adding, one);
}

export const silence = (adding: Addition, { mode, target, by, reason, until }: InForce): void =>
  maintain(adding, modeKeys(adding.site, mode, target), { until, by, reason, named: true, mode });

/** One that is in force already is prolonged. */
export function begin(
  adding: Addition,
  before: Modes,
  asked: Omit<InForce, "began" | "overdue" | "expected" | "others">,
): Modes {
  const known = before.find((one) => isSame(one, asked));
  const one: InForce = {
    began: adding.now,
    expected: 0,
    others: 0,
    ...known,
    ...asked,
    overdue: false,
  };
  const after = [...before.filter((other) => other !== known), one];
  const text = words(adding, one, "modeBegan", { by: one.by, why: brief(one.reason) });
  if (before.some(({ mode }) => mode === one.mode)) remark(adding, ownKey(adding, one.mode), "mode_began", text);
  else say(adding, modePoint(one.mode), 1, text);
  return settled(adding, after);
}

export function end(adding: Addition, before: Modes, named: Named): Modes {
  const one = before.find((other) => isSame(other, named));
  return one === undefined ? before : over(adding, before, one);
}

/** What was raised meanwhile, and who was called all the same. */
export function counted({ site, judged: { events } }: Addition, inForce: Modes): Modes {
  if (events.length === 0) return inForce;
  return inForce.map((one) => {
    const mine = new Set(modeKeys(site, one.mode, one.target));
    const expected = events.filter(({ kind, condition }) => kind === "raise" && mine.has(condition.key)).length;
    const others = events.filter((event) => !mine.has(event.condition.key) && isCall(toldOf(event))).length;
    return expected + others === 0 ? one : { ...one, expected: one.expected + expected, others: one.others + others };
  });
}

/** What time brings: a word that one ends soon, its end, and that it is over later than it should have been. */
export function lapsed(adding: Addition, before: Modes, warned: Set<string>): Modes {
  const { now, site } = adding;
  let after = before;
  for (const one of before) {
    const active = activeOf(adding, modeKeys(site, one.mode, one.target));
    const warning = `${one.mode} ${one.target} ${one.until}`;
    if (one.until <= now.at && active === 0) after = over(adding, after, one);
    else if (one.until <= now.at && !one.overdue) {
      const late = { ...one, overdue: true };
      after = after.map((other) => (other === one ? late : other));
      const text = words(adding, late, "modeOverdue", { active: String(active) });
      if (before.some(({ overdue }) => overdue)) remark(adding, ownKey(adding, "mode_overdue"), "mode_overdue", text);
      else say(adding, overduePoint, 1, text);
    } else if (one.until - warnMs <= now.at && one.until > now.at && isLong(one) && !warned.has(warning)) {
      warned.add(warning);
      remark(adding, ownKey(adding, one.mode), "mode_ends", words(adding, one, "modeEnds", { active: String(active) }));
    }
  }
  return after;
}

/** What is so short is not told to end as soon as it begins. */
const isLong = ({ began, until }: InForce): boolean => until - began.at > warnMs;

/** When time will bring something. */
export const modesWakeAt = (inForce: Modes, now: Mono): Mono | null =>
  earliest(inForce.flatMap(({ until }) => [until - warnMs, until].filter((at) => at > now)));

const isSame = (a: Named, b: Named): boolean => a.mode === b.mode && a.target === b.target;

function over(adding: Addition, before: Modes, one: InForce): Modes {
  const { site, now } = adding;
  const after = before.filter((other) => !isSame(other, one));
  const text = words(adding, one, "modeOver", {
    lasted: sayDuration(now.at - one.began.at),
    expected: String(one.expected),
    others: String(one.others),
    active: String(activeOf(adding, modeKeys(site, one.mode, one.target))),
  });
  if (after.some(({ mode }) => mode === one.mode)) remark(adding, ownKey(adding, one.mode), "mode_ended", text);
  else say(adding, modePoint(one.mode), 0, text);
  return settled(adding, after);
}

/** None is overdue any more: that is over too. */
function settled(adding: Addition, after: Modes): Modes {
  if (!after.some(({ overdue }) => overdue)) say(adding, overduePoint, 0);
  return after;
}

function words({ site, now }: Addition, one: InForce, name: Phrase, filled: Readonly<Record<string, string>>): string {
  const said = modes.find(({ name: known }) => known === one.mode)?.said ?? one.mode;
  const what = `${inLanguage(said, site.language)} (${brief(one.target)})`;
  const time = timeOfDay(now.wall + one.until - now.at, site.timeZone);
  return phrase(site.language, name, { what, time, ...filled })
    .concat(".")
    .replace(/\.\.$/, ".")
    .slice(0, textMax);
}

const briefMax = 36;
const brief = (text: string): string => (text.length <= briefMax ? text : `${text.slice(0, briefMax - 1)}…`);

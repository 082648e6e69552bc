import type { LinkNotice } from "../centre/follow.ts";
import {
  type AgentState,
  type CentreState,
  type Incident,
  isStale,
  missingIn,
  type Notice,
  worstFirst,
} from "../centre/index.ts";
import { countOf, type Ranges } from "../core/ranges.ts";
import { clockTime, timeOfDay } from "../core/text.ts";
import { stateWords } from "./incidents-view.ts";
import { type Output, paint } from "./output.ts";

/** How a fleet looks on a terminal: a block for each agent, and what is told of it, a line each. */
const zone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

const clock = (wall: number): string =>
  `${timeOfDay(wall, zone())}:${String(Math.floor(wall / 1000) % 60).padStart(2, "0")}`;

const openShown = 8;
const rangesShown = 3;

/** @param wall now, ms since the Unix epoch */
export function fleetLines(state: CentreState, wall: number, output: Output): string[] {
  const { link, agents, invalid } = state;
  const at = clock(wall);
  const head = link.up
    ? `${at}  ${count(agents.size, "agent")}`
    : paint(output, "high", `${at}  no broker since ${clock(link.since.wall)}: nothing here may hold any more`);
  const wrong = invalid === 0 ? "" : `, ${count(invalid, "message")} not understood`;
  const blocks = [...agents.values()]
    .sort((a, b) => byText(a.site, b.site) || byText(a.agent, b.agent))
    .flatMap((one) => ["", ...agentLines(state, one, wall, output)]);
  return [head + wrong, ...blocks];
}

export function agentLines(state: CentreState, one: AgentState, wall: number, output: Output): string[] {
  const { site, agent, presence, lost, picture } = one;
  const style = presence === "online" ? "cleared" : presence === "lost" ? "high" : "dim";
  const stale = isStale(state, one) && picture.open.size > 0 ? ", what is open is stale" : "";
  const time = (iso: string): string => clockTime(Date.parse(iso), wall, zone());
  const open = worstFirst(picture);
  return [
    `${paint(output, style, `${site}/${agent}`)}  ${presenceWords(one)}${stale}; ${facts(one).join(", ")}`,
    ...(lost === null
      ? []
      : [`  ${paint(output, lost.severity, lost.severity.padEnd(8))}  ${time(lost.onsetAt)}  ${lost.text}`]),
    ...open.slice(0, openShown).map((incident) => incidentLine(incident, time, output)),
    ...(open.length > openShown ? [`  and ${open.length - openShown} more`] : []),
    ...silenceLines(one, time).map((line) => paint(output, "dim", `  ${line}`)),
  ];
}

export function incidentLine(one: Incident, time: (iso: string) => string, output: Output): string {
  const { severity, onsetAt, text, state, annunciate, ackedBy, flapping } = one;
  const notes = [
    stateWords[state],
    ...(flapping ? ["flapping"] : []),
    ...(ackedBy === undefined ? [] : [`${ackedBy} attends`]),
    ...(annunciate ? [] : ["calls nobody"]),
  ];
  return `  ${paint(output, annunciate ? severity : "dim", severity.padEnd(8))}  ${time(onsetAt)}  ${text} ${paint(output, "dim", `(${notes.join(", ")})`)}`;
}

const presenceWords = ({ presence, birth }: AgentState): string =>
  ({
    unknown: "not heard yet",
    online: `online, ${birth?.agentVersion ?? "version not known"}`,
    stopped: "stopped",
    lost: "LOST",
  })[presence];

function facts({ picture, silences, blind, heartbeat, receptions }: AgentState): string[] {
  const missing = [...receptions.values()].flatMap(missingIn);
  const lost = [...receptions.values()].flatMap((one) => one.lost);
  return [
    `${picture.open.size} open`,
    silences === null ? "silences not known" : `${count(silences.count, "condition")} silenced`,
    blind === null ? "blind points not known" : `${blind.count} of ${blind.pointsExpected} points blind`,
    ...(heartbeat === null
      ? []
      : [heartbeat.depth === 0 ? "nothing waits" : `${count(heartbeat.depth, "event")} waiting there`]),
    ...(missing.length === 0 ? [] : [`${count(countOf(missing), "event")} missing`]),
    ...(lost.length === 0 ? [] : [`${count(countOf(lost), "event")} lost`]),
  ];
}

export function silenceLines({ silences }: AgentState, time: (iso: string) => string): string[] {
  if (silences === null) return [];
  const lines = silences.silences.map(({ how, mode, by, reason, until, count: conditions }) => {
    const end = until === null ? "until it clears or is placed back" : `until ${time(until)}`;
    return `silenced ${end}: ${count(conditions, "condition")}, ${mode ?? how} by ${by} (${reason})`;
  });
  return silences.left === 0 ? lines : [...lines, `${silences.left} more conditions silenced, not listed`];
}

/** A notice as a line; events calm and aligned, as the demo shows them. */
export function noticeLine(notice: Notice | LinkNotice, wall: number, output: Output): string {
  const line = (who: string, severity: string, word: string, text: string, style = severity): string =>
    `${clock(wall)}  ${who}  ${paint(output, style, severity.padEnd(8))}  ${paint(output, style, word)}  ${text}`;
  if (notice.kind === "link")
    return line(
      "broker",
      "",
      notice.up ? "connected" : "away",
      notice.up ? `MQTT ${notice.protocol}` : notice.why,
      "dim",
    );
  if (notice.kind === "invalid") return line(notice.topic, "", "not understood", notice.why, "dim");
  const who = `${notice.site}/${notice.agent}`;
  switch (notice.kind) {
    case "event":
    case "open": {
      const { event } = notice;
      const told = notice.kind === "open" ? "open" : (words[event.kind] ?? event.kind);
      const when = notice.kind === "event" && (notice.late || notice.overtaken) ? " (late)" : "";
      const style = !event.annunciate ? "dim" : event.kind === "clear" ? "cleared" : event.severity;
      return line(who, event.severity, `${event.annunciate ? told.toUpperCase() : told}${when}`, event.text, style);
    }
    case "agent_lost":
      return line(who, notice.incident.severity, notice.incident.open ? "LOST" : "back", notice.incident.text);
    default:
      return line(who, "", notice.kind.replaceAll("_", " "), saying(notice), "dim");
  }
}

const words: Readonly<Record<string, string>> = { raise: "raised", clear: "cleared" };

function saying(notice: Exclude<Notice, { kind: "event" | "open" | "agent_lost" | "invalid" }>): string {
  switch (notice.kind) {
    case "gone":
      return `${notice.conditionKey} (${notice.why})`;
    case "silences":
      return count(notice.silences.count, "condition");
    case "blind":
      return `${notice.blind.count} of ${notice.blind.pointsExpected} points`;
    case "online":
    case "stopped":
      return "";
    case "epoch":
      return notice.former === null ? notice.epoch : `${notice.epoch}, after ${notice.former}`;
    case "gap":
    case "lost":
      return `${rangesText(notice.ranges)} of ${notice.epoch}`;
    case "differs":
      return `${notice.expected} open there, ${notice.found} here, or others`;
    case "refused":
      return `${notice.command}: ${notice.code}, ${notice.detail}`;
    case "diag":
      return `${notice.diag.code}: ${notice.diag.text}`;
    case "limit":
      return `more than ${notice.most} ${notice.what}`;
  }
}

function rangesText(ranges: Ranges): string {
  const shown = ranges.slice(0, rangesShown).map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`));
  return [...shown, ...(ranges.length > rangesShown ? [`${ranges.length - rangesShown} more ranges`] : [])].join(", ");
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? "" : "s"}`;

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

import type { IncidentsSnapshot, OpenTold } from "../api/incidents.ts";
import { clockTime } from "../core/text.ts";
import { type Output, paint } from "./output.ts";

/** What is open on a terminal: two lines each, what is wrong and what was done about it. */
export function incidentsView({ at, timeZone, incidents }: IncidentsSnapshot, all: boolean, output: Output): void {
  const time = timeIn(at, timeZone);
  const shown = incidents.filter(({ calls }) => all || calls);
  const quiet = incidents.length - incidents.filter(({ calls }) => calls).length;
  for (const one of shown) {
    output.data(`${paint(output, one.severity, one.severity.padEnd(8))}  ${time(one.onsetAt)}  ${one.text}`);
    output.data(paint(output, "dim", `          ${one.conditionKey}: ${notes(one, time).join(", ")}`));
  }
  if (incidents.length === 0) output.data("No open incidents.");
  else if (shown.length === 0) output.data("Nothing calls.");
  if (quiet > 0 && !all) output.data(`${quiet} more call${quiet === 1 ? "s" : ""} nobody: mepwatch incidents --all`);
}

/** Instants in the site's time zone, with the date where it is not today's. */
export const timeIn =
  (at: string, timeZone: string) =>
  (iso: string): string =>
    clockTime(Date.parse(iso), Date.parse(at), timeZone);

export const stateWords: Readonly<Record<OpenTold["state"], string>> = {
  outOfService: "out of service",
  suppressed: "suppressed",
  shelved: "shelved",
  latched: "gone, waits for a reset",
  "active-unacked": "active",
  "active-acked": "active",
  "rtn-unacked": "gone, waits for an acknowledgement",
  normal: "over",
};

const silencing: readonly OpenTold["state"][] = ["suppressed", "shelved", "outOfService"];

/** Where its state does not say whether somebody is called. */
export const callNote = (state: OpenTold["state"], calls: boolean): string[] =>
  calls ? (silencing.includes(state) ? ["calls all the same"] : []) : ["calls nobody"];

/** State, who attends to it, why it calls nobody. */
function notes(
  { state, flapping, ackedBy, silences, causes, calls }: OpenTold,
  time: (iso: string) => string,
): string[] {
  return [
    stateWords[state],
    ...(flapping ? ["flapping"] : []),
    ackedBy === undefined ? "nobody attends" : `${ackedBy} attends`,
    ...silences.map(({ how, by, reason, until }) => {
      const end = until === null ? "" : ` until ${time(until)}`;
      return `${how} by ${by}${end} (${reason})`;
    }),
    ...causes.map((key) => `caused by ${key}`),
    ...callNote(state, calls),
  ];
}

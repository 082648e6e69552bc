import type { SilenceSnapshot } from "../api/deeds.ts";
import type { EventsPage, IncidentsSnapshot, OpenTold } from "../api/incidents.ts";
import type { StatusSnapshot } from "../api/status.ts";
import { rank, type Severity, severities } from "../core/severity.ts";
import { timeIn } from "./incidents-view.ts";
import { type Output, paint, table } from "./output.ts";

/** What the next shift must know, and nothing else: it fits on a screen. */
export interface Handover {
  readonly site: string;
  readonly timeZone: string;
  readonly since: string;
  readonly at: string;
  /** Incidents by the worst severity that they had meanwhile; `open`: by the one they have now. Worst first. */
  readonly counts: readonly {
    readonly severity: Severity;
    readonly raised: number;
    readonly cleared: number;
    readonly open: number;
  }[];
  /** Those that call first, then the worst, then the oldest. */
  readonly open: readonly OpenTold[];
  /** What was said of many conditions at once is one. The one that ends first comes first. */
  readonly silences: readonly (Omit<SilenceSnapshot, "conditionKey"> & { readonly conditionKeys: readonly string[] })[];
  /** Conditions that flap, or were raised at least three times; most often first. */
  readonly restless: readonly { readonly conditionKey: string; readonly raises: number; readonly flapping: boolean }[];
  readonly silentDevices: readonly { readonly id: string; readonly lastGoodAt: string | null }[];
  readonly broker: StatusSnapshot["broker"];
  readonly waiting: number;
}

const restlessFrom = 3;

export function handoverOf(
  since: string,
  { at, broker, buffer, devices }: StatusSnapshot,
  events: EventsPage,
  { site, timeZone, incidents }: IncidentsSnapshot,
  silences: readonly SilenceSnapshot[],
): Handover {
  const silentDevices = devices
    .filter(({ answering }) => answering === false)
    .map(({ id, lastGoodAt }) => ({ id, lastGoodAt }))
    .toSorted((a, b) => byText(a.id, b.id));
  return {
    site,
    timeZone,
    since,
    at,
    counts: countsOf(events, incidents),
    open: incidents,
    silences: together(silences),
    restless: restlessIn(events, incidents),
    silentDevices,
    broker,
    waiting: buffer.depth,
  };
}

function countsOf(events: EventsPage, open: readonly OpenTold[]): Handover["counts"] {
  const worst = new Map<string, Severity>();
  for (const { incidentId, severity } of events) {
    const known = worst.get(incidentId);
    if (known === undefined || rank(severity) > rank(known)) worst.set(incidentId, severity);
  }
  const told = (kind: "raise" | "clear", severity: Severity): number => {
    const ids = events.filter((one) => one.kind === kind && worst.get(one.incidentId) === severity);
    return new Set(ids.map(({ incidentId }) => incidentId)).size;
  };
  return severities.toReversed().map((severity) => ({
    severity,
    raised: told("raise", severity),
    cleared: told("clear", severity),
    open: open.filter((one) => one.severity === severity).length,
  }));
}

function together(silences: readonly SilenceSnapshot[]): Handover["silences"] {
  const alike = new Map<string, { said: Omit<SilenceSnapshot, "conditionKey">; conditionKeys: string[] }>();
  for (const { conditionKey, ...said } of silences) {
    const id = JSON.stringify([said.how, said.by, said.reason, said.until]);
    const known = alike.get(id);
    if (known === undefined) alike.set(id, { said, conditionKeys: [conditionKey] });
    else known.conditionKeys.push(conditionKey);
  }
  return [...alike.values()]
    .map(({ said, conditionKeys }) => ({ ...said, conditionKeys: conditionKeys.toSorted(byText) }))
    .toSorted(
      (a, b) =>
        byText(a.until ?? never, b.until ?? never) || byText(a.conditionKeys[0] ?? "", b.conditionKeys[0] ?? ""),
    );
}

/** Behind every time, as text. */
const never = "~";

function restlessIn(events: EventsPage, open: readonly OpenTold[]): Handover["restless"] {
  const raises = new Map<string, number>();
  for (const { kind, conditionKey } of events)
    if (kind === "raise") raises.set(conditionKey, (raises.get(conditionKey) ?? 0) + 1);
  const flapping = new Set(open.filter((one) => one.flapping).map(({ conditionKey }) => conditionKey));
  return [...new Set([...flapping, ...raises.keys()])]
    .map((conditionKey) => ({
      conditionKey,
      raises: raises.get(conditionKey) ?? 0,
      flapping: flapping.has(conditionKey),
    }))
    .filter((one) => one.flapping || one.raises >= restlessFrom)
    .toSorted((a, b) => b.raises - a.raises || byText(a.conditionKey, b.conditionKey));
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Lines of each part; what is beyond is counted. */
const openMax = 10;
const partMax = 3;

export function handoverView(handover: Handover, output: Output): void {
  const { site, timeZone, since, at, counts, open, broker, waiting } = handover;
  const time = timeIn(at, timeZone);
  output.data(`Site ${site}, ${time(since)} to ${time(at)} (${timeZone})`);
  const told = counts.filter(({ raised, cleared, open: still }) => raised + cleared + still > 0);
  const rows = told.map(({ severity, raised, cleared, open: still }) => [
    severity,
    ...[raised, cleared, still].map(String),
  ]);
  if (rows.length === 0) output.data("Nothing happened, and nothing is open.");
  else for (const line of table([["", "RAISED", "CLEARED", "STILL OPEN"], ...rows])) output.data(line);
  const parts: readonly (readonly [string, readonly string[], number])[] = [
    ["Open", openLines(open, time, output), openMax],
    ["Silenced", handover.silences.map((one) => silenceLine(one, time)), partMax],
    ["Comes and goes", handover.restless.map(restlessLine), partMax],
    [
      "Does not answer",
      handover.silentDevices.map(
        ({ id, lastGoodAt }) => `${id}, last good read ${lastGoodAt === null ? "never" : time(lastGoodAt)}`,
      ),
      partMax,
    ],
  ];
  for (const [title, lines, most] of parts) {
    if (lines.length === 0) continue;
    output.data("");
    output.data(`${title}:`);
    for (const line of lines.slice(0, most)) output.data(`  ${line}`);
    if (lines.length > most) output.data(`  and ${lines.length - most} more`);
  }
  output.data("");
  const link = broker.connected ? "connected" : `away${broker.trouble === null ? "" : ` (${broker.trouble})`}`;
  output.data(`Broker ${link}; ${waiting === 0 ? "no events wait" : `${waiting} events wait`} for it.`);
}

function openLines(open: readonly OpenTold[], time: (iso: string) => string, output: Output): string[] {
  const rows = open.map(({ severity, onsetAt, text, ackedBy = "nobody", calls }) => {
    return [severity, time(onsetAt), `${ackedBy} attends${calls ? "" : ", calls nobody"}`, text];
  });
  return table(rows).map((line, i) => paint(output, open[i]?.severity ?? "", line));
}

function silenceLine(
  { how, by, reason, until, conditionKeys }: Handover["silences"][number],
  time: (iso: string) => string,
): string {
  const [first = "", ...others] = conditionKeys;
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  const end = until === null ? "without an end" : `until ${time(until)}`;
  return `${end}: ${first}${more}, ${how} by ${by} (${reason})`;
}

const restlessLine = ({ conditionKey, raises, flapping }: Handover["restless"][number]): string =>
  [conditionKey, ...(raises > 1 ? [`raised ${raises} times`] : []), ...(flapping ? ["flapping now"] : [])].join(", ");

import { timeOfDay } from "../core/text.ts";
import { type Output, paint } from "./output.ts";

/** A message as a subscriber received it. */
export interface Received {
  readonly at: number;
  readonly topic: string;
  readonly retain: boolean;
  readonly payload: unknown;
}

/** How the demo shows what arrives: a line for each event, calm and aligned; or everything, as JSON. */
export type View = (message: Received) => void;

export const jsonView =
  (output: Output): View =>
  ({ at, topic, retain, payload }) =>
    output.data(JSON.stringify({ at: new Date(at).toISOString(), topic, retain, payload }));

const words: Readonly<Record<string, string>> = { raise: "raised", clear: "cleared" };

export function terminalView(output: Output): View {
  let shown = 0;
  return ({ at, topic, payload }) => {
    const kind = topic.split("/")[4];
    if (kind === "status") {
      const online = field(payload, "online") === true;
      output.data(
        paint(
          output,
          "dim",
          `${clock(at)}  ${"".padEnd(8)}  ${online ? "online " : "offline"}  the agent has ${online ? "connected" : "gone"}`,
        ),
      );
    }
    if (kind !== "event" && kind !== "backfill") return;
    const data = field(payload, "data");
    if (field(payload, "type") === "mepwatch.gap") {
      output.data(paint(output, "dim", `${clock(at)}  ${"".padEnd(8)}  lost     ${String(field(data, "text"))}`));
      return;
    }
    const severity = String(field(data, "severity"));
    const told = words[String(field(data, "kind"))] ?? String(field(data, "kind"));
    // What calls nobody is recorded and sent like all else.
    const calls = field(data, "annunciate") === true;
    const word = calls ? told.toUpperCase() : told;
    const style = !calls ? "dim" : told === "cleared" ? "cleared" : severity;
    if (shown++ === 0)
      output.data(
        paint(
          output,
          "dim",
          "TIME      SEVERITY  EVENT    WHAT, SINCE WHEN, WHY, WHAT TO DO   (in capitals: somebody is called)",
        ),
      );
    output.data(
      `${clock(at)}  ${paint(output, style, severity.padEnd(8))}  ${paint(output, style, word.padEnd(7))}  ${String(field(data, "text"))}`,
    );
  };
}

const clock = (wall: number): string => {
  const seconds = String(Math.floor(wall / 1000) % 60).padStart(2, "0");
  return `${timeOfDay(wall, Intl.DateTimeFormat().resolvedOptions().timeZone)}:${seconds}`;
};

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

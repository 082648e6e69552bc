import { ask } from "../api/client.ts";
import type { StatusSnapshot } from "../api/status.ts";
import { sayDuration } from "../core/duration.ts";
import type { AddCommand } from "./context.ts";
import { exit, type Output, paint, table } from "./output.ts";

export const socketOption = ["--socket <path>", "socket of the running agent"] as const;
export const socketOf = (
  given: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): string => given ?? environment.MEPWATCH_SOCKET ?? "/run/mepwatch/api.sock";

export const addStatus: AddCommand = (program, { output, environment, exit: end }) => {
  program
    .command("status")
    .option(...socketOption)
    .option("--json", "one JSON document")
    .summary("devices, open incidents, broker and buffer of the running agent")
    .addHelpText("after", "\nExample:\n  $ mepwatch status --json")
    .action(async ({ socket, json }: { socket?: string; json?: true }) => {
      const answer = await ask(socketOf(socket, environment), "/status");
      if (!answer.ok) {
        output.message(answer.message);
        end(answer.why === "unreachable" ? exit.unavailable : exit.failed);
        return;
      }
      if (json) output.data(JSON.stringify(answer.body));
      else show(answer.body as StatusSnapshot, output);
      end(exit.ok);
    });
};

function show(
  {
    at,
    site,
    version,
    devices,
    incidents,
    broker,
    buffer,
    storage,
    notify,
    traps,
    points,
    modes,
    buses,
    configRejected,
  }: StatusSnapshot,
  output: Output,
): void {
  const waiting =
    buffer.depth === 0 ? "nothing waits" : `${buffer.depth} events wait, oldest ${sayDuration(buffer.oldestAgeMs)}`;
  output.data(`mepwatch ${version}, site ${site}`);
  output.data(
    `broker ${broker.connected ? "connected" : "away"}${broker.trouble === null ? "" : ` (${broker.trouble})`}, ${waiting}; ${points.good} of ${points.expected} points good`,
  );
  if (configRejected)
    output.data(paint(output, "medium", "The newest site file was refused: running on the last accepted one."));
  if (storage.degraded !== null)
    output.data(
      paint(
        output,
        "high",
        `storage degraded (${storage.degraded}): incidents are told from memory, a restart loses them.`,
      ),
    );
  if (storage.reset !== null)
    output.data(paint(output, "high", `The store was damaged (${storage.reset}) and begun anew; look at the log.`));
  for (const { channel, trouble, waiting } of notify)
    if (trouble !== null)
      output.data(paint(output, "high", `second path, ${channel}: ${trouble}; ${waiting} messages wait.`));
  for (const { section, at, trouble, received, refused, dropped } of traps?.listeners ?? []) {
    if (trouble !== null)
      output.data(paint(output, "high", `${section} at ${at} does not hear all: ${trouble}; polling goes on.`));
    else output.data(`${section} at ${at}: ${received} received, ${refused} refused, ${dropped} dropped`);
  }
  if (traps !== null) output.data(`${traps.taken} traps taken${traps.isStorm ? " (storm)" : ""}`);
  for (const { mode, target, by, reason, until, overdue } of modes) {
    const end = overdue ? "did not complete in time" : `until ${until}`;
    output.data(paint(output, overdue ? "medium" : "info", `${mode} of ${target} ${end}, by ${by}: ${reason}`));
  }
  output.data("");
  const rows = devices.map(({ id, protocol, answering, lastGoodAt, fault, identity }) => {
    const state = answering === null ? "not asked yet" : answering ? "answers" : "silent";
    const lastGood = lastGoodAt === null ? "never" : `${age(lastGoodAt, at)} ago`;
    const [told] = Object.entries(identity?.told ?? {}).map(([part, text]) => `${part} ${text}`);
    return [id, protocol, state, lastGood, told ?? "–", fault ?? ""];
  });
  for (const line of table([["DEVICE", "PROTOCOL", "STATE", "LAST GOOD READ", "TELLS IT IS", ""], ...rows]))
    output.data(line);
  output.data("");
  for (const line of buses.flatMap(busLine)) output.data(line);
  if (incidents.length === 0) output.data("No open incidents.");
  for (const { severity, raisedAt, text } of incidents) {
    output.data(`${paint(output, severity, severity.padEnd(8))}  for ${age(raisedAt, at).padEnd(7)}  ${text}`);
  }
}

/** Of a bus whose time is known to be short: a serial line, or one on which polls were left out. */
function busLine({ id, planned, measured, skipped }: StatusSnapshot["buses"][number]): string[] {
  if (planned === null && skipped === 0) return [];
  const plan = planned === null ? "" : `${percent(planned)} planned, `;
  const uses = Object.entries(measured).map(([use, share]) => `${percent(share)} ${use}`);
  const left = skipped === 0 ? "" : `; ${skipped} polls left out since the start, as it is too slow for all`;
  return [`bus ${id}: ${plan}used ${uses.join(", ")}${left}`];
}

export const percent = (share: number): string => `${Math.round(100 * share)} %`;

const age = (since: string, now: string): string => sayDuration(Math.max(0, Date.parse(now) - Date.parse(since)));

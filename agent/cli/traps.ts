import type { TrapSnapshot, TrapsSnapshot } from "../api/traps.ts";
import { sayDuration } from "../core/duration.ts";
import { asked } from "./asked.ts";
import type { AddCommand } from "./context.ts";
import { exit, type Output, paint, table } from "./output.ts";
import { socketOption } from "./status.ts";

export const addTraps: AddCommand = (program, context) => {
  const { output, exit: end } = context;
  program
    .command("traps")
    .option(...socketOption)
    .option("--json", "one JSON document")
    .summary(
      "traps, informs and event notifications that came, also those that nobody knows, and why others were refused",
    )
    .addHelpText("after", "\nExample:\n  $ mepwatch traps")
    .action(async ({ socket, json }: { socket?: string; json?: true }) => {
      const answer = await asked<{ heard: TrapsSnapshot | null }>("/traps", socket, context);
      if ("code" in answer) return end(answer.code);
      const { heard } = answer.body;
      if (json) output.data(JSON.stringify(heard));
      else if (heard === null) output.data("No traps are heard: the site file has no section traps (SNMP) or bacnet.");
      else show(heard, output);
      end(exit.ok);
    });
};

/** Of one trap; --json has all. */
const bindingsShown = 4;

function show(heard: TrapsSnapshot, output: Output): void {
  for (const { section, at, known, trouble, received, answered, refused, dropped } of heard.listeners) {
    output.data(`${section} at ${at}, ${known}`);
    if (trouble !== null) output.data(paint(output, "high", `Not all is heard: ${trouble}`));
    output.data(
      `${received} received: ${answered} answered for the sender to begin, ${refused} refused, ${dropped} dropped`,
    );
  }
  output.data(`${heard.taken} taken${heard.isStorm ? " (storm)" : ""}`);
  for (const { why, count, source, at } of heard.refusedBy)
    output.data(`refused ${count}: ${why}; the last one from ${source} at ${at}`);
  output.data("");
  if (heard.traps.length === 0) output.data("No trap was taken.");
  else {
    const head = ["LAST", "COUNT", "SOURCE", "DEVICE", "TRAP", "HOW", "SAYS"];
    for (const line of table([head, ...heard.traps.map(rowOf)])) output.data(line);
  }
  if (heard.forgotten > 0) output.data(`${heard.forgotten} older ones are not kept.`);
}

/** As a rule one; behind a gateway there may be many. */
function deviceNames(devices: readonly string[]): string {
  const [first = "unknown", ...others] = devices;
  return others.length === 0 ? first : `${first} and ${others.length} more`;
}

function rowOf({ lastAt, count, firstAt, source, devices, trap, name, by, bindings }: TrapSnapshot): string[] {
  const over = sayDuration(Date.parse(lastAt) - Date.parse(firstAt));
  const said = bindings.slice(0, bindingsShown).map(({ name, text }) => `${name}=${text}`);
  return [
    lastAt,
    count === 1 ? "1" : `${count} in ${over}`,
    source,
    deviceNames(devices),
    name === null ? `${trap} (unknown)` : `${name} ${trap}`,
    by,
    [...said, ...(bindings.length > bindingsShown ? ["…"] : [])].join(" "),
  ];
}

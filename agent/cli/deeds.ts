import type { Command } from "commander";
import { ask } from "../api/client.ts";
import type { DeedAnswer, DeedBody } from "../api/deeds.ts";
import { parseDuration } from "../core/duration.ts";
import { modes } from "../core/modes.ts";
import type { AddCommand, Context } from "./context.ts";
import { exit } from "./output.ts";
import { socketOf, socketOption } from "./status.ts";

/** What a technician does to incidents and conditions: one command each, all of one shape. */
interface Verb {
  readonly verb: string;
  readonly name: DeedBody["name"];
  readonly summary: string;
  /** What it asks for beside the target. */
  readonly asks: readonly ("reason" | "for" | "mode" | "rev" | "second" | "breakGlass")[];
  readonly example: string;
}

const verbs: readonly Verb[] = [
  { verb: "ack", name: "ack", summary: "take an incident: somebody attends to it", asks: ["rev"], example: "crac-2" },
  { verb: "unack", name: "unack", summary: "give it back: nobody attends to it any more", asks: [], example: "crac-2" },
  {
    verb: "reset",
    name: "reset",
    summary: "close a latched incident that is over",
    asks: ["rev"],
    example: "leak-1/leak",
  },
  {
    verb: "shelve",
    name: "shelve",
    summary: "call nobody for a while, or until it clears",
    asks: ["for", "reason", "second", "breakGlass"],
    example: 'pdu-b2/inlet-hot --for 2h --reason "door open for works"',
  },
  { verb: "unshelve", name: "unshelve", summary: "take from the shelf", asks: [], example: "pdu-b2/inlet-hot" },
  {
    verb: "maintenance",
    name: "maintenance",
    summary: "work on something: call nobody for it until it is done",
    asks: ["for", "reason", "second"],
    example: '"zone=east class=crac" --for 4h --reason "filter change"',
  },
  {
    verb: "maintenance-end",
    name: "maintenance_end",
    summary: "the work is done: what is wrong still calls now",
    asks: [],
    example: '"zone=east class=crac"',
  },
  {
    verb: "mode",
    name: "maintenance",
    summary: `call nobody for what belongs to it: ${modes.map(({ name }) => name).join(", ")}`,
    asks: ["mode", "for", "reason", "second"],
    example: `'room="Hall 1"' --mode generator-test --for 1h --reason "monthly test"`,
  },
  {
    verb: "mode-end",
    name: "maintenance_end",
    summary: "it is done before its time: what is wrong still calls now",
    asks: ["mode"],
    example: `'room="Hall 1"' --mode generator-test`,
  },
  {
    verb: "out-of-service",
    name: "out_of_service",
    summary: "call nobody for it until it is placed back",
    asks: ["reason"],
    example: 'crac-3 --reason "awaits a compressor"',
  },
  { verb: "in-service", name: "in_service", summary: "place it back", asks: [], example: "crac-3" },
];

interface Given {
  readonly socket?: string;
  readonly json?: true;
  readonly preview?: true;
  readonly user?: string;
  readonly reason?: string;
  readonly for?: string;
  readonly mode?: string;
  readonly rev?: string;
  readonly with?: string;
  readonly breakGlass?: true;
}

const options: Readonly<Record<Verb["asks"][number], (command: Command) => Command>> = {
  reason: (command) => command.requiredOption("--reason <text>", "why; it is published with the silence"),
  for: (command) =>
    command.option("--for <duration>", "for how long, such as 2h; a shelf without it ends as it clears"),
  mode: (command) => command.requiredOption("--mode <name>", modes.map(({ name }) => name).join(", ")),
  rev: (command) => command.option("--rev <n>", "refuse if something has happened since this revision"),
  second: (command) => command.option("--with <user>", "who else agrees; for more than 8 h"),
  breakGlass: (command) => command.option("--break-glass", "in an emergency: what is critical, for at most 1 h"),
};

export const addDeeds: AddCommand = (program, context) => {
  for (const one of verbs) {
    const command = program
      .command(one.verb)
      .argument("<target>", "device, device/rule, condition key, incident id, or a selector such as zone=east")
      .option(...socketOption)
      .option("--user <name>", "who does it; default: the user of this terminal")
      .option("--preview", "only show what is meant")
      .option("--json", "one JSON document")
      .summary(one.summary)
      .addHelpText("after", `\nExample:\n  $ mepwatch ${one.verb} ${one.example}`);
    for (const asked of one.asks) options[asked](command);
    command.action(async (target: string, given: Given) => context.exit(await run(one, target, given, context)));
  }
};

async function run({ name }: Verb, target: string, given: Given, context: Context): Promise<number> {
  const { output, environment } = context;
  const forMs = given.for === undefined ? null : parseDuration(given.for);
  if (given.for !== undefined && forMs === null) {
    output.message(`--for ${given.for}: expected a duration such as 30m, 2h`);
    return exit.usage;
  }
  const body: DeedBody = {
    name,
    target,
    user: given.user ?? environment.SUDO_USER ?? environment.USER ?? "somebody",
    reason: given.reason ?? "",
    forMs,
    ...(given.mode === undefined ? {} : { mode: given.mode }),
    ...(given.rev === undefined ? {} : { rev: Number(given.rev) }),
    ...(given.with === undefined ? {} : { second: given.with }),
    breakGlass: given.breakGlass === true,
    preview: given.preview === true,
  };
  const answer = await ask(socketOf(given.socket, environment), "/command", body);
  if (!answer.ok) {
    output.message(answer.message);
    return answer.why === "unreachable" ? exit.unavailable : exit.failed;
  }
  const { conditions } = answer.body as DeedAnswer;
  const isEnd = name === "maintenance_end" && given.mode !== undefined;
  if (given.json) output.data(JSON.stringify(answer.body));
  else if (conditions.length === 0 && isEnd) output.data("It is over; nothing was silenced by it any more.");
  else show(conditions, context);
  if (conditions.length === 0 && isEnd) return exit.ok;
  return conditions.some(({ result }) => result !== "rejected") ? exit.ok : exit.failed;
}

function show(conditions: DeedAnswer["conditions"], { output }: Context): void {
  for (const { conditionKey, result, code, detail } of conditions) {
    if (result === "rejected") output.message(`${conditionKey}: refused, ${detail} (${code})`);
    else output.data(`${conditionKey}: ${result === "ok" ? "done" : "is meant"}`);
  }
  if (conditions.length === 0) output.message("Nothing to do it to: no open incident there.");
}

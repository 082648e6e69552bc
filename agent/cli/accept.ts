import type { AcceptAnswer, AcceptBody } from "../api/accept.ts";
import { ask } from "../api/client.ts";
import type { AddCommand } from "./context.ts";
import { exit, table } from "./output.ts";
import { socketOf, socketOption } from "./status.ts";

interface Given {
  readonly socket?: string;
  readonly json?: true;
  readonly preview?: true;
  readonly user?: string;
  readonly reason: string;
}

export const addAccept: AddCommand = (program, { output, environment, exit: end }) => {
  program
    .command("accept")
    .argument("<device>", "the device that was replaced")
    .option(...socketOption)
    .option("--user <name>", "who does it; default: the user of this terminal")
    .requiredOption("--reason <text>", "why; it is kept with what the device is now")
    .option("--preview", "only show what it was and what it is")
    .option("--json", "one JSON document")
    .summary("a device was replaced: take the one that answers now for the right one")
    .addHelpText("after", '\nExample:\n  $ mepwatch accept ups-a --reason "card replaced, order 4711"')
    .action(async (device: string, { socket, json, preview, user, reason }: Given) => {
      const who = user ?? environment.SUDO_USER ?? environment.USER ?? "somebody";
      const body: AcceptBody = { device, user: who, reason, preview: preview === true };
      const answer = await ask(socketOf(socket, environment), "/accept", body);
      if (!answer.ok) {
        output.message(answer.message);
        end(answer.why === "unreachable" ? exit.unavailable : exit.failed);
        return;
      }
      const { was, is } = answer.body as AcceptAnswer;
      if (json) output.data(JSON.stringify(answer.body));
      else {
        const parts = [...new Set([...Object.keys(was), ...Object.keys(is)])];
        const rows = parts.map((part) => [part, was[part] ?? "–", is[part] ?? "–"]);
        for (const line of table([["PART", "WAS", "IS"], ...rows])) output.data(line);
        output.message(preview ? `${device}: nothing is changed yet.` : `${device}: done.`);
      }
      end(exit.ok);
    });
};

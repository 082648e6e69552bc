import { ask } from "../api/client.ts";
import type { SilenceSnapshot } from "../api/deeds.ts";
import type { AddCommand } from "./context.ts";
import { exit, table } from "./output.ts";
import { socketOf, socketOption } from "./status.ts";

export const addSilences: AddCommand = (program, { output, environment, exit: end }) => {
  program
    .command("silences")
    .option(...socketOption)
    .option("--json", "one JSON document")
    .summary("everything that calls nobody because somebody said so: who, why, until when")
    .addHelpText("after", "\nExample:\n  $ mepwatch silences")
    .action(async ({ socket, json }: { socket?: string; json?: true }) => {
      const answer = await ask(socketOf(socket, environment), "/silences");
      if (!answer.ok) {
        output.message(answer.message);
        end(answer.why === "unreachable" ? exit.unavailable : exit.failed);
        return;
      }
      const all = answer.body as readonly SilenceSnapshot[];
      if (json) output.data(JSON.stringify(all));
      else if (all.length === 0) output.data("Nothing is silenced.");
      else {
        const rows = all.map(({ conditionKey, how, mode, until, by, reason }) => [
          conditionKey,
          mode ?? how,
          until ?? "–",
          by,
          reason,
        ]);
        for (const line of table([["CONDITION", "HOW", "UNTIL", "BY", "WHY"], ...rows])) output.data(line);
      }
      end(exit.ok);
    });
};

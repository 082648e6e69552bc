import { ask } from "../api/client.ts";
import type { PointValue } from "../api/status.ts";
import type { AddCommand } from "./context.ts";
import { exit, paint, table } from "./output.ts";
import { socketOf, socketOption } from "./status.ts";

export const addRead: AddCommand = (program, { output, environment, exit: end }) => {
  program
    .command("read")
    .argument("<device[/point]>", "what to read, as the site file names it")
    .option(...socketOption)
    .option("--json", "one JSON document")
    .summary("read a device now, through the running agent")
    .addHelpText("after", "\nExamples:\n  $ mepwatch read ups-a\n  $ mepwatch read crac-1/supply-temperature")
    .action(async (target: string, { socket, json }: { socket?: string; json?: true }) => {
      const path = target.split("/").map(encodeURIComponent).join("/");
      const answer = await ask(socketOf(socket, environment), `/read/${path}`);
      if (!answer.ok) {
        output.message(answer.message);
        end(answer.why === "unreachable" ? exit.unavailable : exit.failed);
        return;
      }
      const values = answer.body as PointValue[];
      if (json) output.data(JSON.stringify(values));
      else {
        const rows = values.map(({ point, value, quality, reason }) => [point, value ?? "–", quality, reason ?? ""]);
        for (const line of table(rows)) output.data(line);
      }
      const good = values.some(({ quality }) => quality === "good");
      if (!good) output.message(paint(output, "high", `${target}: no good value.`));
      end(good ? exit.ok : exit.unavailable);
    });
};

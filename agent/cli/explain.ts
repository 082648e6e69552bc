import { ask } from "../api/client.ts";
import type { ExplainSnapshot } from "../api/explain.ts";
import type { AddCommand } from "./context.ts";
import { explainView } from "./explain-view.ts";
import { exit } from "./output.ts";
import { socketOf, socketOption } from "./status.ts";

export const addExplain: AddCommand = (program, { output, environment, exit: end }) => {
  program
    .command("explain")
    .argument("<target>", "device, device/point, device/rule, condition key, or the id of an open incident")
    .option(...socketOption)
    .option("--json", "one JSON document")
    .summary("why something is, or is not, an alarm, since when, and what comes next")
    .addHelpText("after", "\nExamples:\n  $ mepwatch explain pdu-b2/inlet-hot\n  $ mepwatch explain crac-2 --json")
    .action(async (target: string, { socket, json }: { socket?: string; json?: true }) => {
      const path = target.split("/").map(encodeURIComponent).join("/");
      const answer = await ask(socketOf(socket, environment), `/explain/${path}`);
      if (!answer.ok) {
        output.message(answer.message);
        end(answer.why === "unreachable" ? exit.unavailable : exit.failed);
        return;
      }
      const snapshot = answer.body as ExplainSnapshot;
      if (json) output.data(JSON.stringify(snapshot));
      else explainView(snapshot, target, output);
      end(exit.ok);
    });
};

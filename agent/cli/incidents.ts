import type { ExplainSnapshot } from "../api/explain.ts";
import type { IncidentSnapshot, IncidentsSnapshot } from "../api/incidents.ts";
import { asked, inPath } from "./asked.ts";
import type { AddCommand } from "./context.ts";
import { incidentView } from "./incident-view.ts";
import { incidentsView } from "./incidents-view.ts";
import { exit, silent } from "./output.ts";
import { socketOption } from "./status.ts";

interface Given {
  readonly socket?: string;
  readonly json?: true;
}

export const addIncidents: AddCommand = (program, context) => {
  const { output } = context;
  program
    .command("incidents")
    .option(...socketOption)
    .option("--json", "one JSON document, with all of them")
    .option("--all", "also those that call nobody")
    .summary("what is open, worst first")
    .addHelpText("after", "\nExample:\n  $ mepwatch incidents --all")
    .action(async ({ socket, json, all }: Given & { all?: true }) => {
      const answer = await asked<IncidentsSnapshot>("/incidents", socket, context);
      if ("code" in answer) {
        context.exit(answer.code);
        return;
      }
      if (json) output.data(JSON.stringify(answer.body));
      else incidentsView(answer.body, all === true, output);
      context.exit(exit.ok);
    });
};

export const addIncident: AddCommand = (program, context) => {
  const { output } = context;
  program
    .command("incident")
    .argument("<target>", "id of an incident, open or over; condition key, device/rule or device")
    .option(...socketOption)
    .option("--json", "one JSON document")
    .summary("one incident: what led to it, what was done since, what it comes from, how it stands")
    .addHelpText("after", "\nExamples:\n  $ mepwatch incident pdu-b2/inlet-hot\n  $ mepwatch incident crac-2 --json")
    .action(async (target: string, { socket, json }: Given) => {
      const answer = await asked<IncidentSnapshot>(`/incidents/${inPath(target)}`, socket, context);
      if ("code" in answer) {
        context.exit(answer.code);
        return;
      }
      if (json) output.data(JSON.stringify(answer.body));
      else {
        for (const [i, one] of answer.body.incidents.entries()) {
          if (i > 0) output.data("");
          // Of a rule that is gone there is nothing to explain.
          const why = await asked<ExplainSnapshot>(`/explain/${inPath(one.conditionKey)}`, socket, {
            ...context,
            output: silent,
          });
          incidentView(answer.body, one, "body" in why ? (why.body.conditions[0] ?? null) : null, output);
        }
      }
      context.exit(exit.ok);
    });
};

import { ask } from "../api/client.ts";
import type { KpiSnapshot } from "../api/kpi.ts";
import { sayDuration } from "../core/duration.ts";
import { number } from "../core/text.ts";
import type { AddCommand } from "./context.ts";
import { exit, table } from "./output.ts";
import { socketOf, socketOption } from "./status.ts";

export const addKpi: AddCommand = (program, { output, environment, exit: end }) => {
  program
    .command("kpi")
    .option(...socketOption)
    .option("--json", "one JSON document")
    .summary("how the alarms of the last 24 hours did by ISA-18.2 and IEC 62682")
    .addHelpText("after", "\nExample:\n  $ mepwatch kpi")
    .action(async ({ socket, json }: { socket?: string; json?: true }) => {
      const answer = await ask(socketOf(socket, environment), "/kpi");
      if (!answer.ok) {
        output.message(answer.message);
        end(answer.why === "unreachable" ? exit.unavailable : exit.failed);
        return;
      }
      const snapshot = answer.body as KpiSnapshot;
      if (json) output.data(JSON.stringify(snapshot));
      else for (const line of kpiView(snapshot)) output.data(line);
      end(exit.ok);
    });
};

type Row = KpiSnapshot["kpis"][number];

/** Times are shown only where there is one. */
export function kpiView({ site, kpis }: KpiSnapshot): string[] {
  const rows = kpis
    .filter(({ unit, value }) => unit !== "ms" || value !== null)
    .map((kpi) => [kpi.what, said(kpi.value, kpi), targetOf(kpi), kpi.met === null ? "" : kpi.met ? "met" : "NOT MET"]);
  return [`Alarms of ${site}, last 24 hours`, ...table([["", "VALUE", "TARGET", ""], ...rows])];
}

const said = (value: number | null, { unit }: Row): string =>
  value === null
    ? "–"
    : unit === "ms"
      ? sayDuration(value)
      : unit === "share"
        ? `${number(value * 100)} %`
        : number(value);

const targetOf = (kpi: Row): string => (kpi.target === null ? "–" : `${kpi.target.is} ${said(kpi.target.value, kpi)}`);

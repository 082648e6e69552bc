import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realEnv } from "../env.ts";
import type { Row } from "../simulate/bench.ts";
import type { AddCommand } from "./context.ts";
import { exit, table } from "./output.ts";

export const addBench: AddCommand = (program, { output, exit: end }) => {
  program
    .command("bench [group]", { hidden: true })
    .summary("how fast it is on this machine")
    .option("--json", "a JSON line for each row")
    .action(async (group: string | undefined, { json }: { json?: true }) => {
      const { benchRules } = await import("../simulate/bench.ts");
      const { benchHistory } = await import("../simulate/bench-history.ts");
      const env = realEnv({ logLevel: "error" });
      const groups: Readonly<Record<string, () => Row[]>> = {
        rules: () => benchRules(env, heapUsed),
        history: () => inFolder((folder) => benchHistory(join(folder, "history.db"), cpuMs)),
      };
      const chosen = group === undefined ? Object.values(groups) : [groups[group]];
      const rows = chosen.flatMap((run) => run?.() ?? []);
      if (rows.length === 0) {
        output.message(`no group "${group}"; expected one of ${Object.keys(groups).join(", ")}`);
        end(exit.usage);
        return;
      }
      if (json) for (const row of rows) output.data(JSON.stringify(row));
      else for (const line of table([["BENCH", "METRIC", "OURS", "GOAL", ""], ...rows.map(cells)])) output.data(line);
      end(exit.ok);
    });
};

const cells = ({ bench, metric, unit, ours, goal, ok }: Row): string[] => [
  bench,
  metric,
  `${ours.toLocaleString("en")} ${unit}`,
  `${goal} ${unit}`,
  ok ? "" : "not met",
];

/** After a collection where the runtime allows to ask for one (node --expose-gc). */
function heapUsed(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed;
}

/** Of this process so far. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "mepwatch-bench-"));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

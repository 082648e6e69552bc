import type { TrendSnapshot } from "../api/trend.ts";
import { asked, inPath } from "./asked.ts";
import type { AddCommand } from "./context.ts";
import { exit } from "./output.ts";
import { socketOption } from "./status.ts";
import { trendView } from "./trend-view.ts";

export const addTrend: AddCommand = (program, context) => {
  const { output } = context;
  program
    .command("trend")
    .argument("<device/point>", "what to look back at, as the site file names it")
    .option("--since <duration>", "how far back, such as 30m, 8h, 7d", "8h")
    .option(...socketOption)
    .option("--json", "one JSON document")
    .summary("what a point said in the last hours or days: a line, and least, mean and most of each stretch")
    .addHelpText("after", "\nExample:\n  $ mepwatch trend crac-1/supply-temperature --since 24h")
    .action(async (target: string, { since, socket, json }: { since: string; socket?: string; json?: true }) => {
      const path = `/trend/${inPath(target)}?since=${encodeURIComponent(since)}`;
      const answer = await asked<TrendSnapshot>(path, socket, context);
      if ("code" in answer) {
        context.exit(answer.code);
        return;
      }
      if (json) output.data(JSON.stringify(answer.body));
      else for (const line of trendView(answer.body)) output.data(line);
      context.exit(exit.ok);
    });
};

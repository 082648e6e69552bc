import { sayProblem } from "../config/problem.ts";
import { selfId } from "../config/resolved.ts";
import type { AddCommand } from "./context.ts";
import { exit } from "./output.ts";
import { loadFrom, settingsBeside, tellAll } from "./site.ts";

export const addValidate: AddCommand = (program, context) => {
  program
    .command("validate")
    .argument("<file>", "site file")
    .summary("check a site file, its profiles and the settings beside it")
    .description(
      "Checks a site file, the profiles and class rules it names and settings.yaml beside it. Exits 0, or 78 with every problem.",
    )
    .addHelpText("after", "\nExample:\n  $ mepwatch validate /etc/mepwatch/site.yaml")
    .action((file: string) => {
      const loaded = loadFrom(file, context);
      const problems = [...settingsBeside(file, context).problems, ...loaded.problems.map(sayProblem)];
      if (loaded.site === null || problems.length > 0) {
        tellAll(problems, context);
        context.exit(exit.config);
        return;
      }
      const { id, devices, buses, model } = loaded.site;
      // Not those by which the agent watches itself: they are not in the file.
      const rules = model.rules.filter(({ conditions: [first] }) => !first?.key.startsWith(`${id}/${selfId}/`));
      const points = devices.reduce((sum, device) => sum + device.points.length, 0);
      context.output.data(
        `${file}: ${devices.length} devices on ${buses.length} buses, ${points} points, ${rules.length} rules: good.`,
      );
      context.exit(exit.ok);
    });
};

import { sayProblem } from "../config/problem.ts";
import { type Bus, type Site, selfId } from "../config/resolved.ts";
import { plannedOf, wantedOf } from "../pipeline/wanted.ts";
import type { AddCommand } from "./context.ts";
import { exit } from "./output.ts";
import { loadFrom, settingsBeside, tellAll } from "./site.ts";
import { percent } from "./status.ts";

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
      const { site } = loaded;
      const { id, devices, buses, model } = site;
      // Not those by which the agent watches itself: they are not in the file.
      const rules = model.rules.filter(({ conditions: [first] }) => !first?.key.startsWith(`${id}/${selfId}/`));
      const points = devices.reduce((sum, device) => sum + device.points.length, 0);
      context.output.data(
        `${file}: ${devices.length} devices on ${buses.length} buses, ${points} points, ${rules.length} rules: good.`,
      );
      for (const line of buses.flatMap((bus) => busLine(site, bus))) context.output.data(line);
      context.exit(exit.ok);
    });
};

/** Of a bus whose time is known before: how much of it all polls take. */
function busLine(site: Site, bus: Bus): string[] {
  const planned = plannedOf(bus, wantedOf(site, bus));
  if (planned === null) return [];
  const much =
    planned <= 1 ? "" : "; more than there is, so that polls are left out. Read less often, or at more baud.";
  return [`bus ${bus.id}: its polls take ${percent(planned)} of the line's time${much}`];
}

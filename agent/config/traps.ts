import * as z from "zod";
import { optionsOf } from "./buses.ts";
import { check } from "./check.ts";
import { inside } from "./document.ts";
import { didYouMean, type Problem } from "./problem.ts";
import type { Profiled, Sources } from "./resolve.ts";
import type { Bus, Device, DeviceTrap, SiteListener } from "./resolved.ts";
import { trapOptions } from "./schema.ts";

/** How the site's devices are heard unasked: a section of the site file for each protocol that has that. */
export function listenersOf(
  { document, config, drivers, secrets }: Pick<Sources, "document" | "config" | "drivers" | "secrets">,
  buses: Iterable<Bus>,
  problems: Problem[],
): readonly SiteListener[] {
  for (const section of ["traps", "bacnet"] as const) {
    if (config[section] === undefined || drivers.some(({ listening }) => listening?.section === section)) continue;
    problems.push(document.problem([section], "no protocol here has this; expected it to be left out"));
  }
  const all = [...buses];
  return drivers.flatMap((driver): SiteListener[] => {
    const { listening } = driver;
    if (listening === undefined) return [];
    const { section } = listening;
    const written = config[section];
    if (written === undefined) {
      for (const { id } of all.filter((bus) => bus.driver === driver && listening.isNeededBy?.(bus.options))) {
        const at =
          id in config.buses ? ["buses", id] : ["devices", config.devices.findIndex((one) => one?.id === id), "bus"];
        const what = `without host its devices are looked for on the network; expected host, or the section "${section}" in this file`;
        problems.push(document.problem(at, what));
      }
      return [];
    }
    const options = optionsOf({ document, secrets }, listening.options, written, [section], problems);
    return options === null ? [] : [{ driver, listening, options }];
  });
}

/** What a device says unasked, as its profile knows it. */
export function deviceTraps(
  { profile, document, driver }: Pick<Profiled, "profile" | "document" | "driver">,
  { id, points }: Pick<Device, "id" | "points">,
  problems: Problem[],
): { readonly traps?: readonly DeviceTrap[] } {
  const written = Object.entries(profile.traps);
  if (written.length === 0) return {};
  const { listening } = driver;
  if (listening === undefined) {
    problems.push(document.problem(["traps"], `${driver.protocol} has no traps; expected this to be left out`));
    return {};
  }
  const known = points.map(({ own }) => own);
  const traps = written.flatMap(([name, { points: named, ...rest }]): DeviceTrap[] => {
    const place = inside(document, ["traps", name]);
    const common = check(place, [], z.strictObject(trapOptions), { points: named }, problems);
    const trap = check(place, [], listening.trap, rest, problems);
    for (const [i, own] of (common?.points ?? []).entries()) {
      if (known.includes(own)) continue;
      const what = `no point "${own}"; expected points of this profile.${didYouMean(own, known)}`;
      problems.push(place.problem(["points", i], what));
    }
    return common === null || trap === null ? [] : [{ name, trap, points: common.points.map((own) => `${id}/${own}`) }];
  });
  return { traps };
}

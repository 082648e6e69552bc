import * as z from "zod";
import { optionsOf } from "./buses.ts";
import { check } from "./check.ts";
import { inside } from "./document.ts";
import { didYouMean, type Problem } from "./problem.ts";
import type { Profiled, Sources } from "./resolve.ts";
import type { Device, DeviceTrap, SiteListener } from "./resolved.ts";
import { trapOptions } from "./schema.ts";

/** How the site's devices are heard unasked, by the one protocol that has it. */
export function listenerOf(
  { document, config, drivers, secrets }: Pick<Sources, "document" | "config" | "drivers" | "secrets">,
  problems: Problem[],
): { readonly traps?: SiteListener } {
  if (config.traps === undefined) return {};
  for (const driver of drivers) {
    const { listening } = driver;
    if (listening === undefined) continue;
    const options = optionsOf({ document, secrets }, listening.options, config.traps, ["traps"], problems);
    return options === null ? {} : { traps: { driver, listening, options } };
  }
  problems.push(document.problem(["traps"], "no protocol here has traps; expected this to be left out"));
  return {};
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

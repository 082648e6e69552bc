import { firmware, type Identity } from "../core/identity.ts";
import { identity } from "../core/rules/identity.ts";
import { check } from "./check.ts";
import { inside, type Place } from "./document.ts";
import { didYouMean, type Problem } from "./problem.ts";
import type { Profiled } from "./resolve.ts";
import type { Device, DeviceIdentity } from "./resolved.ts";

/** By what a device is told from another: where its profile finds that, and what the site says it is. */
export function identityOf(
  { profile, document, driver }: Pick<Profiled, "profile" | "document" | "driver">,
  given: Identity,
  place: Place,
  problems: Problem[],
): { readonly identity?: DeviceIdentity } {
  const written = Object.entries(profile.identity ?? {});
  const known = written.map(([name]) => name);
  for (const name of Object.keys(given).filter((one) => !known.includes(one))) {
    const expected = known.length === 0 ? "expected this to be left out" : `expected one of ${known.join(", ")}`;
    const what = `profile ${profile.profile} tells no ${name}; ${expected}.${didYouMean(name, known)}`;
    problems.push(place.problem([name], what));
  }
  if (written.length === 0) return {};
  const schema = driver.part;
  if (schema === undefined) {
    const what = `no device tells by ${driver.protocol} who it is; expected this to be left out`;
    problems.push(document.problem(["identity"], what));
    return {};
  }
  const parts = written.flatMap(([name, address]) => {
    const checked = check(inside(document, ["identity", name]), [], schema, address, problems);
    return checked === null ? [] : [{ name, address: checked }];
  });
  return { identity: { parts, given } };
}

/** The rule that every such device has, as if its profile said so: a site changes it, or switches it off, like any. */
export function identityRule({ id, identity: known }: Device): Readonly<Record<string, Record<string, unknown>>> {
  if (known === undefined || known.parts.every(({ name }) => name === firmware)) return {};
  const action = {
    en: `Check cabling, or run mepwatch accept ${id}`,
    de: `Kabel prüfen oder mepwatch accept ${id}`,
  };
  const say = {
    cause: { en: "swapped or replaced", de: "vertauscht oder ersetzt" },
    action,
    consequence: { en: "none of its values is believed", de: "keiner seiner Werte wird geglaubt" },
  };
  return { [identity.type]: { type: identity.type, say } };
}

import { modelOf } from "../core/model.ts";
import { given } from "./document.ts";
import type { Problem } from "./problem.ts";
import { pointsOf, rulePointsOf, wrongReferences } from "./references.ts";
import { type Profiled, resolveDevice, ruled, type Sources } from "./resolve.ts";
import { resolveTests, type Told } from "./resolve-tests.ts";
import type { Site } from "./resolved.ts";
import { compileFact, compileRules } from "./rules.ts";
import { factIn, factsOf } from "./same.ts";
import { type Suite, subjectOf } from "./suite.ts";
import { withRows } from "./tables.ts";

/** The tests in a site file, of rules as the site has them. */
export function siteSuite(
  { document, config, profile }: Pick<Sources, "document" | "config" | "profile">,
  site: Site,
  problems: Problem[],
): Suite {
  const resolved = new Set(site.devices.map(({ id }) => id));
  const written = Object.values(given(document, "devices"));
  const own = new Map(
    config.devices.flatMap((device, i) => {
      if (device === null) return [];
      const from = device.profile === null ? null : profile(device.profile, () => {});
      return [[device.id, [from?.document.value, written[i]]] as const];
    }),
  );
  const unresolved = config.devices.some(
    (device, i) => device === null || !resolved.has(device.id) || Reflect.get(Object(written[i]), "id") !== device.id,
  );
  const told: Told = (what, name) => {
    const [device = "", ...rest] = name.split("/");
    return resolved.has(device) ? isWritten(own.get(device) ?? [], what, rest.join("/")) : unresolved;
  };
  const subject = subjectOf(site, "", 10_000);
  return { ...subject, tests: resolveTests(config.tests, subject, document, told, problems) };
}

/** The tests in a profile, of its rules as a device has them that changes nothing; its bus and address do not matter. */
export function profileSuite(
  written: Profiled,
  { kinds, classRule }: Pick<Sources, "kinds" | "classRule">,
  problems: Problem[],
): Suite {
  const profiled = withRows(written, {}, written.document, problems);
  const { profile, document, tests } = profiled;
  const id = "device";
  const nothing = { address: {}, location: {}, labels: {}, identity: {}, rows: {}, points: {}, rules: {} };
  const unchanged = { id, profile: null, bus: null, ...nothing };
  const language = "en";
  const device = resolveDevice(
    { document, kinds, language },
    unchanged,
    [],
    profiled,
    { id: "", address: null },
    problems,
  );
  const one = ruled({ document, classRule }, device, unchanged, [], profiled, problems);
  // Points and rules of other devices may be there in a site.
  const facts = factsOf("profile", language, [one], (name) => !name.startsWith(`${id}/`), problems);
  const alone = {
    behind: undefined,
    upstream: [],
    impacted: { devices: 1, points: device.points.length },
    causesOf: () => [],
    sharedBy: () => null,
    factOf: factIn(facts),
  };
  const compiled = [
    compileRules({ site: "profile", language, ...one, ...alone }, one.written, problems),
    ...facts.flatMap((fact) => compileFact({ site: "profile", language }, fact, [], null)),
  ];
  const rules = compiled.flatMap((each) => each.rules);
  const about = new Map(compiled.flatMap((each) => [...each.about]));
  const references = compiled.flatMap((each) => each.references);
  const own = references.filter(({ to }) => to.replace("@", "").startsWith(`${id}/`));
  problems.push(...wrongReferences(own, pointsOf([one]), rulePointsOf([one], [])));
  const subject = subjectOf({ model: modelOf(rules), about, devices: [device] }, `${id}/`, profile.interval);
  const told: Told = (what, name) => isWritten([document.value], what, name);
  return { ...subject, tests: resolveTests(tests, subject, document, told, problems) };
}

/** Of what is written and yet not there something was wrong, which was told; unless it is switched off. */
function isWritten(layers: readonly unknown[], what: "point" | "rule", name: string): boolean {
  const said = layers.map((layer) => given({ value: layer }, `${what}s`)).filter((one) => Object.hasOwn(one, name));
  const newest = said.at(-1);
  return newest !== undefined && Reflect.get(newest, name) !== null;
}

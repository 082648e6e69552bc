import type { Mutant } from "./mutants.ts";

/** What time alone makes of an incident: the end of a shelf, of a cause, of flapping; re-alarms. */
export const lapseMutants: readonly Mutant[] = [
  {
    file: "lapse.ts",
    find: "now.at - ((now.at - reAlarmAt) % policy.reAlarmMs) + policy.reAlarmMs",
    replace: "now.at + policy.reAlarmMs",
    why: "re-alarms drift by each delay",
  },
  {
    file: "lapse.ts",
    find: "now.at - ((now.at - reAlarmAt) % policy.reAlarmMs) + policy.reAlarmMs",
    replace: "reAlarmAt + policy.reAlarmMs",
    why: "after a long standstill re-alarms come in a burst",
  },
  {
    file: "lapse.ts",
    find: "({ until }) => !due(until, now)",
    replace: "() => false",
    why: "the end of one cause ends the others",
  },
  {
    file: "lapse.ts",
    find: "return ended.open?.active ?",
    replace: "return ended.open !== undefined ?",
    why: "the end of maintenance is told of what is normal",
  },
  {
    file: "lapse.ts",
    find: "at < earliest",
    replace: "at > earliest",
    why: "of a shelf and a re-alarm only the later one ends in time",
  },
  {
    file: "lapse.ts",
    find: "const untils = causes.map(({ until }) => until);",
    replace: "const untils: null[] = [];",
    why: "a cause that lingers is forgotten until something else happens",
  },
  {
    file: "lapse.ts",
    find: "flap, open?.active ? rank(open.severity) : 0, now, policy.flap)",
    replace: "flap, 0, now, policy.flap)",
    why: "what is active counts as normal in the reckoning of flapping",
  },
  {
    file: "lapse.ts",
    find: 'if (open.active) return tell(calm, "update", "flapping_end", level, now);',
    replace: "",
    why: "flapping that ends active is told as back to normal",
  },
  {
    file: "flap.ts",
    find: "before.filter((at) => at > now.at - policy.windowMs)",
    replace: "before",
    why: "raises days apart are flapping",
  },
  {
    file: "flap.ts",
    find: "raises.length >= policy.count",
    replace: "raises.length > policy.count",
    why: "flapping is noticed never, or a raise late",
  },
  {
    file: "flap.ts",
    find: "flap.movedAt + policy.quietMs",
    replace: "flap.movedAt + policy.windowMs",
    why: "the quiet that ends flapping is not the one that was said",
  },
  {
    file: "flap.ts",
    find: 'if (!("states" in flap) || policy?.mode !== "nagios") return null;',
    replace: 'if (!("states" in flap) || policy?.mode !== "nagios") return flap;',
    why: "flapping never ends",
  },
  {
    file: "flap.ts",
    find: "nagiosFlapPercent([...flap.states, is]) >= policy.high",
    replace: "nagiosFlapPercent(flap.states) >= policy.high",
    why: "what flaps is held back a slot late",
  },
  {
    file: "flap.ts",
    find: "flap.flapping && percent > policy.low",
    replace: "flap.flapping && percent > policy.high",
    why: "flapping has no hysteresis",
  },
  {
    file: "flap.ts",
    find: "if (!flapping && percent === 0) return null;",
    replace: "if (!flapping) return null;",
    why: "states before flapping are forgotten, so that it is never noticed",
  },
  {
    file: "flap.ts",
    find: "(late + 1) * policy.slotMs",
    replace: "policy.slotMs",
    why: "after a standstill a slot lies in the past",
  },
  {
    file: "flap.ts",
    find: "skipped + i - 1",
    replace: "i - 1",
    why: "of few states the newest change weighs as little as the oldest",
  },
  {
    file: "flap.ts",
    find: "0.75 + (0.5 *",
    replace: "1 + (0 *",
    why: "old changes weigh as much as new ones",
  },
];

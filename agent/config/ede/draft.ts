import { basename } from "node:path";
import { idMax, inOneLine, kebab, quoted, section, short, uniqueIds } from "../drafting.ts";
import type { EdeObject } from "./object.ts";
import type { EdeDevice } from "./objects.ts";

/** A profile's first draft, in YAML, from the objects of one device: what the driver reads are points, the rest is counted. */
export function draftOf(device: Omit<EdeDevice, "problems">): string {
  const { instance, name, description, project, files, route = {}, objects, unread } = device;
  const from = files.map((file) => inOneLine(basename(file))).join(", ");
  const address = Object.entries({ instance, ...route }).map(
    ([option, value]) => `${option}: ${JSON.stringify(value)}`,
  );
  const who = [name, description, project === "" ? "" : `project ${project}`].filter((part) => part !== "").join(", ");
  const shown = `device ${instance}${who === "" ? "" : ` (${short(who)})`}`;
  const unique = uniqueIds();
  return [
    `# Drafted from ${from}: ${shown}. Keep what matters,`,
    "# name it, set its class, the numbers that mean no value, and the rules with their tests. What can be set is only read.",
    `# In the site file the device has  address: { ${address.join(", ")} }`,
    `profile: draft/${kebab(name).slice(0, idMax) || `device-${instance}`}`,
    `describe: ${quoted(`Drafted from ${from}, ${shown}.`)}`,
    "protocol: bacnet",
    "class: draft",
    ...section(
      "Objects that are not read",
      [...unread].map(([type, count]) => `${inOneLine(type)}: ${count}`),
    ),
    "",
    ...(objects.length === 0 ? ["points: {}"] : ["points:"]),
    ...objects.flatMap((object) => pointOf(object, unique(idOf(object)))),
    "",
  ].join("\n");
}

/** Of a long name the end, which tells what it is; the beginning tells where. */
const idOf = ({ name, object, instance }: EdeObject): string =>
  kebab(name).slice(-idMax).replace(/^-/, "") || `${object}-${instance}`;

function pointOf(point: EdeObject, id: string): string[] {
  const { object, instance, name, description, unit, isState, unitless, texts, range } = point;
  const kind = isState ? "state" : unit.kind;
  const notes = [inOneLine(name), ...noted(point)].filter((note) => note !== "").join("; ");
  return [
    `  ${id}:`,
    ...(unitless === "" ? [] : [`    # ${inOneLine(unitless)}`]),
    ...(inOneLine(description) === "" ? [] : [`    name: ${quoted(short(description))}`]),
    ...(kind === undefined ? [] : [`    kind: ${kind}`]),
    `    address: { object: ${object}, instance: ${instance} }${notes === "" ? "" : ` # ${notes}`}`,
    ...(unit.unit === "1" ? [] : [`    unit: ${quoted(unit.unit)}`]),
    ...(unit.scale === 1 ? [] : [`    scale: ${unit.scale}`]),
    // A range that is narrower than the truth would make true values bad, and so hide an alarm.
    ...(range === null
      ? []
      : [
          `    # range: [${range.map((bound) => scaled(bound, point)).join(", ")}] # as it was told: only if nothing true lies outside`,
        ]),
    ...(texts.length === 0
      ? []
      : ["    texts:", ...texts.map(([value, text]) => `      ${value}: ${quoted(short(text))}`)]),
  ];
}

function noted(point: EdeObject): string[] {
  const { object, isSettable, limits } = point;
  const limit = (side: "low" | "high"): string => {
    const at = limits[side];
    return at === null ? "" : `${side} ${scaled(at, point)}`;
  };
  const alarms = [limit("low"), limit("high")].filter((one) => one !== "").join(", ");
  return [
    isSettable ? "can be set" : "",
    alarms === "" ? "" : `the device alarms at ${alarms}`,
    object === "accumulator" ? "give it `counter`, with the highest rate that can be true" : "",
  ];
}

/** In the point's unit: no more digits than a bound of a device has. */
const scaled = (value: number, { unit: { scale } }: EdeObject): number => Number((value * scale).toPrecision(6));

import { address, device as deviceAddress, deviceObject } from "../../../drivers/bacnet/schema.ts";
import { typeIn, typeName } from "../../../drivers/bacnet/type-names.ts";
import type { Problem } from "../problem.ts";
import { type EdeFile, problemAt, readFiles } from "./files.ts";
import { type EdeObject, numbered, objectOf, type Place, readable, shown } from "./object.ts";

/** A device, with its objects in the order of the files. */
export interface EdeDevice {
  readonly instance: number;
  /** As its device object is called; "" where the files have none. */
  readonly name: string;
  readonly description: string;
  readonly project: string;
  readonly files: readonly string[];
  /** Behind a router. */
  readonly route?: { readonly network: number; readonly mac: string };
  readonly objects: readonly EdeObject[];
  /** How many it has that are not read, by type. */
  readonly unread: ReadonlyMap<string, number>;
  readonly problems: readonly Problem[];
}

/** What is being gathered of a device. */
interface Gathered {
  readonly instance: number;
  readonly project: string;
  name: string;
  description: string;
  readonly files: Set<string>;
  readonly objects: EdeObject[];
  readonly unread: Map<string, number>;
  readonly problems: Problem[];
  /** Where each object was given first. */
  readonly given: Map<string, string>;
}

/** Total: the devices in the order of their first objects; what is wrong with one object keeps no other one from being read. */
export function devicesIn(files: readonly EdeFile[]): {
  readonly devices: readonly EdeDevice[];
  readonly problems: readonly Problem[];
} {
  const { lists, names, problems: unread } = readFiles(files);
  const problems = [...unread];
  const devices = new Map<number, Gathered>();
  for (const list of lists) {
    for (const entry of list.entries) {
      const instance = numbered(entry, "device");
      if (instance === null || !deviceAddress.safeParse({ instance }).success) {
        problems.push(
          problemAt(list.file, entry.line, `device obj.-instance ${shown(entry, "device")}: ${ofInstances}`),
        );
        continue;
      }
      const device = devices.get(instance) ?? begun(instance, list.project);
      devices.set(instance, device);
      device.files.add(list.file);
      const tell = (what: string): void => void device.problems.push(problemAt(list.file, entry.line, what));
      gather(device, { list, entry, names, tell });
    }
  }
  const done = [...devices.values()].map((device) => ({
    ...device,
    files: [...device.files],
    problems: once(device.problems),
  }));
  return { devices: done, problems: once(problems) };
}

const begun = (instance: number, project: string): Gathered => ({
  ...{ instance, project, name: "", description: "", files: new Set(), objects: [], unread: new Map(), problems: [] },
  given: new Map(),
});

const ofInstances = "expected a number from 0 to 4194302; the row is left out";

function gather(device: Gathered, place: Place): void {
  const { entry, names, tell } = place;
  const type = typeIn(entry.cell("type"));
  if (type === null) {
    tell(
      `object-type ${shown(entry, "type")}: expected its number or name, such as 0 or analog-input; the row is left out`,
    );
    return;
  }
  if (type === deviceObject) {
    device.name = entry.cell("name") || entry.cell("key");
    device.description = entry.cell("description");
    return;
  }
  const object = readable.get(type);
  if (object === undefined) {
    const called = typeName(type) ?? `type ${[type, names.types.get(String(type))].filter(Boolean).join(", ")}`;
    if (typeName(type) === undefined) tell(`object-type ${type} is none of the standard; its objects are not read`);
    device.unread.set(called, (device.unread.get(called) ?? 0) + 1);
    return;
  }
  const instance = numbered(entry, "instance");
  if (instance === null || !address.safeParse({ object, instance }).success) {
    tell(`object-instance ${shown(entry, "instance")}: ${ofInstances}`);
    return;
  }
  const at = `${place.list.file}:${entry.line}`;
  const before = device.given.get(`${object} ${instance}`);
  if (before !== undefined) {
    tell(`${object} ${instance} is there already, in ${before}; this row is left out: delete the wrong one`);
    return;
  }
  device.given.set(`${object} ${instance}`, at);
  device.objects.push(objectOf(object, instance, place));
}

/** What is wrong in the same way in many rows is told at the first. */
function once(problems: readonly Problem[]): Problem[] {
  const told = new Map<string, { readonly first: Problem; more: number }>();
  for (const problem of problems) {
    const key = `${problem.file} ${problem.what}`;
    const before = told.get(key);
    if (before === undefined) told.set(key, { first: problem, more: 0 });
    else before.more++;
  }
  return [...told.values()].map(({ first, more }) =>
    more === 0 ? first : { ...first, what: `${first.what} (and in ${more} more ${more === 1 ? "row" : "rows"})` },
  );
}

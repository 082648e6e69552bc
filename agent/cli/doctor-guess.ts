import type { Closable, Found, Reading } from "../../drivers/driver.ts";
import { pointValues } from "../api/status.ts";
import type { Bus, Device, Site } from "../config/resolved.ts";
import type { Env } from "../env.ts";
import type { Turns } from "../pipeline/turns.ts";
import { type Guess, isOfTheWay, isSilent, isUnanswered, type Looked } from "./doctor-looked.ts";
import { isAt, sayAddress } from "./site.ts";

/** That there is nothing at an address, or nothing that can be read in this way. */
const refusal = /^(no_such_point: |device_error: exception 1 )/;

/**
 * Of a device that refuses all its points: where they are all to be had, with plausible values, if they were mistaken in one way
 * only. Null: nowhere, or in more than one way, so that nobody can be sure.
 */
export async function refusedOtherwise(
  bus: Bus,
  { device, values }: Pick<Looked, "device" | "values">,
  line: Turns,
): Promise<Guess | null> {
  const refused = values.filter(({ reason }) => refusal.test(reason ?? ""));
  if (refused.length === 0) return null;
  const whole = refused.length === values.length ? await allOtherwise(bus, { device, values }, line) : null;
  return whole ?? (await someOtherwise(bus, { device, values: refused }, line));
}

type Refused = Pick<Looked, "device" | "values">;

async function allOtherwise(bus: Bus, { device, values }: Refused, line: Turns): Promise<Guess | null> {
  const right: string[] = [];
  for (const [mistake, points] of mistakes(bus, device)) {
    const readings: Reading[] = [];
    for (const request of bus.driver.plan(points, bus.options)) readings.push(...(await line.read(request)));
    const found = pointValues(device, readings);
    if (found.some(isUnanswered)) return null;
    if (found.length === values.length && found.every(({ quality }) => quality === "good")) right.push(mistake);
  }
  const [mistake] = right;
  if (mistake === undefined || right.length > 1) return null;
  return { what: `all of them are there if ${mistake}`, remedy: "Correct the addresses in the profile." };
}

/** Of single points, in the protocols in which that can be: where each is to be had with a plausible value. */
async function someOtherwise(bus: Bus, { device, values }: Refused, line: Turns): Promise<Guess | null> {
  const found: string[] = [];
  for (const { point } of values) {
    const { own, address: written } = device.points.find(({ id }) => id === point) ?? { own: "", address: null };
    const places = written === null ? [] : (bus.driver.mistaken?.(written) ?? []);
    for (const { address } of places.filter(({ isOfPoint }) => isOfPoint)) {
      const readings: Reading[] = [];
      for (const request of bus.driver.plan([{ id: point, device: device.address, address }], bus.options))
        readings.push(...(await line.read(request)));
      const [read] = pointValues(device, readings);
      if (read === undefined || isUnanswered(read)) return null;
      if (read.quality === "good") found.push(`${own} (${sayAddress(changed(written, address))})`);
    }
  }
  if (found.length === 0) return null;
  const shown = found.length > 5 ? [...found.slice(0, 5), "…"] : found;
  return { what: `elsewhere there are ${shown.join(", ")}`, remedy: "Correct their addresses in the profile." };
}

/** What differs. */
const changed = (from: unknown, to: unknown): object =>
  Object.fromEntries(
    Object.entries(to as object).filter(([name, value]) => (from as Readonly<Record<string, unknown>>)[name] !== value),
  );

/** Each mistake that may have been made with every point, and the points as they are then. */
function mistakes({ driver }: Bus, { points, address: device }: Device) {
  const all = new Map<string, { id: string; device: unknown; address: unknown }[]>();
  for (const { id, address: written } of points) {
    for (const { mistake, address } of driver.mistaken?.(written) ?? [])
      all.set(mistake, [...(all.get(mistake) ?? []), { id, device, address }]);
  }
  return [...all].filter(([, some]) => some.length === points.length);
}

interface Looking {
  readonly env: Env;
  readonly bus: Bus;
  readonly shared: Closable;
  readonly site: Site;
  readonly looked: readonly Pick<Looked, "device" | "values">[];
  readonly signal: AbortSignal;
}

/** Where somebody on the bus is silent: who answers where devices are likely, whom the site file does not have; null: nobody. */
export async function othersThere({ env, bus, shared, site, looked, signal }: Looking): Promise<Guess | null> {
  const isReached = (values: Looked["values"]): boolean => !values.some(({ reason }) => isOfTheWay(reason));
  const isWanted = looked.some((one) => isSilent(one) && isReached(one.values));
  const { discovery } = bus.driver;
  if (discovery === undefined || !isWanted) return null;
  const known = site.devices.filter((one) => one.bus === bus.id).map(({ address }) => address);
  const ranges = discovery.likely(bus.options, known);
  if (ranges.length === 0) return null;
  const there: Found[] = [];
  const terms = {
    ranges,
    timeoutMs: bus.timeoutMs,
    signal,
    tried: () => {},
    found: (one: Found) => void there.push(one),
  };
  await discovery.look(bus.options, env, shared, terms);
  const found = there.filter(({ device }) => !known.some((one) => isAt(one, device)));
  if (found.length === 0) return null;
  const names = found.map(({ device, model }) => `${sayAddress(device)}${model === null ? "" : ` (${model})`}`);
  return {
    what: `${names.join(" and ")} ${names.length === 1 ? "answers" : "answer"} there, which no device of the site file is`,
    remedy: `Correct the address; mepwatch discover ${bus.id} shows all who answer.`,
  };
}

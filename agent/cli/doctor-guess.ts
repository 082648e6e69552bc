import type { Closable, Found, Reading } from "../../drivers/driver.ts";
import { pointValues } from "../api/status.ts";
import type { Bus, Device, Site } from "../config/resolved.ts";
import type { Env } from "../env.ts";
import type { Turns } from "../pipeline/turns.ts";
import { type Guess, isOfTheWay, isSilent, isUnanswered, type Looked } from "./doctor-looked.ts";
import { sayAddress } from "./site.ts";

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
  const isRefused = values.length > 0 && values.every(({ reason }) => refusal.test(reason ?? ""));
  if (!isRefused) return null;
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

/** Each mistake that may have been made with every point, and the points as they are then. */
function mistakes({ driver }: Bus, { points, address: device }: Device) {
  const all = new Map<string, { id: string; device: unknown; address: unknown }[]>();
  for (const { id, address: written } of points) {
    for (const { mistake, address } of driver.mistaken?.(written) ?? [])
      all.set(mistake, [...(all.get(mistake) ?? []), { id, device, address }]);
  }
  return [...all].filter(([, some]) => some.length === points.length);
}

/** Where devices stand as they come, or when nobody knows better. */
const usualUnits = [1, 2, 3, 247, 255];

interface Looking {
  readonly env: Env;
  readonly bus: Bus;
  readonly shared: Closable;
  readonly site: Site;
  readonly looked: readonly Pick<Looked, "device" | "values">[];
  readonly signal: AbortSignal;
}

/** Where somebody on the bus is silent: who answers at usual addresses that no device of the site file has; null: nobody. */
export async function unitsThere({ env, bus, shared, site, looked, signal }: Looking): Promise<Guess | null> {
  const isReached = (values: Looked["values"]): boolean => !values.some(({ reason }) => isOfTheWay(reason));
  const isWanted = looked.some((one) => isSilent(one) && isReached(one.values));
  const { discovery } = bus.driver;
  if (discovery?.number !== "unit" || !isWanted) return null;
  const taken = site.devices.filter((one) => one.bus === bus.id).map(({ address }) => address as { unit?: number });
  const found: Found[] = [];
  const numbers = usualUnits.filter((unit) => taken.every((one) => one.unit !== unit));
  const ranges = numbers.map((unit) => ({ from: unit, to: unit }));
  const terms = {
    ranges,
    timeoutMs: bus.timeoutMs,
    signal,
    tried: () => {},
    found: (one: Found) => void found.push(one),
  };
  await discovery.look(bus.options, env, shared, terms);
  if (found.length === 0) return null;
  const names = found.map(({ device, model }) => `${sayAddress(device)}${model === null ? "" : ` (${model})`}`);
  return {
    what: `${names.join(" and ")} ${names.length === 1 ? "answers" : "answer"} there, which no device of the site file is`,
    remedy: `Correct the address; mepwatch discover ${bus.id} shows all who answer.`,
  };
}

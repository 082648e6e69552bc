import * as z from "zod";
import type { Driver } from "../../drivers/driver.ts";
import { Secret } from "../secret.ts";
import { check } from "./check.ts";
import type { Path, Place } from "./document.ts";
import { didYouMean, type Problem } from "./problem.ts";
import type { Sources } from "./resolve.ts";
import type { Bus } from "./resolved.ts";
import { busOptions } from "./schema.ts";
import { reference, type Secrets } from "./secrets.ts";

/** The driver for a protocol; what is wrong with its name is told. */
export function driverOf(
  protocol: unknown,
  drivers: readonly Driver[],
  place: Place,
  path: Path,
  problems: Problem[],
): Driver | null {
  const driver = drivers.find((one) => one.protocol === protocol);
  if (driver !== undefined) return driver;
  const known = drivers.map((one) => one.protocol);
  const hint = typeof protocol === "string" ? didYouMean(protocol, known) : "";
  const missing = protocol === undefined ? "missing; " : "";
  problems.push(place.problem(path, `${missing}expected one of ${known.join(", ")}.${hint}`));
  return null;
}

/** A bus with nothing left open; what is wrong with it is told. */
export function resolveBus(
  { document, drivers, secrets }: Pick<Sources, "document" | "drivers" | "secrets">,
  id: string,
  written: Readonly<Record<string, unknown>>,
  path: Path,
  problems: Problem[],
): Bus | null {
  const { protocol, timeout, ...rest } = written;
  const common = check(document, path, z.strictObject(busOptions), { protocol: "", timeout }, problems);
  const driver = driverOf(protocol, drivers, document, [...path, "protocol"], problems);
  if (driver === null) return null;
  const options = optionsOf({ document, secrets }, driver.bus, rest, path, problems);
  if (options === null || common === null) return null;
  return { id, driver, options, timeoutMs: common.timeout };
}

/** Options by a driver's schema, secrets in their places; null: something is wrong, which was told. */
export function optionsOf(
  { document, secrets }: Pick<Sources, "document" | "secrets">,
  schema: z.ZodType,
  written: Readonly<Record<string, unknown>>,
  path: Path,
  problems: Problem[],
): unknown {
  const revealed = reveal(written, secrets, path, (at, what) => problems.push(document.problem(at, what)));
  const options = check(document, path, schema, revealed, problems);
  if (options === null) return null;
  for (const at of secretsInText(options as object, written)) {
    const what = "a secret may not stand in this file; expected ${file:…}, ${env:…} or ${credential:…}";
    problems.push(document.problem([...path, ...at], what));
  }
  return options;
}

/** Tells of each bus whose place, such as a serial port, is another bus's already. */
export function tellShared(
  { document, config }: Pick<Sources, "document" | "config">,
  buses: Iterable<Bus>,
  problems: Problem[],
): void {
  const owners = new Map<string, Bus["id"]>();
  for (const { id, driver, options } of buses) {
    const place = driver.place?.(options);
    if (place === undefined) continue;
    const key = `${driver.protocol} ${place}`;
    const owner = owners.get(key);
    if (owner === undefined) {
      owners.set(key, id);
      continue;
    }
    const path = Object.hasOwn(config.buses, id)
      ? ["buses", id]
      : ["devices", config.devices.findIndex((device) => device?.id === id), "bus"];
    const what = `${place} is that of bus "${owner}" already; expected one bus under buses, which all its devices name`;
    problems.push(document.problem(path, what));
  }
}

/** Where options have a secret that was not written as a reference, at any depth; "public" is none. */
function secretsInText(options: object, written: unknown): Path[] {
  return Object.entries(options).flatMap(([key, value]) => {
    const text = isNested(written) ? Reflect.get(written, key) : undefined;
    if (!(value instanceof Secret)) return isNested(value) ? secretsInText(value, text).map((at) => [key, ...at]) : [];
    return text === undefined || reference(text) !== null || value.reveal() === "public" ? [] : [[key]];
  });
}

/** Options, or a list of them. */
const isNested = (value: unknown): value is object => typeof value === "object" && value !== null;

/** Puts the texts that references such as ${file:…} stand for in their places, at any depth. */
function reveal(value: unknown, secrets: Secrets, at: Path, tell: (at: Path, what: string) => void): unknown {
  if (Array.isArray(value)) return value.map((one, i) => reveal(one, secrets, [...at, i], tell));
  if (isNested(value)) {
    const revealed = Object.entries(value).map(([key, one]) => [key, reveal(one, secrets, [...at, key], tell)]);
    return Object.fromEntries(revealed);
  }
  const named = reference(value);
  if (named === null) return value;
  const result = secrets(named);
  if ("problem" in result) tell(at, result.problem);
  // Any text will do: what is wrong has been told.
  return "problem" in result ? "unreadable" : result.text;
}

import { answered, type Closable, type Driver, faults, type Reading } from "../../drivers/driver.ts";
import { ask } from "../api/client.ts";
import { type PointValue, pointValues, type StatusSnapshot } from "../api/status.ts";
import type { Bus, Device, Site } from "../config/resolved.ts";
import type { Env } from "../env.ts";
import { type Identities, identitiesOf } from "../pipeline/identities.ts";
import { type Turns, turns } from "../pipeline/turns.ts";
import { inPath } from "./asked.ts";
import { othersThere, refusedOtherwise } from "./doctor-guess.ts";
import { type Guess, isSilent, type Looked } from "./doctor-looked.ts";
import { unitsApart } from "./doctor-units.ts";
import { sharedForReading } from "./shared.ts";

/** Asks the devices of a bus, in their order. */
export type Look = (bus: Bus, devices: readonly Device[]) => Promise<readonly Looked[]>;

/** Through the running agent, whose connections are the only ones that way. */
export function throughAgent(socket: string, { devices: running }: StatusSnapshot): Look {
  const look = async (device: Device): Promise<Looked> => {
    const known = running.find(({ id }) => id === device.id);
    const { identity = null } = known ?? {};
    const told = (detail: string): Looked => ({
      ...{ device, values: allBad(device, detail), identity, guess: null, units: [] },
    });
    // It knows already, and would wait for each request.
    if (known?.answering === false) return told(known.fault ?? "no answer");
    const answer = await ask(socket, `/read/${inPath(device.id)}`);
    if (!answer.ok) return told(answer.message);
    return { device, values: answer.body as PointValue[], identity, guess: null, units: [] };
  };
  return async (_, devices) => {
    const all: Looked[] = [];
    for (const device of devices) all.push(await look(device));
    return all;
  };
}

/** The agent's status has the words of a fault alone. */
function allBad(device: Device, detail: string): PointValue[] {
  const fault = /\bE[A-Z]{4,}\b|^serial port/.test(detail) ? "unreachable" : "timeout";
  return pointValues(device, faults({ points: device.points }, fault, detail));
}

export interface Direct extends Closable {
  readonly look: Look;
}

/**
 * With sessions of its own, one bus independent of the other. `pins`: who the devices were when an agent last accepted them.
 * @param signal aborted, it asks nobody any more
 */
export function directly(env: Env, site: Site, pins: ReadonlyMap<string, string>, signal: AbortSignal): Direct {
  const identities = identitiesOf(env, site, { pinned: () => pins, pin: () => {} });
  const ofDrivers = new Map<Driver, ReturnType<typeof sharedForReading>>();
  const sharedOf = (driver: Driver): ReturnType<typeof sharedForReading> => {
    const made = ofDrivers.get(driver) ?? sharedForReading(driver, site, env);
    ofDrivers.set(driver, made);
    return made;
  };
  return {
    async look(bus, devices) {
      const { shared, lost, limits } = await sharedOf(bus.driver);
      if (lost !== null) return devices.map((device) => unreached(device, lost));
      const line = turns(env, bus, shared);
      const all: Looked[] = [];
      // What is under way then ends at once, and tells nothing of the device.
      const leave = (): void => void line.close();
      signal.addEventListener("abort", leave, { once: true });
      for (const device of signal.aborted ? [] : devices) {
        const one = await lookAt(env, { bus, device, line, identities });
        const guess = await refusedOtherwise(bus, one, line);
        const units = isSilent(one) ? [] : await unitsApart(bus, device, line);
        if (signal.aborted) break;
        all.push({ ...one, guess, units });
      }
      signal.removeEventListener("abort", leave);
      await line.close();
      // A line of its own again: a serial port can be opened once.
      const others = signal.aborted ? null : await othersThere({ env, bus, shared, site, looked: all, signal });
      const guess = others ?? deaf(limits);
      return all.map((one) => (isSilent(one) ? { ...one, guess } : one));
    },
    async close() {
      const all = await Promise.all(ofDrivers.values());
      await Promise.all(all.map(({ shared }) => shared.close()));
    },
  };
}

const unreached = (device: Device, why: string): Looked => ({
  values: pointValues(device, faults({ points: device.points }, "unreachable", why)),
  ...{ device, identity: null, guess: null, units: [] },
});

/** What may keep an answer from being heard; null: nothing does. */
const deaf = ([limit]: readonly string[]): Guess | null =>
  limit === undefined ? null : { what: "and not all that devices say is heard here", remedy: limit };

interface Asking {
  readonly bus: Bus;
  readonly device: Device;
  readonly line: Turns;
  readonly identities: Identities;
}

/** A request that is not answered is asked once more: the first one may have found a connection that had just ended. */
const missesMax = 2;

async function lookAt(env: Env, { bus, device, line, identities }: Asking): Promise<Omit<Looked, "guess" | "units">> {
  const points = device.points.map(({ id, address }) => ({ id, device: device.address, address }));
  const readings: Reading[] = [];
  let misses = 0;
  let last: readonly Reading[] = [];
  for (const request of bus.driver.plan(points, bus.options)) {
    for (last = []; misses < missesMax && !answered(last); ) {
      last = await line.read(request);
      misses = answered(last) ? 0 : misses + 1;
    }
    const [first] = last.length > 0 ? last : readings.slice(-1);
    const why = first !== undefined && "fault" in first ? first : { fault: "timeout" as const, detail: "not asked" };
    readings.push(...(last.length > 0 ? last : faults(request, why.fault, why.detail)));
  }
  const inquiry = answered(readings) ? identities.due(device.id, env.clock.mono()) : null;
  if (inquiry !== null) identities.heard(device.id, await line.identify(inquiry), env.clock.mono());
  return { device, values: pointValues(device, readings), identity: identities.all().get(device.id) ?? null };
}

import type { Closable, Driver, Hint, Listener, ListenerStatus } from "../../drivers/driver.ts";
import {
  type Bus,
  type Device,
  type Site,
  type SiteListener,
  trapStormPoint,
  unregisteredPoint,
} from "../config/resolved.ts";
import type { PointId, Sample } from "../core/sample.ts";
import type { Env } from "../env.ts";
import type { Store } from "../store/store.ts";
import type { EngineClock } from "./clock.ts";
import type { Poller } from "./poller.ts";
import { type KeptTrap, trapMemory } from "./trap-memory.ts";

/**
 * What devices say unasked. A trap is a hint, the poll is the truth: it raises and clears nothing, but the points that it is
 * about are read at once, and rules are judged by those. So a trap that is forged, late or never followed by its end does
 * no harm.
 */
export interface Traps extends Closable {
  /** Null: the site listens to nobody. */
  status(): TrapsStatus | null;
}

export interface TrapsStatus {
  /** By section of the site file. */
  readonly listeners: ReadonlyMap<string, ListenerStatus>;
  /** How many were taken. */
  readonly taken: number;
  readonly isStorm: boolean;
  /** The newest first. */
  readonly kept: readonly KeptTrap[];
  readonly forgotten: number;
}

interface TrapsOptions {
  readonly env: Env;
  readonly site: Site;
  readonly clock: EngineClock;
  readonly store: Pick<Store, "listener" | "keepListener">;
  /** What the sessions of a listener's driver share. */
  shared(driver: Driver): Closable;
  /** Descriptor of a socket that the service manager has opened for traps; null: there is none. */
  readonly passedSocket: number | null;
  readonly pollers: readonly Pick<Poller, "bus" | "hint">[];
  accept(samples: readonly Sample[]): void;
}

export function trapsOf(options: TrapsOptions): Traps {
  const { env, site, clock, store, shared, accept } = options;
  const tell = (point: PointId, isSo: boolean): void =>
    accept([{ ...clock.now(), point, quality: "good", value: isSo ? 1 : 0 }]);
  for (const point of [trapStormPoint, unregisteredPoint]) tell(point, false);
  const storm = stormWatch(env, (isStorm) => tell(trapStormPoint, isStorm));
  const memory = trapMemory();
  const follow = following(options);
  let taken = 0;
  const listen = ({ driver, listening, options: written }: SiteListener): Listener =>
    listening.listen(written, env, shared(driver), {
      // The socket that the service manager opens is the one of a port that needs a privilege.
      passed: listening.section === "traps" ? options.passedSocket : null,
      // One protocol keeps something, so that what is kept needs no name.
      kept: store.listener(),
      keep(text) {
        try {
          store.keepListener(text);
        } catch (error) {
          env.report("commit.failed", { error: String(error) });
        }
      },
      onHint(hint) {
        taken++;
        const { source, trap, by, bindings } = hint;
        memory.note({ source, trap, by, bindings, ...follow(driver, hint) }, env.clock.wall());
      },
      onDropped: storm.note,
      onRegistered: (lost) => tell(unregisteredPoint, lost !== null),
    });
  const listeners = new Map(site.listeners.map((one) => [one.listening.section, listen(one)]));
  return {
    status: () =>
      listeners.size === 0
        ? null
        : {
            listeners: new Map([...listeners].map(([section, one]) => [section, one.status()])),
            ...{ taken, isStorm: storm.isOn(), kept: memory.all(), forgotten: memory.forgotten },
          },
    async close() {
      storm.stop();
      await Promise.all([...listeners.values()].map((one) => one.close()));
    },
  };
}

/** Has read what a trap is about; of whom it is, and what it is called. */
function following({
  site,
  pollers,
}: TrapsOptions): (driver: Driver, hint: Hint) => Pick<KeptTrap, "devices" | "name"> {
  const lines = new Map(pollers.map((one) => [one.bus, one]));
  const judged = new Map<Device, ReadonlySet<PointId>>();
  /** Of a trap that its profile does not have nobody knows what it means: all that a rule reads may be other now. */
  const judgedOf = (device: Device): ReadonlySet<PointId> => {
    const known = judged.get(device);
    if (known !== undefined) return known;
    const points = device.points.filter(({ id }) => site.model.feeds.has(id));
    const made = new Set(points.map(({ id }) => id));
    judged.set(device, made);
    return made;
  };

  return (driver, hint) => {
    const isMeant = (bus: Bus): boolean => hint.buses?.includes(bus.options) ?? bus.driver === driver;
    const buses = new Set(site.buses.filter(isMeant).map(({ id }) => id));
    const isFrom = ({ address }: Device): boolean => hint.isFrom?.(address) ?? true;
    const devices = buses.size === 0 ? [] : site.devices.filter((one) => buses.has(one.bus) && isFrom(one));
    const known = devices.flatMap((device) => {
      const trap = device.traps?.find((one) => hint.isOf(one.trap));
      return trap === undefined ? [] : [{ device, name: trap.name, points: new Set(trap.points) }];
    });
    const meant = known.length > 0 ? known : devices.map((device) => ({ device, points: judgedOf(device) }));
    for (const { device, points } of meant) lines.get(device.bus)?.hint(device.id, points);
    return { devices: meant.map(({ device }) => device.id), name: known[0]?.name ?? null };
  };
}

/** So many dropped are a storm, and so long without one is its end. */
const stormFrom = 50;
const calmMs = 30_000;

function stormWatch(env: Env, tell: (isStorm: boolean) => void) {
  let dropped = 0;
  let lastAt = 0;
  let isOn = false;
  let cancel = (): void => {};

  const look = (): void => {
    const leftMs = calmMs - (env.clock.mono() - lastAt);
    if (leftMs > 0) {
      cancel = env.after(leftMs, look);
      return;
    }
    isOn = false;
    env.report("traps.calm", { dropped });
    tell(false);
  };
  return {
    note(source: string): void {
      const now = env.clock.mono();
      if (!isOn && now - lastAt > calmMs) dropped = 0;
      lastAt = now;
      dropped++;
      if (isOn || dropped < stormFrom) return;
      isOn = true;
      env.report("traps.storm", { source });
      tell(true);
      look();
    },
    isOn: () => isOn,
    stop: () => cancel(),
  };
}

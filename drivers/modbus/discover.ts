import { type Env, within } from "../../agent/env.ts";
import { answered, type Found, type Range, type Reading, type Search, type Session, type Told } from "../driver.ts";
import { type Failure, isException } from "./failure.ts";
import { plan, type Request } from "./plan.ts";
import { addressSchema, type Bus, type Device, type Part, placeOfBus } from "./schema.ts";
import { openSession } from "./session.ts";
import { wireTo } from "./wire.ts";

/** For the others on the bus, after each unit. */
const pauseMs = 50;

type Parts = readonly { readonly name: string; readonly address: Part }[];
/** The product's name before its model: devices that have both tell them in one answer. */
const objects: Parts = [
  { name: "vendor", address: { object: 0 } },
  { name: "code", address: { object: 1 } },
  { name: "revision", address: { object: 2 } },
  { name: "product", address: { object: 4 } },
  { name: "model", address: { object: 5 } },
];
const serverId: Parts = [{ name: "serverId", address: { serverId: true } }];

/**
 * Tries one unit after the other. A read comes first: every device answers one, with an exception if nothing else, while some
 * keep silent at the functions that tell who they are, and a unit that nobody has should cost two timeouts, not three.
 */
export async function discover(bus: Bus, env: Env, search: Search<Found<Device>>): Promise<string | null> {
  const { ranges, timeoutMs, signal, tried } = search;
  const lost = await reach(bus, env, timeoutMs);
  if (lost !== null) return lost;
  const session = openSession(bus, env);
  const leave = (): void => void session.close();
  signal.addEventListener("abort", leave, { once: true });
  try {
    for (const unit of ranges.flatMap(each)) {
      const outcome = await whoIs(unit, bus, session, timeoutMs);
      if (signal.aborted) return null;
      if ("isLost" in outcome) {
        // A device that closes the connection when it is asked for another unit has not gone.
        const why = await reach(bus, env, timeoutMs);
        if (why !== null) return why;
      }
      tried(1);
      if (!("isLost" in outcome) && outcome.found !== null) search.found(outcome.found);
      await new Promise<void>((resolve) => env.after(pauseMs, resolve));
      if (signal.aborted) return null;
    }
    return null;
  } finally {
    signal.removeEventListener("abort", leave);
    await session.close();
  }
}

const each = ({ from, to }: Range): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

type Outcome = { readonly found: Found<Device> | null } | { readonly isLost: true };

async function whoIs(unit: number, bus: Bus, session: Session<Request>, timeoutMs: number): Promise<Outcome> {
  const readings: Reading[] = [];
  for (const request of plan([{ id: "first", device: { unit }, address: first }], bus))
    readings.push(...(await session.read(request, timeoutMs)));
  if (readings.some((one) => "fault" in one && one.fault === "unreachable" && !isException(one.detail)))
    return { isLost: true };
  const ask = async (some: Parts): Promise<readonly Told[]> =>
    (await session.identify?.({ device: { unit }, parts: some }, timeoutMs)) ?? [];
  const told = await ask(objects);
  if (!answered([...readings, ...told])) return { found: null };
  const all = told.some((one) => "text" in one) ? told : await ask(serverId);
  const texts = new Map(all.flatMap((one) => ("text" in one ? [[one.part, one.text]] : [])));
  const firstOf = (...names: string[]) =>
    names.map((name) => texts.get(name)).find((text) => text !== undefined) ?? null;
  return {
    found: {
      device: { unit },
      vendor: firstOf("vendor"),
      model: firstOf("model", "product", "code", "serverId"),
      revision: firstOf("revision"),
    },
  };
}

const first = addressSchema.parse({ table: "holding", register: 0 });

/** Whether the way to the bus is open: null, or why it is not. */
function reach(bus: Bus, env: Env, ms: number): Promise<string | null> {
  return new Promise((resolve) => {
    let isOver = false;
    const settle = (why: string | null): void => {
      if (isOver) return;
      isOver = true;
      cancel();
      wire.destroy();
      void within(env, goneMs, wire.gone, () => undefined).then(() => resolve(why));
    };
    const ends = {
      opened: () => settle(null),
      bytes: () => {},
      over: ({ detail }: Failure) => settle(detail),
    };
    const cancel = env.after(ms, () => settle(`no connection to ${placeOfBus(bus)} within ${ms} ms`));
    const wire = wireTo(bus, ends, Promise.resolve());
  });
}

/** A serial port may take for ever to close. */
const goneMs = 900;

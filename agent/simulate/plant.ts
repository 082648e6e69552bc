/**
 * The physics of a small data hall, as far as its instruments show it. Pure: the same causes over the same time give
 * the same hall. Nothing here is random; what makes a reading unsteady is the sensor's (reading.ts).
 */
export interface Hall {
  /** UPS device ids; they share the racks' load evenly. */
  readonly upses: readonly string[];
  readonly cracs: readonly Placed[];
  readonly racks: readonly Placed[];
}

/** `zone`: a CRAC blows mostly at the racks of its own zone. */
export interface Placed {
  readonly id: string;
  readonly zone: string;
}

/** What happens to a hall from outside; everything else follows from it. */
export interface Causes {
  readonly utility: boolean;
  /** CRACs that have tripped; they stay off until someone resets them. */
  readonly tripped: readonly string[];
  /** Leak controllers whose cable is wet. */
  readonly wet: readonly string[];
}

export const calm: Causes = { utility: true, tripped: [], wet: [] };

export interface Plant {
  readonly hall: Hall;
  readonly causes: Causes;
  /** Age of the plant, seconds. */
  readonly seconds: number;
  /** Charge of the UPS batteries, 0 … 1. All UPSes carry the same load, so one number stands for all. */
  readonly charge: number;
  /** Energy through the incomer and out of the UPSes, kWh. */
  readonly incomerKwh: number;
  readonly criticalKwh: number;
  readonly inletsC: ReadonlyMap<string, number>;
  readonly cracs: ReadonlyMap<string, Crac>;
}

export interface Crac {
  readonly running: boolean;
  readonly fanPercent: number;
  readonly supplyC: number;
  readonly returnC: number;
}

export const supplySetC = 18;
/** Cold air mixes with some of the room's on its way to a rack. */
const inletC = 22.5;
/** Air warms up by this much as it passes through a server. */
const throughServersK = 11;
/** Where inlets would settle above `inletC` if no cold air came at all: well beyond where servers shut down. */
const uncooledK = 24;
/** Share of a rack's cold air that comes from the CRAC of its zone; the others share the rest. */
const ownShare = 0.8;
/** Dense racks in tight containment heat up within a minute; a CRAC that runs flushes the aisle faster still. */
const heatingSeconds = 30;
const flushingSeconds = 10;
const coilSeconds = 8;
const fanSeconds = 3;
export const runtimeFullSeconds = 24 * 60;
/** Real batteries take hours; a story that repeats must begin with full ones. */
const rechargeSeconds = 15 * 60;
export const rackKw = 7;
const upsEfficiency = 0.95;
const cracKwFull = 9;
const chargerKwFull = 4;

export function plantOf(hall: Hall): Plant {
  const returnC = inletC + throughServersK;
  const running: Crac = { running: true, fanPercent: fanOf(0), supplyC: supplySetC, returnC };
  return {
    hall,
    causes: calm,
    seconds: 0,
    charge: 1,
    incomerKwh: 184_320,
    criticalKwh: 121_870,
    inletsC: new Map(hall.racks.map(({ id }) => [id, inletC])),
    cracs: new Map(hall.cracs.map(({ id }) => [id, running])),
  };
}

/** The hall `dt` seconds later, `causes` acting all the while. Steps of a second or less are accurate enough. */
export function stepPlant(before: Plant, causes: Causes, dt: number): Plant {
  const { hall } = before;
  const plant = { ...before, causes, seconds: before.seconds + dt };
  const perHour = dt / 3600;
  return {
    ...plant,
    charge: clamp(before.charge + (causes.utility ? dt / rechargeSeconds : -dt / runtimeFullSeconds), 0, 1),
    incomerKwh: before.incomerKwh + incomerKw(plant) * perHour,
    criticalKwh: before.criticalKwh + criticalKw(plant) * perHour,
    inletsC: new Map(hall.racks.map((rack) => [rack.id, inletAfter(before, causes, rack, dt)])),
    cracs: new Map(hall.cracs.map(({ id }) => [id, cracAfter(before, causes, id, dt)])),
  };
}

function inletAfter({ hall, inletsC }: Plant, causes: Causes, rack: Placed, dt: number): number {
  const now = inletsC.get(rack.id) ?? inletC;
  const settled = inletC + uncooledK * lostShare(hall, causes, rack);
  return approach(now, settled, settled > now ? heatingSeconds : flushingSeconds, dt);
}

/** How much of the rack's cold air is missing, 0 … 1. */
function lostShare({ cracs }: Hall, { tripped }: Causes, { zone }: Placed): number {
  const own = cracs.filter((crac) => crac.zone === zone);
  const others = cracs.filter((crac) => crac.zone !== zone);
  const lost = (of: readonly Placed[]): number =>
    of.length === 0 ? 0 : of.filter(({ id }) => tripped.includes(id)).length / of.length;
  if (own.length === 0) return lost(others);
  return others.length === 0 ? lost(own) : ownShare * lost(own) + (1 - ownShare) * lost(others);
}

function cracAfter({ hall, cracs, inletsC }: Plant, { tripped }: Causes, id: string, dt: number): Crac {
  const before = cracs.get(id);
  const running = !tripped.includes(id);
  const returnC = mean([...inletsC.values()]) + throughServersK;
  // A coil that is off no longer cools what drifts through it.
  const supplyC = approach(before?.supplyC ?? supplySetC, running ? supplySetC : returnC, coilSeconds, dt);
  const wanted = running ? fanOf(hall.cracs.filter((crac) => tripped.includes(crac.id)).length) : 0;
  return { running, supplyC, returnC, fanPercent: approach(before?.fanPercent ?? 0, wanted, fanSeconds, dt) };
}

/** Those that run make up for those that do not, as far as they can. */
const fanOf = (tripped: number): number => Math.min(100, 60 + 20 * tripped);

/** What the UPSes deliver: the racks are fed whether the utility is there or not, as long as the batteries last. */
export const criticalKw = ({ hall, causes, charge }: Plant): number =>
  causes.utility || charge > 0 ? rackKw * hall.racks.length : 0;

/** What the site draws from the utility; without it the cooling runs on the generator, behind this meter. */
export function incomerKw(plant: Plant): number {
  if (!plant.causes.utility) return 0;
  const cooling = [...plant.cracs.values()].reduce((sum, { fanPercent }) => sum + (cracKwFull * fanPercent) / 100, 0);
  return criticalKw(plant) / upsEfficiency + cooling + (plant.charge < 1 ? chargerKwFull : 0);
}

export const minutesLeft = ({ charge }: Plant): number => (charge * runtimeFullSeconds) / 60;

/** One step of a first-order lag: exact for a constant target, so it cannot overshoot however long the step. */
const approach = (from: number, to: number, lagSeconds: number, dt: number): number =>
  to + (from - to) * Math.exp(-dt / lagSeconds);

const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));
const mean = (values: readonly number[]): number =>
  values.length === 0 ? inletC : values.reduce((sum, value) => sum + value, 0) / values.length;

import type { Device } from "../config/resolved.ts";
import { criticalKw, incomerKw, minutesLeft, type Plant, rackKw, runtimeFullSeconds, supplySetC } from "./plant.ts";

/** What a point of a device says of the plant, in the point's unit. */
export interface Look {
  readonly plant: Plant;
  readonly device: Device;
  /** A disturbance of at most `size` either way. */
  jitter(size: number): number;
}

type Table = Readonly<Record<string, (look: Look) => number>>;
/** By device class and point, as the profiles in config/profiles/ name them. */
type Tables = Readonly<Record<string, Table>>;

/** Rows of a UPS's alarm table that no story is about. */
const upsAlarms = [
  "battery-bad",
  "temperature-bad",
  "input-bad",
  "output-bad",
  "output-overload",
  "bypass-bad",
  "output-off-as-requested",
  "off-as-requested",
  "charger-failed",
  "system-off",
  "fan-failed",
  "fuse-failed",
  "general-fault",
  "test-failed",
  "communications-lost",
  "awaiting-power",
  "shutdown-pending",
  "shutdown-imminent",
  "test-in-progress",
];

/** Alarms of a unit with a compressor that no story is about; a trip is its overload. */
const compressorAlarms = ["inverter", "drive", "envelope", "start", "discharge", "start-pressure", "oil"].map(
  (own) => `alarm-${own}`,
);
const probes = [
  ...["supply", "return"].flatMap((air) => ["top", "middle", "bottom"].map((at) => `${air}-${at}`)),
  ...["discharge", "suction"].flatMap((side) => ["temperature", "pressure"].map((what) => `${side}-${what}`)),
].map((own) => `probe-${own}`);
/** Overload of the compressor, in a list of alarms by number. */
const tripCode = 16;

/** Points whose values causes alone decide: the ground truth that a test compares with. */
export const states: Tables = {
  ups: {
    "output-source": ({ plant: { causes, charge } }) => (causes.utility ? 3 : charge > 0 ? 5 : 2),
    // As APC's cards number them.
    "output-status": ({ plant: { causes, charge } }) => (causes.utility ? 2 : charge > 0 ? 3 : 7),
    "battery-status": ({ plant: { charge } }) => (charge > 0.2 ? 2 : charge > 0 ? 3 : 4),
    "battery-replacement": () => 1,
    "alarms-present": () => 0,
    ...Object.fromEntries(upsAlarms.map((alarm) => [`alarm-${alarm}`, () => 0])),
  },
  pdu: { "load-state": () => 2, "power-supply": () => 1 },
  crac: {
    running: ({ plant: { causes }, device }) => Number(!causes.tripped.includes(device.id)),
    "common-alarm": ({ plant: { causes }, device }) => Number(causes.tripped.includes(device.id)),
    water: () => 0,
    filter: () => 0,
    // A unit with a compressor of its own.
    "unit-state": ({ plant: { causes }, device }) => Number(!causes.tripped.includes(device.id)),
    "inverter-running": ({ plant: { causes }, device }) => Number(!causes.tripped.includes(device.id)),
    "envelope-zone": () => 0,
    "alarm-contact": () => 0,
    "high-pressure": () => 0,
    error: ({ plant: { causes }, device }) => (causes.tripped.includes(device.id) ? tripCode : 0),
    "alarm-overload": ({ plant: { causes }, device }) => Number(causes.tripped.includes(device.id)),
    ...Object.fromEntries([...compressorAlarms, ...probes].map((own) => [own, () => 0])),
    // The first unit behind a board.
    ...Object.fromEntries(
      ["running", "fan", "compressor"].map((own) => [
        `unit-1-1-1-${own}`,
        ({ plant: { causes }, device }: Look) => Number(!causes.tripped.includes(device.id)),
      ]),
    ),
    "unit-1-1-1-error": ({ plant: { causes }, device }) => Number(causes.tripped.includes(device.id)),
    ...Object.fromEntries(["bus-alarm", "humidifier", "dehumidification"].map((own) => [`unit-1-1-1-${own}`, () => 0])),
  },
  // Of two sources, A is the utility.
  ats: {
    "selected-source": ({ plant: { causes } }) => (causes.utility ? 1 : 2),
    redundancy: ({ plant: { causes } }) => (causes.utility ? 2 : 1),
    "source-a": ({ plant: { causes } }) => (causes.utility ? 2 : 1),
    "source-b": () => 2,
    "phase-sync": () => 1,
    ...Object.fromEntries(["overcurrent", "switch", "output-voltage-state", "hardware"].map((own) => [own, () => 2])),
  },
  leak: { status: ({ plant: { causes }, device }) => Number(causes.wet.includes(device.id)) },
  // Sensors in the room, as their makers number what is normal; row 0 is AKCP's first.
  environment: {
    ...Object.fromEntries(
      ["status", "temperature-0-state", "humidity-0-state", "contact-0-state"].map((own) => [own, () => 2]),
    ),
    ...Object.fromEntries(["power", "temperature-1-state", "humidity-2-state"].map((own) => [own, () => 1])),
    ...Object.fromEntries(["relay-1", "relay-2", "input-1-state", "input-1-alarm"].map((own) => [own, () => 0])),
  },
};

const mainsV = 231;
const upsKw = 20;
const phases = 3;
/** Where on its cable the leak is, when there is one. */
const leakM = 12;

const mains = ({ plant: { causes }, device, jitter }: Look): number =>
  causes.utility || isCritical(device) ? mainsV + jitter(1) : 0;
const meteredKw = ({ plant, device, jitter }: Look): number => {
  const kw = isCritical(device) ? criticalKw(plant) : incomerKw(plant);
  return kw === 0 ? 0 : kw + jitter(0.3);
};
const meteredA = (look: Look): number => (meteredKw(look) * 1000) / phases / mainsV;
/** Behind the UPSes; every other meter measures what comes from the utility. */
const isCritical = ({ labels }: Device): boolean => labels.measures === "critical";
const crac = ({ plant, device }: Look) =>
  plant.cracs.get(device.id) ?? { supplyC: supplySetC, returnC: supplySetC, fanPercent: 0 };

/** Share of what a UPS can carry, %. */
const upsLoad = ({ plant, jitter }: Look): number =>
  (100 * criticalKw(plant)) / (upsKw * plant.hall.upses.length) + jitter(0.9);

const phased = (what: string, read: (look: Look) => number): Table =>
  Object.fromEntries(["l1", "l2", "l3"].map((line) => [`${what}-${line}`, read]));

/** Where sensors of the room hang: at the hottest inlet. */
const roomC = ({ plant: { inletsC }, jitter }: Look): number => Math.max(18, ...inletsC.values()) + jitter(0.05);
const roomHumidity = ({ jitter }: Look): number => 42 + jitter(0.5);

/** SNMP knows no fractions: a MIB says tenths, which the point's scale undoes, or whole numbers, which these are. */
const whole =
  (read: (look: Look) => number) =>
  (look: Look): number =>
    Math.round(read(look));

/** What a unit behind a board says. */
const boardUnit: Table = {
  "supply-temperature": (look) => crac(look).supplyC + look.jitter(0.1),
  "return-temperature": (look) => crac(look).returnC + look.jitter(0.1),
  temperature: (look) => crac(look).supplyC + look.jitter(0.1),
  setpoint: () => supplySetC,
  "outside-temperature": ({ jitter }) => 12 + jitter(0.1),
  "water-in-1": ({ jitter }) => 10 + jitter(0.2),
  "water-in-2": ({ jitter }) => 10 + jitter(0.2),
  "water-out-1": ({ jitter }) => 16 + jitter(0.2),
  "water-out-2": ({ jitter }) => 16 + jitter(0.2),
  humidity: ({ jitter }) => 42 + jitter(0.5),
  "return-humidity": ({ jitter }) => 42 + jitter(0.5),
  "supply-humidity": ({ jitter }) => 50 + jitter(0.5),
  "humidity-setpoint": () => 45,
  "condensation-pressure": ({ jitter }) => 16 + jitter(0.2),
  "fan-speed": whole((look) => crac(look).fanPercent),
  ...Object.fromEntries(["valve-1", "valve-2", "freecooling-valve", "g-valve"].map((own) => [own, () => 40])),
};

/** Points that are measured. */
export const readings: Tables = {
  ups: {
    "seconds-on-battery": whole(({ plant: { causes, charge } }) =>
      causes.utility ? 0 : (1 - charge) * runtimeFullSeconds,
    ),
    "minutes-remaining": whole(({ plant }) => minutesLeft(plant)),
    charge: whole(({ plant: { charge } }) => charge * 100),
    "battery-voltage": ({ plant: { charge }, jitter }) => 480 + 60 * charge + jitter(0.5),
    "battery-temperature": whole(({ jitter }) => 24 + jitter(0.2)),
    "input-voltage": whole(mains),
    "output-voltage": whole(({ jitter }) => 230 + jitter(0.9)),
    "output-load": whole(upsLoad),
    "battery-current": ({ plant: { causes, charge }, jitter }) => (causes.utility && charge >= 1 ? 0 : 20 + jitter(1)),
    "input-frequency": (look) => (look.plant.causes.utility ? 50 + look.jitter(0.02) : 0),
    "output-frequency": ({ jitter }) => 50 + jitter(0.02),
    "output-current": (look) => (upsLoad(look) * upsKw * 10) / mainsV,
    "bypass-frequency": (look) => (look.plant.causes.utility ? 50 + look.jitter(0.02) : 0),
    ...phased("input-voltage", whole(mains)),
    ...phased("input-frequency", (look) => (look.plant.causes.utility ? 50 + look.jitter(0.02) : 0)),
    ...phased(
      "output-voltage",
      whole(({ jitter }) => 230 + jitter(0.9)),
    ),
    ...phased("output-current", (look) => (upsLoad(look) * upsKw * 10) / mainsV / phases),
    ...phased(
      "output-power",
      whole((look) => (upsLoad(look) * upsKw * 10) / phases),
    ),
    ...phased("output-load", whole(upsLoad)),
    ...phased("bypass-voltage", whole(mains)),
    ...phased("bypass-current", () => 0),
  },
  pdu: {
    "inlet-temperature": ({ plant, device, jitter }) => (plant.inletsC.get(device.id) ?? 0) + jitter(0.05),
    power: ({ plant, jitter }) => (criticalKw(plant) > 0 ? rackKw + jitter(0.1) : 0),
    energy: ({ plant: { criticalKwh, hall } }) => criticalKwh / Math.max(1, hall.racks.length),
    current: ({ plant, jitter }) => (criticalKw(plant) > 0 ? (rackKw * 1000) / phases / mainsV + jitter(0.1) : 0),
    voltage: whole(({ jitter }) => 230 + jitter(0.9)),
  },
  crac: {
    "supply-temperature": (look) => crac(look).supplyC + look.jitter(0.1),
    "return-temperature": (look) => crac(look).returnC + look.jitter(0.1),
    "fan-speed": (look) => crac(look).fanPercent,
    "supply-setpoint": () => supplySetC,
    setpoint: () => supplySetC,
    ...Object.fromEntries(
      ["top", "middle", "bottom"].flatMap((at) => [
        [`supply-temperature-${at}`, (look: Look) => crac(look).supplyC + look.jitter(0.3)],
        [`return-temperature-${at}`, (look: Look) => crac(look).returnC + look.jitter(0.3)],
      ]),
    ),
    "discharge-temperature": ({ jitter }) => 75 + jitter(1),
    "suction-temperature": ({ jitter }) => 14 + jitter(0.5),
    "evaporation-temperature": ({ jitter }) => 8 + jitter(0.5),
    "condensation-temperature": ({ jitter }) => 42 + jitter(0.5),
    "discharge-pressure": ({ jitter }) => 24 + jitter(0.2),
    "suction-pressure": ({ jitter }) => 9 + jitter(0.2),
    "compressor-current": (look) => (crac(look).fanPercent > 0 ? 6 + look.jitter(0.1) : 0),
    "fan-rotation": whole((look) => crac(look).fanPercent * 25),
    ...Object.fromEntries(Object.entries(boardUnit).map(([own, read]) => [`unit-1-1-1-${own}`, read] as const)),
  },
  meter: {
    "voltage-l1": mains,
    "voltage-l2": mains,
    "voltage-l3": mains,
    "current-l1": meteredA,
    "current-l2": meteredA,
    "current-l3": meteredA,
    power: meteredKw,
    "voltage-l1-l2": (look) => mains(look) * Math.sqrt(3),
    "voltage-l2-l3": (look) => mains(look) * Math.sqrt(3),
    "voltage-l3-l1": (look) => mains(look) * Math.sqrt(3),
    ...phased("power", (look) => meteredKw(look) / phases),
    "apparent-power": (look) => meteredKw(look) / 0.97,
    ...phased("apparent-power", (look) => meteredKw(look) / 0.97 / phases),
    ...phased("power-factor", () => 0.97),
    "power-factor": () => 0.97,
    frequency: (look) => (mains(look) === 0 ? 0 : 50 + look.jitter(0.02)),
    "energy-import": ({ plant, device }) => (isCritical(device) ? plant.criticalKwh : plant.incomerKwh),
  },
  leak: {
    distance: ({ plant: { causes }, device }) => (causes.wet.includes(device.id) ? leakM : 0),
    current: ({ plant: { causes }, device, jitter }) => (causes.wet.includes(device.id) ? 150 : 4) + jitter(1),
    "cable-length": () => 30,
  },
  environment: {
    ...Object.fromEntries(
      ["temperature", "heat-index", "temperature-0-value", "temperature-1-value"].map((own) => [own, roomC]),
    ),
    ...Object.fromEntries(["humidity", "humidity-0-value", "humidity-2-value"].map((own) => [own, roomHumidity])),
  },
};

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

/** Points that stay as they are, whatever happens. */
const all = (points: readonly string[], value: number): Table =>
  Object.fromEntries(points.map((own) => [own, () => value]));

/** Points whose values causes alone decide: the ground truth that a test compares with. */
export const states: Tables = {
  ups: {
    "output-source": ({ plant: { causes, charge } }) => (causes.utility ? 3 : charge > 0 ? 5 : 2),
    // As APC's cards number them.
    "output-status": ({ plant: { causes, charge } }) => (causes.utility ? 2 : charge > 0 ? 3 : 7),
    "battery-status": ({ plant: { charge } }) => (charge > 0.2 ? 2 : charge > 0 ? 3 : 4),
    "battery-replacement": () => 1,
    "alarms-present": () => 0,
    ...all(
      upsAlarms.map((alarm) => `alarm-${alarm}`),
      0,
    ),
    ...all(["sensors-warning", "sensors-critical", "sensors-lost"], 0),
  },
  pdu: { ...all(["load-state", "phase-load-state", "bank-load-state"], 2), "power-supply": () => 1 },
  crac: {
    running: ({ plant: { causes }, device }) => Number(!causes.tripped.includes(device.id)),
    "common-alarm": ({ plant: { causes }, device }) => Number(causes.tripped.includes(device.id)),
    water: () => 0,
    filter: () => 0,
    // As APC numbers them: NetworkAIR FM, Uniflair SP.
    status: ({ plant: { causes }, device }) => (causes.tripped.includes(device.id) ? 7 : 4),
    state: ({ plant: { causes }, device }) => (causes.tripped.includes(device.id) ? 3 : 6),
    airflow: ({ plant: { causes }, device }) => Number(!causes.tripped.includes(device.id)),
    alarms: ({ plant: { causes }, device }) => Number(causes.tripped.includes(device.id)),
    "alarms-critical": ({ plant: { causes }, device }) => Number(causes.tripped.includes(device.id)),
    ...all(["cooling", "humidifier", "dehumidifier", "heating"], 3),
    ...all(["compressor", "compressor-on", "condenser-power"], 1),
    ...all(["group-state", "remote-shutdown", "suction-pressure-low", "smoke", "condensate"], 0),
    ...all(["module-1-compressor-1", "module-1-compressor-2"], 2),
  },
  environment: {
    ...all(["card-status", "sensor-0-1-link", "relay-1-state", "outlet-1-state"], 2),
    ...all(["temperature-unit", "sensor-0-1-alarm"], 1),
    ...all(["input-0-1-state", "input-0-1-normal-state", "input-0-1-alarm"], 1),
    ...all(["alarm", "smoke-detected", "leaks-detected"], 0),
  },
  // Of two sources, A is the utility.
  ats: {
    "selected-source": ({ plant: { causes } }) => (causes.utility ? 1 : 2),
    redundancy: ({ plant: { causes } }) => (causes.utility ? 2 : 1),
    "source-a": ({ plant: { causes } }) => (causes.utility ? 2 : 1),
    "source-b": () => 2,
    "phase-sync": () => 1,
    ...all(["overcurrent", "switch", "output-voltage-state", "hardware", "card-status"], 2),
    // Of a large one, source 1 is the utility and 2 a generator, as APC numbers them.
    "load-source": ({ plant: { causes } }) => (causes.utility ? 2 : 3),
    "source-1": ({ plant: { causes } }) => (causes.utility ? 1 : 2),
    "source-2": ({ plant: { causes } }) => (causes.utility ? 2 : 1),
    "source-1-position": ({ plant: { causes } }) => (causes.utility ? 2 : 1),
    "source-2-position": ({ plant: { causes } }) => (causes.utility ? 1 : 2),
    "engine-start": ({ plant: { causes } }) => (causes.utility ? 2 : 1),
    generator: ({ plant: { causes } }) => (causes.utility ? 3 : 6),
    "generator-mode": () => 3,
    "test-result": () => 3,
    ...all(["mode", "test", "oil-level", "coolant-level"], 1),
  },
  leak: { status: ({ plant: { causes }, device }) => Number(causes.wet.includes(device.id)) },
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

/** What a profile's table has of each of its rows. */
const eachOf = (table: string, rows: readonly string[], points: Table): Table =>
  Object.fromEntries(
    rows.flatMap((row) => Object.entries(points).map(([own, read]) => [`${table}-${row}-${own}`, read])),
  );

/** As much of its cooling as its fan blows. */
const cracShares = (points: readonly string[]): Table =>
  Object.fromEntries(points.map((own) => [own, whole((look) => crac(look).fanPercent)]));

const blower = (name: string): Table => ({
  [`${name}-frequency-requested`]: (look) => crac(look).fanPercent / 2,
  [`${name}-frequency`]: (look) => crac(look).fanPercent / 2,
  [`${name}-torque`]: (look) => crac(look).fanPercent,
  [`${name}-current`]: (look) => crac(look).fanPercent,
  [`${name}-voltage`]: ({ jitter }) => mainsV + jitter(1),
  [`${name}-capacitor-life`]: () => 90,
});

/** SNMP knows no fractions: a MIB says tenths, which the point's scale undoes, or whole numbers, which these are. */
const whole =
  (read: (look: Look) => number) =>
  (look: Look): number =>
    Math.round(read(look));

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
    "inlet-humidity": whole(({ jitter }) => 45 + jitter(2)),
    power: ({ plant, jitter }) => (criticalKw(plant) > 0 ? rackKw + jitter(0.1) : 0),
    "apparent-power": ({ plant, jitter }) => (criticalKw(plant) > 0 ? rackKw / 0.97 + jitter(0.1) : 0),
    "power-factor": () => 0.97,
    energy: ({ plant: { criticalKwh, hall } }) => criticalKwh / Math.max(1, hall.racks.length),
    current: ({ plant, jitter }) => (criticalKw(plant) > 0 ? (rackKw * 1000) / phases / mainsV + jitter(0.1) : 0),
    voltage: whole(({ jitter }) => 230 + jitter(0.9)),
  },
  crac: {
    "supply-temperature": (look) => crac(look).supplyC + look.jitter(0.1),
    "return-temperature": (look) => crac(look).returnC + look.jitter(0.1),
    "fan-speed": (look) => crac(look).fanPercent,
    "supply-setpoint": () => supplySetC,
    "control-temperature": (look) => crac(look).supplyC + look.jitter(0.1),
    "cooling-setpoint": () => supplySetC,
    "heating-setpoint": () => supplySetC - 4,
    "humidification-setpoint": () => 40,
    "dehumidification-setpoint": () => 60,
    ...cracShares(["cooling-demand", "cooling-output", "condenser-fan-speed"]),
    ...all(["dehumidification-demand", "heating-demand", "heating-output", "humidification-demand"], 0),
    "room-temperature": (look) => crac(look).returnC + look.jitter(0.1),
    "condensing-temperature": ({ jitter }) => 40 + jitter(1),
    "discharge-pressure": ({ jitter }) => 24 + jitter(1),
    ...eachOf("module", ["1"], {
      "supply-temperature": (look) => crac(look).supplyC + look.jitter(0.1),
      "supply-humidity": ({ jitter }) => 60 + jitter(2),
      "return-temperature": (look) => crac(look).returnC + look.jitter(0.1),
      "return-humidity": ({ jitter }) => 45 + jitter(2),
      "filter-pressure": whole((look) => crac(look).fanPercent),
      "coil-pressure": whole((look) => crac(look).fanPercent),
      "suction-pressure": whole(({ jitter }) => 530 + jitter(10)),
      "discharge-pressure": whole(({ jitter }) => 1430 + jitter(20)),
      ...all(["humidifier-current", "humidifier-output"], 0),
      ...blower("blower-1"),
      ...blower("blower-2"),
    }),
  },
  environment: {
    "sensor-0-1-temperature": whole(({ jitter }) => 23 + jitter(0.4)),
    "sensor-0-1-humidity": whole(({ jitter }) => 45 + jitter(2)),
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
  ats: {
    "input-voltage-a": whole(mains),
    "input-voltage-b": whole(({ jitter }) => mainsV + jitter(1)),
    "input-frequency-a": whole((look) => (look.plant.causes.utility ? 50 : 0)),
    "input-frequency-b": () => 50,
    "output-voltage": whole(({ jitter }) => mainsV + jitter(1)),
    "output-current": ({ plant, jitter }) => (criticalKw(plant) > 0 ? 8 + jitter(0.5) : 0),
    "generator-battery-voltage": ({ jitter }) => 13.8 + jitter(0.1),
    "fuel-level": () => 90,
    ...eachOf("phase", ["1", "2", "3"], {
      "source-1-voltage": (look) => mains(look) * Math.sqrt(3),
      "source-2-voltage": (look) => (look.plant.causes.utility ? 0 : (mainsV + look.jitter(1)) * Math.sqrt(3)),
      "output-voltage": ({ jitter }) => (mainsV + jitter(1)) * Math.sqrt(3),
      "output-current": whole((look) => (criticalKw(look.plant) * 1000) / phases / mainsV),
    }),
  },
  leak: {
    distance: ({ plant: { causes }, device }) => (causes.wet.includes(device.id) ? leakM : 0),
    current: ({ plant: { causes }, device, jitter }) => (causes.wet.includes(device.id) ? 150 : 4) + jitter(1),
    "cable-length": () => 30,
  },
};

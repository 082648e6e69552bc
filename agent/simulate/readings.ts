import {
  crac,
  inRow,
  isCritical,
  type Look,
  mains,
  mainsV,
  phased,
  phases,
  type Table,
  type Tables,
  upsKw,
  whole,
} from "./look.ts";
import { criticalKw, incomerKw, minutesLeft, rackKw, runtimeFullSeconds, supplySetC } from "./plant.ts";

/** Where on its cable the leak is, when there is one. */
const leakM = 12;

const meteredKw = ({ plant, device, jitter }: Look): number => {
  const kw = isCritical(device) ? criticalKw(plant) : incomerKw(plant);
  return kw === 0 ? 0 : kw + jitter(0.3);
};
const meteredKwh = ({ plant, device }: Look): number => (isCritical(device) ? plant.criticalKwh : plant.incomerKwh);
/** What a meter tells of its fourth input, too. */
const fourth = [
  ...["voltage", "current", "power", "reactive-power", "apparent-power", "power-factor", "energy"],
  ...["voltage-distortion", "current-distortion"],
];
const meteredA = (look: Look): number => (meteredKw(look) * 1000) / phases / mainsV;

/** On each phase of a rack's PDU. */
const rackA = ({ plant, jitter }: Look): number =>
  criticalKw(plant) > 0 ? (rackKw * 1000) / phases / mainsV + jitter(0.1) : 0;
const branchA = 16;

/** Share of what a UPS can carry, %. */
const upsLoad = ({ plant, jitter }: Look): number =>
  (100 * criticalKw(plant)) / (upsKw * plant.hall.upses.length) + jitter(0.9);

/** Where sensors of the room hang: at the hottest inlet. */
const roomC = ({ plant: { inletsC }, jitter }: Look): number => Math.max(18, ...inletsC.values()) + jitter(0.05);
const roomHumidity = ({ jitter }: Look): number => 42 + jitter(0.5);

const inletC = ({ plant, device, jitter }: Look): number => (plant.inletsC.get(device.id) ?? 0) + jitter(0.05);
/** What a rack PDU carries. */
const loadKw = ({ plant, jitter }: Look): number => (criticalKw(plant) > 0 ? rackKw + jitter(0.1) : 0);
const rackKwh = ({ plant: { criticalKwh, hall } }: Look): number => criticalKwh / Math.max(1, hall.racks.length);
const rackFeed: Table = {
  power: loadKw,
  "apparent-power": (look) => loadKw(look) / 0.97,
  "power-factor": () => 0.97,
  energy: rackKwh,
};
/** One of its phases, as all tell of it; powers in W and VA. */
const rackPole: Table = {
  voltage: ({ jitter }) => 230 + jitter(0.9),
  current: rackA,
  power: whole((look) => (loadKw(look) * 1000) / phases),
};
/** As some do. */
const rackPhase: Table = {
  ...rackPole,
  "apparent-power": whole((look) => (loadKw(look) * 1000) / phases / 0.97),
  "power-factor": () => 0.97,
  energy: (look) => rackKwh(look) / phases,
};

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
    "seconds-remaining": whole(({ plant }) => minutesLeft(plant) * 60),
    "ambient-temperature": whole(({ jitter }) => 23 + jitter(0.2)),
    "device-temperature": ({ jitter }) => 26 + jitter(0.2),
    "pack-1-temperature": ({ jitter }) => 24 + jitter(0.2),
    ...phased("input-voltage", whole(mains)),
    ...phased("input-current", (look) =>
      look.plant.causes.utility ? (upsLoad(look) * upsKw * 10) / mainsV / phases : 0,
    ),
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
    "inlet-temperature": inletC,
    ...rackFeed,
    current: rackA,
    voltage: whole(({ jitter }) => 230 + jitter(0.9)),
    "inlet-humidity": whole(({ jitter }) => 45 + jitter(0.9)),
    "warmest-inlet": ({ plant, device, jitter }) => (plant.inletsC.get(device.id) ?? 0) + jitter(0.05),
    frequency: ({ jitter }) => 50 + jitter(0.02),
    ...phased("voltage", ({ jitter }) => 230 + jitter(0.9)),
    ...phased("current", rackA),
    "line-1-1-1-voltage": ({ jitter }) => 230 + jitter(0.9),
    "line-1-1-1-current": rackA,
    "branch-1-1-current": rackA,
    "branch-1-1-current-left": (look) => branchA - rackA(look),
    "branch-1-1-load": (look) => (100 * rackA(look)) / branchA,
    ...inRow("phase-1", rackPhase),
    ...inRow("line-1", { current: rackA }),
    ...inRow("cord-1-1", { ...rackFeed, load: () => 20, frequency: ({ jitter }) => 50 + jitter(0.02) }),
    ...inRow("line-1-1-1", { current: rackA, load: () => 20 }),
    ...inRow("phase-1-1-1", rackPole),
    ...inRow("inlet-1-1", { temperature: inletC, humidity: () => 40 }),
    ...inRow("input-1-1", rackPhase),
    ...inRow("device-1", { temperature: ({ jitter }) => 30 + jitter(0.1) }),
  },
  // Carries telecoms at 48 V, which the load of the hall is not about.
  dc: {
    "system-voltage": ({ plant: { causes, charge }, jitter }) => (causes.utility ? 54 : 44 + 6 * charge) + jitter(0.05),
    "load-current": ({ jitter }) => 40 + jitter(0.5),
    "battery-current": ({ plant: { causes }, jitter }) => (causes.utility ? 0 : -40) + jitter(0.5),
    "battery-temperature": ({ jitter }) => 24 + jitter(0.2),
    "rectifier-current": ({ plant: { causes }, jitter }) => (causes.utility ? 40 + jitter(0.5) : 0),
    "system-power": whole(({ jitter }) => 2160 + jitter(20)),
  },
  ats: {
    "source-a-voltage": whole(mains),
    "source-a-frequency": (look) => (look.plant.causes.utility ? 50 + look.jitter(0.02) : 0),
    "source-b-voltage": whole(({ jitter }) => 230 + jitter(0.9)),
    "source-b-frequency": ({ jitter }) => 50 + jitter(0.02),
    "output-current": ({ jitter }) => 8 + jitter(0.1),
    "rated-current": () => 16,
    "output-load": () => 50,
    "device-temperature": whole(({ jitter }) => 29 + jitter(0.4)),
  },
  crac: {
    "supply-temperature": (look) => crac(look).supplyC + look.jitter(0.1),
    "return-temperature": (look) => crac(look).returnC + look.jitter(0.1),
    "fan-speed": (look) => crac(look).fanPercent,
    "supply-setpoint": () => supplySetC,
    "return-humidity": whole(({ jitter }) => 40 + jitter(0.9)),
    "cooling-capacity": whole((look) => crac(look).fanPercent),
    ...Object.fromEntries(
      ["free-cooling", "dehumidifying", "humidifying"].map((what) => [`${what}-capacity`, () => 0]),
    ),
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
    "drive-temperature": whole(({ jitter }) => 60 + jitter(1)),
    "drive-dc-voltage": whole(({ jitter }) => 540 + jitter(2)),
    "motor-voltage": whole((look) => (crac(look).fanPercent > 0 ? 250 + look.jitter(2) : 0)),
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
    "energy-import": meteredKwh,
    ...phased("energy", (look) => meteredKwh(look) / phases),
    // A neutral, which carries nothing while the phases are alike.
    ...Object.fromEntries(fourth.map((what) => [`${what}-l4`, () => 0])),
    "reactive-power": (look) => -meteredKw(look) / 4,
    ...phased("reactive-power", (look) => -meteredKw(look) / 4 / phases),
    "reactive-energy": (look) => -meteredKwh(look) / 4,
    ...phased("voltage-distortion", (look) => (mains(look) === 0 ? 0 : 2 + look.jitter(0.2))),
    ...phased("current-distortion", (look) => (meteredKw(look) === 0 ? 0 : 10 + look.jitter(1))),
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

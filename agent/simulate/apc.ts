import { all, crac, mains, mainsV, phases, type Table, type Tables, whole } from "./look.ts";
import { criticalKw, supplySetC } from "./plant.ts";

/** What APC's devices say otherwise than others of their class, by the numbers of their MIBs. */
export const apcStates: Tables = {
  ups: all(["sensors-warning", "sensors-critical", "sensors-lost"], 0),
  pdu: all(["phase-load-state", "bank-load-state"], 2),
  crac: {
    // NetworkAIR FM, Uniflair SP.
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
  ats: {
    "card-status": () => 2,
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
};

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

export const apcReadings: Tables = {
  crac: {
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
};

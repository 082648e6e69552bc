import { all, inRow, type Look, type Table, type Tables } from "./look.ts";

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
  "imminent-stop",
  "redundancy-lost",
  "rectifier-failed",
  "rectifier-warning",
  "inverter-failed",
  "internal-failure",
];

/** What a UPS says yes (1) or no (2) to, and no story is about. */
const upsFlags = [
  "on-bypass",
  "inverter-off",
  "overload",
  "over-temperature",
  "battery-faulty",
  "battery-to-replace",
  "charger-faulty",
  "low-condition",
];
const yes = (is: boolean): number => (is ? 1 : 2);

/** Alarms of a PDU that no story is about. */
const pduAlarms = [
  "disconnected",
  ...["l1", "l2", "l3"].flatMap((line) => [
    `load-${line}-major`,
    `load-${line}-minor`,
    `voltage-${line}-major`,
    `voltage-${line}-minor`,
  ]),
];

/** Alerts of a rack PDU that no story is about. */
const rackAlerts = ["temperature", "input-current", "outlet-current", "input-voltage", "outlet-drop", "input-drop"].map(
  (what) => `${what}-alert`,
);

const nothing = (points: readonly string[]): Table => all(points, 0);
const statusesOf = (...points: readonly string[]): string[] => points.map((own) => `${own}-status`);
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
    ...nothing(upsAlarms.map((alarm) => `alarm-${alarm}`)),
    // As Eaton's cards of MGE tell it.
    "on-battery": ({ plant: { causes, charge } }) => yes(!causes.utility && charge > 0),
    "utility-off": ({ plant: { causes } }) => yes(!causes.utility),
    "input-bad": ({ plant: { causes } }) => yes(!causes.utility),
    "input-fail-cause": ({ plant: { causes } }) => (causes.utility ? 1 : 4),
    "battery-low": ({ plant: { charge } }) => yes(charge <= 0.2),
    ...Object.fromEntries(upsFlags.map((flag) => [flag, () => 2])),
    // As Socomec's cards number them.
    "output-mode": ({ plant: { causes, charge } }) => (causes.utility || charge > 0 ? 3 : 8),
    "battery-state": ({ plant: { causes, charge } }) => {
      if (causes.utility) return charge < 1 ? 3 : 2;
      return charge > 0.2 ? 5 : charge > 0 ? 6 : 7;
    },
    // As Tripp Lite's and Liebert's do.
    charging: ({ plant: { causes, charge } }) => (causes.utility ? (charge < 1 ? 1 : 4) : 3),
    charger: () => 0,
    "main-load": () => 2,
    "test-result": () => 1,
    "pack-1-condition": () => 1,
    "battery-test": () => 2,
  },
  dc: {
    "mains-failure": ({ plant: { causes } }) => (causes.utility ? 1 : 2),
    "charge-state": ({ plant: { causes, charge } }) => (causes.utility ? (charge < 1 ? 6 : 1) : 2),
    "critical-alarms": () => 0,
    "urgent-alarms": ({ plant: { causes } }) => Number(!causes.utility),
    "other-alarms": () => 0,
    rectifiers: () => 4,
    "rectifiers-failed": () => 0,
  },
  pdu: {
    "load-state": () => 2,
    "power-supply": () => 1,
    "system-status": () => 1,
    telnet: () => 2,
    "velocity-server": () => 2,
    "web-server": () => 2,
    ...Object.fromEntries(pduAlarms.map((alarm) => [`alarm-${alarm}`, () => 0])),
    "current-state": () => 4,
    "voltage-state": () => 4,
    availability: () => 1,
    "temperature-unit": ({ device }) => (device.profile === "pdu/servertech-sentry4" ? 0 : 1),
    ...nothing(["breakers-open", "breakers-tripped", "fuses-blown", "alarms", "warnings"]),
    ...nothing(["new-devices", "duplicate-addresses", "ring"]),
    ...inRow("unit-1", nothing(["status"])),
    ...inRow("cord-1-1", {
      state: () => 1,
      ...nothing(["status", ...statusesOf("power", "apparent-power", "power-factor")]),
    }),
    ...inRow("line-1-1-1", { state: () => 1, ...nothing(["status", ...statusesOf("current")]) }),
    ...inRow("phase-1-1-1", { state: () => 1, ...nothing(["status", ...statusesOf("voltage", "power-factor")]) }),
    ...inRow("inlet-1-1", nothing(statusesOf("temperature"))),
    ...inRow("device-1", nothing(rackAlerts)),
  },
  crac: {
    running: ({ plant: { causes }, device }) => Number(!causes.tripped.includes(device.id)),
    "common-alarm": ({ plant: { causes }, device }) => Number(causes.tripped.includes(device.id)),
    water: () => 0,
    filter: () => 0,
    // As Liebert's cards number them: 1 on, 2 off.
    "system-state": ({ plant: { causes }, device }) => yes(!causes.tripped.includes(device.id)),
    cooling: ({ plant: { causes }, device }) => yes(!causes.tripped.includes(device.id)),
    fan: ({ plant: { causes }, device }) => yes(!causes.tripped.includes(device.id)),
    "general-alarm": ({ plant: { causes }, device }) => yes(causes.tripped.includes(device.id)),
    "audible-alarm": ({ plant: { causes }, device }) => yes(causes.tripped.includes(device.id)),
    "operating-reason": ({ plant: { causes }, device }) => (causes.tripped.includes(device.id) ? 3 : 1),
    "operating-mode": () => 1,
    ...Object.fromEntries(
      ["humidifying", "dehumidifying", "electric-heater", "hot-water"].map((own) => [own, () => 2]),
    ),
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
    alarm: ({ plant: { causes } }) => (causes.utility ? 1 : 2),
    buzzer: () => 2,
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

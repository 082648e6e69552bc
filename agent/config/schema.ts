import * as z from "zod";
import { duration } from "../core/duration.ts";
import { languages, wording } from "../core/language.ts";
import { window } from "./calendar.ts";
import { id as plainId } from "./id.ts";
import { rowList } from "./tables.ts";
import { tests } from "./tests.ts";
import { topologySchema } from "./topology.ts";

/**
 * What people write: the site and the device profiles. Bus, device and point addresses are checked by the driver's
 * own schema, rules by their type's, so they are open here (`open`) and closed in resolve.ts.
 */
export const id = plainId.describe("Names it for ever: incidents and topics carry it.");

/** Options that something else checks. */
export const open = z.record(z.string(), z.unknown());

/** 0 would ask without a pause; faster than this is a device's own business. */
const interval = duration.refine((ms) => ms >= 100, "expected at least 100ms");
const expectedName = "expected class/maker-model, such as ups/rfc1628";
const profileName = /^[a-z0-9-]+(\/[a-z0-9-]+)*$/;

/** What tells one device from another, each part as the driver or the operator says it. */
const identity = <Part extends z.ZodType>(part: Part) =>
  z
    .strictObject({
      serial: part.describe("Serial number."),
      id: part.describe("What names the device, or its kind, such as sysObjectID."),
      mac: part.describe("Address of its network card."),
      vendor: part.describe("Maker."),
      model: part.describe("Model."),
      firmware: part.describe("Software; it may change, which is noted."),
    })
    .partial();

/** A rule as written: what its type adds is checked against the type's own options. `null` switches one off. */
const rule = open.nullable();

export const point = z.strictObject({
  name: wording.optional().describe("Shown to people; default: the point's id with blanks."),
  kind: z.string().optional().describe("What it measures, a name from config/points.yaml."),
  address: open.describe("Where it is found in the device; see the driver."),
  unit: z.string().default("1").describe("UCUM code of the value after scaling, such as Cel, V, kW, %."),
  scale: z.number().default(1).describe("value = raw × scale + offset"),
  offset: z.number().default(0).describe("value = raw × scale + offset"),
  notAvailable: z.array(z.number()).default([]).describe("Raw numbers that mean: no value."),
  sentinels: z.array(z.number()).default([]).describe("Values, after scaling, that only a broken sensor reports."),
  range: z
    .tuple([z.number(), z.number()])
    .refine(([low, high]) => low < high, "expected the lower number first")
    .nullable()
    .default(null)
    .describe("Outside of it a value cannot be true."),
  uncertainAs: z.enum(["bad", "good"]).default("bad").describe("Whether rules may use an uncertain value."),
  counter: z
    .strictObject({
      bits: z.literal([16, 32, 64]).describe("Width at which it wraps."),
      maxRate: z.number().gt(0).describe("Highest believable rate per second; a faster one is a reset."),
      uptime: z
        .string()
        .optional()
        .describe("A point that tells how long the device has been up: when it restarted, the count begins anew."),
    })
    .nullable()
    .default(null)
    .describe("Set for a counter that wraps."),
  texts: z.record(z.string(), wording).default({}).describe("Names of the values of an enumeration."),
  interval: interval.optional().describe("How often it is read; default: the device's."),
});
export type PointConfig = z.output<typeof point>;

export const profile = z.strictObject({
  profile: z.string().describe("Its own name: class/maker-model, as its path."),
  describe: z.string().describe("Which devices it fits, and where its addresses come from."),
  protocol: z.string().describe("Which driver speaks to it."),
  class: z.string().describe("Device class: ups, pdu, crac, meter, leak …"),
  interval: interval.default(10_000).describe("How often its points are read; default: 10s."),
  points: z.record(id, point).describe("What it can tell."),
  identity: identity(open)
    .optional()
    .describe("What tells who such a device is, each an address; another one in its place is not believed."),
  rules: z.record(id, rule).default({}).describe("What is wrong with such a device, wherever it stands."),
  traps: z
    .record(id, open)
    .default({})
    .describe("What it says unasked, and the points that are read at once when it does; see the driver."),
  tables: z
    .record(
      id,
      z.strictObject({
        rows: rowList.describe("Its rows, by index or name: 1..24, [1, 2, 5]; [] if only a site knows them."),
        points: z.record(id, point).describe("Points of each row, TABLE-ROW-POINT; {row} in texts is the row."),
        rules: z.record(id, rule).default({}).describe("Rules of each row, about these points."),
      }),
    )
    .default({})
    .describe("What such a device has once a row: outlets, phases, sensors."),
  tests: tests.optional(),
});
export type Profile = Omit<z.output<typeof profile>, "tests">;

/** points.yaml: one word for what a point measures, across all makers. */
export const pointKinds = z.record(id, z.string());

const location = z
  .strictObject({
    building: z.string().optional().describe("Building, where a site has several."),
    room: z.string().optional().describe("Hall or room, as its door says."),
    row: z.string().optional().describe("Row of racks."),
    rack: z.string().optional().describe("Rack, as its label says."),
    zone: z.string().optional().describe("Cooling or fire zone."),
  })
  .default({})
  .describe("Where it stands; said in every incident.");

export const device = z.strictObject({
  id,
  name: z.string().optional().describe("Shown to people; default: its id."),
  profile: z
    .string(expectedName)
    .regex(profileName, expectedName)
    .describe("What kind of device it is: class/maker-model."),
  bus: z
    .union([id, open], "expected the name of a bus, or a bus of its own")
    .describe("Name of a bus, or a bus of its own."),
  address: open.default({}).describe("What tells it from others on its bus (Modbus unit, BACnet instance)."),
  location,
  interval: interval.optional().describe("How often it is read; default: the profile's."),
  labels: z.record(z.string(), z.string()).default({}).describe("Free words that go out with its incidents."),
  identity: identity(z.string().min(1))
    .omit({ firmware: true })
    .default({})
    .describe("Who it is known to be, as mepwatch status shows it; default: who it was when first heard."),
  rows: z.record(id, rowList).default({}).describe("Rows of the profile's tables, where it has others."),
  points: z.record(id, open).default({}).describe("Points changed or added."),
  rules: z.record(id, rule).default({}).describe("Rules changed (options given replace), added, or off (null)."),
});

export const site = z.strictObject({
  version: z.literal(1).describe("Version of this file's language."),
  site: z
    .strictObject({
      id,
      name: z.string().optional().describe("Shown to people; default: its id."),
      timeZone: z.string().default("UTC").describe("IANA name, such as Europe/Berlin: times in texts are said in it."),
      language: z.enum(languages).default("en").describe("In which incidents are told: en or de."),
    })
    .describe("The site as a whole."),
  buses: z.record(id, open).default({}).describe("Lines and gateways that several devices share."),
  devices: z.array(device).min(1).describe("What is watched."),
  topology: topologySchema,
  traps: open.optional().describe("Where traps are heard, and who is believed; not given: none are."),
  bacnet: open
    .optional()
    .describe("How the BACnet network is reached and heard; not given: devices are asked, and nothing else is heard."),
  maintenance: z.array(window).optional().describe("Maintenance that comes by itself."),
  tests: tests.optional(),
});

/** Beside what the driver wants to know of a bus. */
export const busOptions = {
  protocol: z.string().describe("Which driver speaks on it."),
  timeout: duration
    .refine((ms) => ms >= 1, "expected at least 1ms")
    .default(1000)
    .describe("How long one exchange may take; default: 1s."),
};

/** Beside what the driver wants to know of a trap. */
export const trapOptions = {
  points: z.array(id).describe("Points of the device that are read when it comes; may be none."),
};

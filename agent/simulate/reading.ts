import type { Device } from "../config/resolved.ts";
import { apcReadings, apcStates } from "./apc.ts";
import type { Look, Tables } from "./look.ts";
import { readings } from "./readings.ts";
import { states } from "./states.ts";

/** What a point of a device says of the plant: by its class, and of some makers otherwise. */

type Reading = (look: Look) => number;
type Kind = Pick<Device, "class" | "profile">;

const isApc = ({ profile }: Kind): boolean => /^[^/]+\/apc-/.test(profile);

const from = (own: string, device: Kind, ofClass: Tables, ofApc: Tables): Reading | undefined =>
  (isApc(device) ? ofApc[device.class]?.[own] : undefined) ?? ofClass[device.class]?.[own];

/** Of a point whose value causes alone decide; undefined: it is none. */
export const stateOf = (device: Kind, own: string): Reading | undefined => from(own, device, states, apcStates);

/** Of a point that causes decide, or that is measured; undefined: the tables do not know it. */
export const readingOf = (device: Kind, own: string): Reading | undefined =>
  stateOf(device, own) ?? from(own, device, readings, apcReadings);

/** By class and point, all that the tables know. */
export const allTables: readonly Tables[] = [states, readings, apcStates, apcReadings];

import type { Device, Site } from "../config/resolved.ts";
import type { Hall } from "./plant.ts";

/** The hall that a site describes, by the classes and zones of its devices: any site can be simulated. */
export function hallOf({ devices }: Site): Hall {
  const placed = (of: string) => devices.filter((device) => device.class === of).map(place);
  return { upses: placed("ups").map(({ id }) => id), cracs: placed("crac"), racks: placed("pdu") };
}

const place = ({ id, location }: Device) => ({ id, zone: location.zone ?? "" });

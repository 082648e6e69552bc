import { isMap, isSeq, parseDocument } from "yaml";
import type { Bus } from "../config/resolved.ts";

/**
 * The text of a site file with the ports on which its buses really listen. Comments, order and whatever else people
 * wrote stay; a bus that the file does not have is left out.
 */
export function withPorts(siteText: string, ports: ReadonlyMap<Bus["id"], number>): string {
  const document = parseDocument(siteText);
  const devices = document.get("devices");
  const ids = isSeq(devices) ? devices.items.map((device) => (isMap(device) ? device.get("id") : null)) : [];
  for (const [bus, port] of ports) {
    // A bus of a device's own bears the device's id (config/resolve.ts).
    const places = [
      ["buses", bus],
      ["devices", ids.indexOf(bus), "bus"],
    ];
    const place = places.find((path) => isMap(document.getIn(path)));
    if (place !== undefined) document.setIn([...place, "port"], port);
  }
  return document.toString({ lineWidth: 0 });
}

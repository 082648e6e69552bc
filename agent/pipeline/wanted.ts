import type { Bus, Device, Site } from "../config/resolved.ts";
import type { Wanted } from "./schedule.ts";

/** What a bus is asked for, again and again: from its devices and their points to requests. */
export function wantedOf(site: Site, bus: Bus): Wanted[] {
  return site.devices.filter((device) => device.bus === bus.id).flatMap((device) => ofDevice(site, bus, device));
}

/** Points of one device and interval are planned together; a request with a point that a rule judges goes first. */
function ofDevice({ model }: Site, { driver, options }: Bus, device: Device): Wanted[] {
  const intervals = [...new Set(device.points.map(({ intervalMs }) => intervalMs))];
  return intervals.flatMap((intervalMs) => {
    const points = device.points
      .filter((point) => point.intervalMs === intervalMs)
      .map(({ id, address }) => ({ id, device: device.address, address }));
    return driver.plan(points, options).map(
      (request): Wanted => ({
        request,
        device: device.id,
        intervalMs,
        priority: request.points.some(({ id }) => model.feeds.has(id)) ? "alarm" : "normal",
        length: driver.airtimeMs?.(request, options) ?? request.points.length,
        pauseMs: driver.pauseMs?.(request) ?? 0,
      }),
    );
  });
}

/** How much of its time a bus needs for all of it, 1 being all there is; null: nobody can know that of such a bus. */
export function plannedOf({ driver, options }: Bus, wanted: readonly Wanted[]): number | null {
  const shares = wanted.map(({ request, intervalMs }) => {
    const ms = driver.airtimeMs?.(request, options) ?? null;
    return ms === null ? null : ms / intervalMs;
  });
  return shares.reduce<number | null>((sum, one) => (sum === null || one === null ? null : sum + one), 0);
}

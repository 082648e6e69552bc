import type { Closable, Driver, Visit } from "../../drivers/driver.ts";
import type { Site } from "../config/resolved.ts";
import type { Env } from "../env.ts";

/** What all sessions of a command share, which asks devices by itself, beside an agent that may run here; to be closed. */
export type Beside = Visit & { readonly shared: Closable };

const alone = (driver: Driver, env: Env): Beside => ({
  ...{ shared: driver.share?.(env) ?? { close: async () => {} }, lost: null, limits: [] },
});

/** To find devices, also those that nobody knows. */
export async function sharedBeside(driver: Driver, { listeners }: Pick<Site, "listeners">, env: Env): Promise<Beside> {
  const one = alone(driver, env);
  const options = listeners.find((listener) => listener.driver === driver)?.options ?? null;
  return { ...one, ...(await driver.listening?.visit?.(options, env, one.shared)) };
}

/** To read the devices of the site: a network that none of its buses needs is left alone. */
export async function sharedForReading(
  driver: Driver,
  site: Pick<Site, "listeners" | "buses">,
  env: Env,
): Promise<Beside> {
  const isNeeded = site.buses.some((bus) => bus.driver === driver && driver.listening?.isNeededBy?.(bus.options));
  return isNeeded ? sharedBeside(driver, site, env) : alone(driver, env);
}

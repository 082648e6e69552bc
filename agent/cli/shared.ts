import type { Closable, Driver, Visit } from "../../drivers/driver.ts";
import type { Site } from "../config/resolved.ts";
import type { Env } from "../env.ts";

/** What all sessions of a command share, which asks devices by itself, beside an agent that may run here; to be closed. */
export async function sharedBeside(
  driver: Driver,
  { listeners }: Pick<Site, "listeners">,
  env: Env,
): Promise<Visit & { readonly shared: Closable }> {
  const shared = driver.share?.(env) ?? { close: async () => {} };
  const options = listeners.find((one) => one.driver === driver)?.options ?? null;
  const visit = await driver.listening?.visit?.(options, env, shared);
  return { ...(visit ?? { lost: null, limits: [] }), shared };
}

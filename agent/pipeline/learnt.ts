import type { Learnt } from "../../drivers/driver.ts";
import type { Env } from "../env.ts";
import type { Store } from "../store/store.ts";

/** What the sessions of a bus learnt of its devices, kept over restarts. It can be learnt anew, so that a disk that takes nothing costs it only. */
export function learntOf(env: Env, store: Pick<Store, "learnt" | "keepLearnt">, bus: string): Learnt {
  let json = attempt(() => store.learnt(bus));
  return {
    get before() {
      return attempt(() => (json === null ? null : JSON.parse(json)));
    },
    keep(now) {
      json = JSON.stringify(now);
      try {
        store.keepLearnt(bus, json);
      } catch (error) {
        env.report("learnt.unkept", { bus, error: String(error) });
      }
    },
  };
}

function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

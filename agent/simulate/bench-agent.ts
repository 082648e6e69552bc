import { drivers } from "../../drivers/index.ts";
import { load, type ReadFile, siteName } from "../config/load.ts";
import type { Env } from "../env.ts";
import { type Agent, startAgent } from "../pipeline/agent.ts";
import { diagOf } from "../pipeline/diag.ts";
import { openMqttSink } from "../sinks/mqtt/index.ts";
import { historyBeside } from "../store/history.ts";
import { openStore } from "../store/store.ts";
import { benchOptions } from "./bench-drain.ts";

/** Where nobody listens. */
const nowhere = "mqtt://127.0.0.1:1";

export interface BenchAgent {
  readonly files: ReadFile;
  /** Of its store. */
  readonly path: string;
  /** Of its broker; not given: none that answers. */
  readonly url?: string;
  readonly speaking?: typeof drivers;
}

/** The whole agent, as it runs in production, on a site whose files have no secrets. */
export function benchAgent(env: Env, { files, path, url = nowhere, speaking = drivers }: BenchAgent): Agent {
  const { site, problems } = load(siteName, files, speaking, () => ({ problem: "none" }));
  if (site === null) throw new Error(`bug: ${JSON.stringify(problems.slice(0, 3))}`);
  const store = openStore(path, env.uuid);
  const diag = diagOf(env);
  return startAgent({
    ...{ env: diag.env, diag, site, store, configRejected: false, heartbeatMs: 30_000, audit: null, notify: null },
    history: { path: historyBeside(path), keepMs: 72 * 3_600_000, bytesMax: 2 ** 28 },
    forwarding: { backfillRate: 0, delivery: "broker" },
    openSink: (hooks) => openMqttSink(benchOptions(url, site.id), diag.env, hooks, store.nextBdSeq),
  });
}

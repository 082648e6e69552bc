import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { drivers } from "../../drivers/index.ts";
import { serveApi } from "../api/server.ts";
import { fromFiles, load } from "../config/load.ts";
import type { Site } from "../config/resolved.ts";
import { machineSecrets } from "../config/secrets.ts";
import type { Settings } from "../config/settings.ts";
import { type Env, realEnv } from "../env.ts";
import { startAgent } from "../pipeline/agent.ts";
import { diagOf } from "../pipeline/diag.ts";
import { feedWatchdog } from "../pipeline/watchdog.ts";
import type { MqttOptions } from "../sinks/mqtt/brokers.ts";
import { openMqttSink } from "../sinks/mqtt/index.ts";
import { openNotifiers } from "../sinks/notify/index.ts";
import { auditBeside } from "../store/audit.ts";
import { historyBeside } from "../store/history.ts";
import { openStore, type Store } from "../store/store.ts";
import type { AddCommand, Context } from "./context.ts";
import { exit } from "./output.ts";
import { loadFrom, settingsBeside, tellProblems } from "./site.ts";

export const addRun: AddCommand = (program, context) => {
  program
    .command("run")
    .requiredOption("--config <file>", "site file; settings.yaml is looked for beside it")
    .summary("the service itself: poll, judge, keep, forward")
    .description("Runs the agent in the foreground until it is asked to stop (SIGTERM, SIGINT).")
    .addHelpText(
      "after",
      "\nExample:\n  $ MEPWATCH_MQTT_URL=mqtt://broker:1883 mepwatch run --config /etc/mepwatch/site.yaml",
    )
    .action(async ({ config }: { config: string }) => context.exit(await run(config, context)));
};

/** Reads top-down: settings → store → site → agent → local API → until asked to stop. */
async function run(file: string, context: Context): Promise<number> {
  const { settings, problems } = settingsBeside(file, context);
  if (settings === null) {
    for (const problem of problems) context.output.message(problem);
    return exit.config;
  }
  const diag = diagOf(realEnv({ logLevel: settings.logLevel, crash: context.environment.MEPWATCH_CRASH }));
  const { env } = diag;
  const store = open(settings, env, context);
  if (store === null) return exit.failed;
  const chosen = choose(file, store, context, env);
  if (chosen === null) {
    store.close();
    return exit.config;
  }
  const { site, configRejected } = chosen;
  const agent = startAgent({
    env,
    site,
    store,
    configRejected,
    history: { path: historyBeside(settings.store), ...settings.history },
    openSink: (hooks) => openMqttSink(mqttOptions(settings, site, context.version), env, hooks, store.nextBdSeq),
    notify: {
      afterMs: settings.notify.afterMs,
      notifiers: openNotifiers(settings.notify, env, { site: site.id, agent: settings.agent }),
    },
    heartbeatMs: settings.heartbeatMs,
    forwarding: settings.mqtt,
    diag,
    telemetry: settings.telemetry,
    audit: auditBeside(settings.store),
    passedSocket: passedSocket(context.environment),
  });
  const api = await serveApi(agent, context.version, settings.socket, settings.localRole).catch((error: unknown) => {
    context.output.message(
      `no local API at ${settings.socket}: ${messageOf(error)}. Set MEPWATCH_SOCKET to a path this user may write.`,
    );
    return null;
  });
  env.notify("READY=1");
  const unfeed = feedWatchdog(env, agent, context.environment.WATCHDOG_USEC);
  await context.stopped;
  env.notify("STOPPING=1");
  unfeed();
  await api?.close();
  await agent.stop();
  return exit.ok;
}

/** The first that systemd has passed to this very process, if it has (sd_listen_fds(3)). */
function passedSocket({ LISTEN_PID, LISTEN_FDS }: Context["environment"]): number | null {
  const first = 3;
  return LISTEN_PID === String(process.pid) && Number(LISTEN_FDS) >= 1 ? first : null;
}

function mqttOptions({ agent, mqtt, commandKeys: keys }: Settings, site: Site, agentVersion: string): MqttOptions {
  const clientId = mqtt.clientId === "" ? `mepwatch-${site.id}-${agent}` : mqtt.clientId;
  return { ...mqtt, keys, clientId, site: site.id, agent, agentVersion };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function open(settings: Settings, env: Env, { output }: Context): Store | null {
  try {
    // One level only: Node's recursive mkdir never returns below /proc.
    if (!existsSync(dirname(settings.store))) mkdirSync(dirname(settings.store));
    const { wall } = env.clock;
    const { report, crashSite } = env;
    return openStore(settings.store, env.uuid, { quotaMiB: settings.storeQuotaMiB, wall, report, crashSite });
  } catch (error) {
    const why = messageOf(error).replace(/\.$/, "");
    const remedy = /locked/.test(why)
      ? "Another mepwatch runs on it: stop that one, or set MEPWATCH_STORE to a file of this one's own."
      : "Set MEPWATCH_STORE to another file that this user may write.";
    output.message(`store ${settings.store} cannot be opened: ${why}. ${remedy}`);
    return null;
  }
}

/** The newest configuration, or, if it is refused, the last one that was accepted; null: there is neither. */
function choose(
  file: string,
  store: Store,
  context: Context,
  env: Env,
): { site: Site; configRejected: boolean } | null {
  const loaded = loadFrom(file, context);
  if (loaded.site !== null) {
    store.acceptConfig(loaded.files);
    return { site: loaded.site, configRejected: false };
  }
  tellProblems(loaded, context);
  const accepted = store.acceptedConfig();
  if (accepted === null) {
    const { loss } = store.health;
    if (loss !== null)
      context.output.message(
        `the last accepted configuration was in the store, which was damaged (${loss.why}; ${loss.file ?? "emptied"}). Correct ${file}.`,
      );
    return null;
  }
  const last = load("last accepted site.yaml", fromFiles(accepted), drivers, machineSecrets(context.environment));
  if (last.site === null) {
    tellProblems(last, context);
    return null;
  }
  env.report("config.rejected", { file, problems: loaded.problems.length });
  return { site: last.site, configRejected: true };
}

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type MqttClient } from "mqtt";
import * as z from "zod";
import { builtInConfig } from "../config/load.ts";
import { type Env, realEnv } from "../env.ts";
import { withPorts } from "../simulate/ports.ts";
import { type Child, start } from "./child.ts";
import type { AddCommand, Context } from "./context.ts";
import { jsonView, type Received, terminalView, type View } from "./demo-view.ts";
import { exit } from "./output.ts";
import { positive, type StoryOptions, storyOption, whole } from "./simulate.ts";

interface Options extends StoryOptions {
  readonly for?: number;
  readonly json?: true;
}

export const addDemo: AddCommand = (program, context) => {
  program
    .command("demo")
    .summary("a simulated site, a broker and the agent, and what arrives at the centre")
    .description(
      "Starts a broker, a simulated site and the agent as three processes, and shows what a subscriber receives.",
    )
    .option("--for <seconds>", "stop after so many seconds, counted from the agent's first birth message", positive)
    .option("--json", "a JSON line for each message received, nothing else")
    .addOption(storyOption())
    .option("--seed <number>", "of the sensors' noise", whole, 1)
    .option("--speed <factor>", "story seconds per second", positive, 1)
    .addHelpText(
      "after",
      "\nExamples:\n  $ mepwatch demo\n  $ mepwatch demo --for 100 --json\n  $ mepwatch demo --story calm",
    )
    .action(async (options: Options) => context.exit(await demo(options, context)));
};

async function demo(options: Options, context: Context): Promise<number> {
  const env = realEnv({ logLevel: "warn" });
  const folder = mkdtempSync(join(tmpdir(), "mepwatch-demo-"));
  const parts: Child[] = [];
  try {
    return await play(options, context, env, folder, parts);
  } catch (error) {
    context.output.message(`demo: ${error instanceof Error ? error.message : String(error)}`);
    return exit.failed;
  } finally {
    // The agent first, so that its good-bye still finds the broker.
    for (const part of parts.reverse()) await part.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const brokerReady = z.object({ port: z.number() });
const siteReady = z.object({ ports: z.record(z.string(), z.number()) });

async function play(options: Options, context: Context, env: Env, folder: string, parts: Child[]): Promise<number> {
  const { program, environment, output } = context;
  const begin = (args: readonly string[], extra: Readonly<Record<string, string>> = {}): Child => {
    const part = start(program, args, { ...environment, ...extra }, env.after);
    parts.push(part);
    return part;
  };
  const template = join(builtInConfig(), "demo-site.yaml");
  const { port } = brokerReady.parse(await begin(["broker"]).ready);
  const story = ["--story", options.story.name, "--seed", String(options.seed), "--speed", String(options.speed)];
  const { ports } = siteReady.parse(await begin(["simulate", "--config", template, ...story]).ready);
  const site = join(folder, "site.yaml");
  const socket = join(folder, "api.sock");
  writeFileSync(site, withPorts(readFileSync(template, "utf8"), new Map(Object.entries(ports))));
  const url = `mqtt://127.0.0.1:${port}`;
  if (!options.json) introduce(context, options, url, socket);
  const { born, client } = await subscribe(url, options.json ? jsonView(output) : terminalView(output), env);
  const agent = begin(["run", "--config", site], {
    MEPWATCH_MQTT_URL: url,
    MEPWATCH_AGENT: "edge-1",
    MEPWATCH_STORE: join(folder, "store.db"),
    MEPWATCH_SOCKET: socket,
    MEPWATCH_LOG_LEVEL: environment.MEPWATCH_LOG_LEVEL ?? "error",
    MEPWATCH_HEARTBEAT: "10s",
  });
  agent.ready.catch(() => {}); // the service has nothing to say on stdout
  const code = await Promise.race([
    context.stopped.then(() => exit.ok),
    over(options.for, born, env),
    ...parts.map((part) => part.ended.then(() => exit.failed)),
  ]);
  await agent.stop(); // its good-bye is the last thing shown
  await client.endAsync();
  return code;
}

/** Settles when the time asked for has passed since the birth; never if none was asked for. */
async function over(seconds: number | undefined, born: Promise<void>, env: Env): Promise<number> {
  await born;
  return await new Promise((resolve) => {
    if (seconds !== undefined) env.after(seconds * 1000, () => resolve(exit.ok));
  });
}

async function subscribe(url: string, view: View, env: Env): Promise<{ born: Promise<void>; client: MqttClient }> {
  const client = connect(url, { protocolVersion: 4, clientId: "mepwatch-demo-centre" });
  await new Promise<void>((resolve, reject) => {
    client.once("connect", () => resolve());
    client.once("error", reject);
  });
  const born = new Promise<void>((resolve) => {
    client.on("message", (topic, payload, { retain }) => {
      const message = { at: env.clock.wall(), topic, retain, payload: parse(payload.toString("utf8")) };
      view(message);
      if (isBirth(message)) resolve();
    });
  });
  await client.subscribeAsync("mepwatch/v1/#", { qos: 1 });
  return { born, client };
}

const isBirth = ({ topic, payload }: Received): boolean =>
  topic.endsWith("/status") &&
  typeof payload === "object" &&
  payload !== null &&
  "online" in payload &&
  payload.online === true;

/** A deleted retained message is empty. */
const parse = (text: string): unknown => (text === "" ? null : JSON.parse(text));

function introduce({ output, program }: Context, { story, speed }: Options, url: string, socket: string): void {
  output.data(`A simulated data hall, told as a story: ${story.describe}`);
  output.data(
    `It takes ${Math.round(story.lengthSeconds / speed)} s and repeats. Ctrl-C stops it. Meanwhile, in another terminal:`,
  );
  output.data(`  node ${program} status --socket ${socket}`);
  output.data(`  mosquitto_sub -L ${url}/mepwatch/v1/# -v`);
  output.data("");
}

import { createPrivateKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { type Command, InvalidArgumentError } from "commander";
import { type FollowOptions, follow, type Signer } from "../centre/follow.ts";
import { parseDuration } from "../core/duration.ts";
import { type Env, realEnv } from "../env.ts";
import { Secret } from "../secret.ts";
import { centreHandover } from "./centre-handover.ts";
import { fleetLines, noticeLine } from "./centre-view.ts";
import type { AddCommand, Context } from "./context.ts";
import { exit, isTerminal, redraw } from "./output.ts";

interface Options {
  readonly broker: string;
  readonly prefix: string;
  readonly host?: string;
  readonly site: readonly string[];
  readonly share?: string;
  readonly key?: string;
  readonly kid: string;
  readonly user: string;
  readonly username?: string;
  readonly ca?: string;
  readonly handover?: number;
  readonly json?: true;
}

export const addCentre: AddCommand = (program, context) => {
  optionsOf(program.command("centre"))
    .summary("what many agents publish, at a broker: open incidents, silences, blind points, agents that are lost")
    .description(
      "Follows all agents at a broker, tells each event once, has what is missing sent again, and acknowledges what it has told.\nFor a look without acknowledging anything: --handover.",
    )
    .addHelpText(
      "after",
      "\nUser and password of the broker: MEPWATCH_MQTT_USERNAME, MEPWATCH_MQTT_PASSWORD.\n\nExamples:\n  $ mepwatch centre --broker mqtt://127.0.0.1:1883\n  $ mepwatch centre --broker mqtts://broker:8883 --ca ca.pem --key centre.key --kid centre-1\n  $ mepwatch centre --broker mqtt://broker --handover 8h",
    )
    .action(async (options: Options) => {
      try {
        context.exit(await run(options, context));
      } catch (error) {
        context.output.message(`centre: ${error instanceof Error ? error.message : String(error)}`);
        context.exit(exit.usage);
      }
    });
};

const optionsOf = (command: Command): Command =>
  command
    .requiredOption("--broker <url>", "mqtt://HOST:PORT or mqtts://HOST:PORT", url)
    .option("--prefix <level>", "first level of every topic", level, "mepwatch")
    .option("--host <name>", "of this consumer, one of its own each; default: the machine's", level)
    .option(
      "--site <id>",
      "only this one; may be given again",
      (one, all: readonly string[]) => [...all, level(one)],
      [],
    )
    .option(
      "--share <group>",
      "share the events with other consumers of this group (MQTT 5): each gets some of them",
      level,
    )
    .option(
      "--key <file>",
      "Ed25519 private key (PEM), to have what is missing sent again; without: gaps are only told",
    )
    .option("--kid <name>", "name by which the agents know the key", level, "centre")
    .option("--user <name>", "in whose name commands are", "mepwatch-centre")
    .option("--username <name>", "of the broker's user")
    .option("--ca <file>", "CA certificates that the broker's must come from (PEM)")
    .option("--handover <duration>", "what happened in so long and what is open, such as 8h; then exits", span)
    .option("--json", "a JSON line for each thing told, nothing else");

async function run(options: Options, context: Context): Promise<number> {
  const env = realEnv({ logLevel: "warn" });
  const following = followOptions(options, context);
  if (options.handover !== undefined) {
    const look = { ...following, present: false, share: null, host: `${following.host}-${env.uuid().slice(0, 8)}` };
    return await centreHandover(look, options.handover, options.json === true, env, context);
  }
  return await live(following, options.json === true, env, context);
}

async function live(options: FollowOptions, json: boolean, env: Env, { output, stopped }: Context): Promise<number> {
  const isScreen = !json && isTerminal();
  let isDue = false;
  const draw = (): void => {
    isDue = false;
    redraw(output, fleetLines(followed.state, env.clock.wall(), output));
  };
  const followed = follow(options, env, {
    notice(notice) {
      const wall = env.clock.wall();
      if (json) output.data(JSON.stringify({ at: new Date(wall).toISOString(), ...notice }));
      else if (!isScreen) output.data(noticeLine(notice, wall, output));
    },
    shown() {
      if (!isScreen || isDue) return;
      isDue = true;
      env.after(500, draw);
    },
  });
  if (options.signer === null && !json && options.share === null)
    output.message("No --key: what is missing will be told, but cannot be asked for.");
  if (options.share !== null && !json)
    output.message(
      `Shares the events as "${options.share}": what is missing cannot be known here, nothing is acknowledged.`,
    );
  const why = await Promise.race([stopped.then(() => null), followed.ended]);
  await followed.close();
  if (why === null) return exit.ok;
  output.message(`centre: ${why}`);
  return exit.unavailable;
}

/** @throws with words for the operator */
function followOptions(options: Options, { environment }: Context): FollowOptions {
  const { broker, prefix, site, share = null, key, kid, user, ca } = options;
  if (broker.includes("@"))
    throw new Error("--broker: expected no user or password in it; use --username and MEPWATCH_MQTT_PASSWORD");
  const password = environment.MEPWATCH_MQTT_PASSWORD;
  return {
    ...{ url: broker, prefix, sites: site, share, present: true },
    host:
      options.host ??
      (hostname()
        .replace(/[^A-Za-z0-9_-]/g, "-")
        .slice(0, 64) ||
        "centre"),
    username: options.username ?? environment.MEPWATCH_MQTT_USERNAME ?? null,
    password: password === undefined ? null : new Secret(password),
    ca: ca === undefined ? null : textOf("--ca", ca),
    signer: key === undefined ? null : ({ key: keyOf(key), kid, user } satisfies Signer),
  };
}

function keyOf(file: string): KeyObject {
  const text = textOf("--key", file);
  const wrong = `--key ${file}: expected an Ed25519 private key in PEM, as mepwatch keys make makes it`;
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch {
    throw new Error(wrong);
  }
  if (key.asymmetricKeyType !== "ed25519") throw new Error(wrong);
  return key;
}

function textOf(name: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new Error(`${name} ${file}: cannot be read; expected the name of a PEM file this user may read`);
  }
}

function url(text: string): string {
  // What stands before an @ may be a password: it is refused where it is not repeated.
  if (text.includes("@")) return text;
  if (!/^mqtts?:\/\/[^@/?#]+\/?$/.test(text))
    throw new InvalidArgumentError("expected mqtt://HOST:PORT or mqtts://HOST:PORT");
  return text;
}

function level(text: string): string {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(text)) throw new InvalidArgumentError("expected 1 to 64 letters, digits, _ or -");
  return text;
}

function span(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new InvalidArgumentError("expected a duration such as 8h, 30m");
  return ms;
}

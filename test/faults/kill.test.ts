import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CrashSite, crashSites } from "../../agent/env.ts";
import { receive } from "../../agent/sinks/stream.ts";
import type { RunningSimulator } from "../../drivers/simulator.ts";
import { startMosquitto } from "../interop/mosquitto.ts";
import { requireProgram } from "../interop/programs.ts";
import { mepwatch, type Running } from "../process.ts";
import { type Centre, openCentre } from "./centre.ts";
import { live, pause, siteOf, startContacts } from "./contacts.ts";
import { chance, seed, shuffled } from "./seed.ts";
import { unequal, wrongIn } from "./told.ts";

/**
 * Six agents, each killed twenty-five times a round, at each crash site and whenever, while their sites go their way and
 * what was true is written down. Afterwards a subscriber must have heard of each condition exactly once, and lack nothing.
 * `FAULTS_ROUNDS=7` kills a thousand times.
 */
const mosquitto = "/usr/sbin/mosquitto";
const agents = 6;
const rounds = Number(process.env.FAULTS_ROUNDS ?? 1);
/** Of a new file; the store must come into being all the same. */
const atFirst = ["in-migration:1", "in-migration:2", "before-epoch:1"];
const onceEach = ["before-accept:1", "after-accept:1"];
/** Nothing is ever set aside here: test/agent/store has that. */
const elsewhere: readonly CrashSite[] = ["in-migration", "before-epoch", "before-accept", "after-accept", "in-park"];
const whenever = 10;
/** An agent that has not come by its crash site until then never will. */
const patienceMs = 60_000;

let broker: Awaited<ReturnType<typeof startMosquitto>>;
let simulator: RunningSimulator;
let centre: Centre;
const values = new Map<string, number>();
const folders: string[] = [];
const running = new Set<Running>();

beforeAll(async () => {
  if (!requireProgram(mosquitto)) return;
  broker = await startMosquitto();
  centre = await openCentre(broker.url);
  simulator = await startContacts(agents * rounds, values);
});

afterAll(async () => {
  await Promise.all([...running].map((one) => one.kill("SIGKILL")));
  await centre?.close();
  await broker?.stop();
  await simulator?.close();
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** Where each agent in turn is killed, as SITE:PASSAGE; "": whenever. */
function planOf(random: () => number): string[] {
  const sites = (Object.keys(crashSites) as CrashSite[]).filter((site) => !elsewhere.includes(site));
  const busy = sites.map((site) => `${site}:${1 + Math.floor(3 * random())}`);
  const any = Array.from({ length: whenever }, () => "");
  return [...atFirst, ...shuffled([...onceEach, ...busy, ...any], random)];
}

function start(folder: string, crash: string): Running {
  const agent = mepwatch(["run", "--config", join(folder, "site.yaml")], {
    MEPWATCH_MQTT_URL: broker.url,
    MEPWATCH_MQTT_BACKFILL: "0",
    MEPWATCH_AGENT: "a",
    MEPWATCH_STORE: join(folder, "store.db"),
    MEPWATCH_SOCKET: join(folder, "api.sock"),
    MEPWATCH_LOG_LEVEL: "info",
    MEPWATCH_CRASH: crash,
  });
  running.add(agent);
  void agent.ended.then(() => running.delete(agent));
  return agent;
}

/** How it ended: at its crash site, or killed from outside. */
async function killed(folder: string, crash: string, random: () => number): Promise<string> {
  const agent = start(folder, crash);
  let fromOutside = false;
  const kill = (): void => {
    fromOutside = true;
    void agent.kill("SIGKILL");
  };
  // Some in the middle of their start, most at work.
  if (crash === "" && random() < 0.7) await agent.line(/agent\.started/).catch(() => {});
  const timer = setTimeout(kill, crash === "" ? 1000 * random() : patienceMs);
  const end = await agent.ended;
  clearTimeout(timer);
  if (end !== "SIGKILL") return `ended with ${end}: ${agent.stderr.join("\n")}`;
  return fromOutside ? "" : crash;
}

/** One agent on one store, over and over again. */
async function lifeOf(unit: number) {
  const random = chance(`kill ${unit}`);
  const { folder, id } = siteOf(unit, simulator.port);
  folders.push(folder);
  const heard = centre.of(id);
  const site = live(unit, values, heard, random);
  const plan = planOf(random);
  const ends: string[] = [];
  for (const crash of plan) {
    ends.push(await killed(folder, crash, random));
    if (ends.at(-1) !== crash) break; // what it waits for was lost
  }
  const last = start(folder, "");
  const settled = await site.settle(patienceMs);
  await pause(100); // the last acknowledgements
  await last.kill("SIGTERM");
  return { plan, ends, heard, truth: site.truth, settled, lastEnd: await last.ended };
}

/** What is not as it should be; nothing if all is well. */
function complaints({ plan, ends, heard, truth, settled, lastEnd }: Awaited<ReturnType<typeof lifeOf>>): string[] {
  const found = [
    ...ends.flatMap((end, i) => unequal(`end of agent ${i}`, end || "killed whenever", plan[i] || "killed whenever")),
    ...wrongIn(heard, truth),
    ...unequal("exit code of the last agent", lastEnd, 0),
  ];
  return settled || found.length > 0 ? found : ["not everything was heard in time"];
}

test.skipIf(!requireProgram(mosquitto))(
  `${rounds * agents * 25} kills: each condition is told exactly once, and its end too (FAULTS_SEED=${seed})`,
  async () => {
    let [kills, events, twice] = [0, 0, 0];
    for (let round = 0; round < rounds; round++) {
      const lives = await Promise.all(Array.from({ length: agents }, (_, i) => lifeOf(1 + i + round * agents)));
      expect(lives.map(complaints)).toEqual(lives.map(() => []));
      kills += lives.reduce((sum, { ends }) => sum + ends.length, 0);
      events += lives.reduce((sum, { heard }) => sum + heard.events.size, 0);
      twice += lives.reduce((sum, { heard }) => sum + receive(heard.stream).duplicates, 0);
    }
    console.info(`${kills} kills, ${events} events, ${twice} of them came twice; FAULTS_SEED=${seed}`);
    expect(kills).toBe(rounds * agents * 25);
  },
  rounds * 600_000,
);

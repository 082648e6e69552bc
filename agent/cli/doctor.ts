import { ask } from "../api/client.ts";
import type { StatusSnapshot } from "../api/status.ts";
import { didYouMean, sayProblem } from "../config/problem.ts";
import type { Device, Site } from "../config/resolved.ts";
import type { Settings } from "../config/settings.ts";
import { realEnv } from "../env.ts";
import { pinsIn } from "../store/pins.ts";
import type { AddCommand, Context } from "./context.ts";
import { brokerFindings } from "./doctor-broker.ts";
import { busFindings } from "./doctor-devices.ts";
import { directly, throughAgent } from "./doctor-look.ts";
import { clockFinding, storeFinding } from "./doctor-machine.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";
import { exit, type Output, paint } from "./output.ts";
import { loadFrom, settingsBeside } from "./site.ts";
import { socketOf } from "./status.ts";

interface Given {
  readonly config: string;
  readonly direct?: true;
  readonly json?: true;
}

export const addDoctor: AddCommand = (program, context) => {
  program
    .command("doctor")
    .argument("[device...]", "only these; default: the machine, the broker and all devices")
    .requiredOption("--config <file>", "site file; settings.yaml is looked for beside it")
    .option("--direct", "ask the devices beside the running agent, not through it")
    .option("--json", "one JSON document")
    .summary("what is wrong with this machine, the broker, each bus and device, and what to do")
    .description(
      "Looks at all that a site needs, in order, a line each; reads only. Where an agent runs, devices are asked through it. Exits 0 if nothing is wrong, else 1.",
    )
    .addHelpText(
      "after",
      "\nExamples:\n  $ mepwatch doctor --config /etc/mepwatch/site.yaml\n  $ mepwatch doctor ups-a --config site.yaml",
    )
    .action(async (devices: string[], given: Given) => context.exit(await doctor(devices, given, context)));
};

async function doctor(names: readonly string[], given: Given, context: Context): Promise<number> {
  const { output } = context;
  const all: Finding[] = [];
  const tell = (finding: Finding): void => {
    all.push(finding);
    if (given.json !== true) show(finding, output);
  };
  const stop = new AbortController();
  void context.stopped.then(() => stop.abort());
  const site = siteFindings(given.config, context, tell);
  const unknown = site === null ? [] : names.filter((name) => site.devices.every(({ id }) => id !== name));
  for (const name of unknown) {
    const known = site?.devices.map(({ id }) => id) ?? [];
    output.message(`no device "${name}"; expected one of ${known.join(", ")}.${didYouMean(name, known)}`);
  }
  if (unknown.length > 0) return exit.usage;
  if (site !== null) await look({ ...{ site, names, given, context, tell }, signal: stop.signal });
  if (given.json === true) output.data(JSON.stringify({ well: all.every(isWell), findings: all }));
  const bad = all.filter((one) => !isWell(one)).length;
  if (stop.signal.aborted) output.message("Stopped: what comes after was not looked at.");
  else output.message(bad === 0 ? "Nothing is wrong." : `${bad} of ${all.length} things looked at are wrong.`);
  return bad === 0 && !stop.signal.aborted ? exit.ok : exit.failed;
}

const isWell = ({ state }: Finding): boolean => state !== "wrong";

/** Null: there is nothing to go on with. */
function siteFindings(file: string, context: Context, tell: (finding: Finding) => void): Site | null {
  const { problems } = settingsBeside(file, context);
  const many = (count: number): string => `${count} ${count === 1 ? "problem" : "problems"}`;
  const remedy = (what: string): string => `Correct ${what}; mepwatch validate tells the same.`;
  if (problems.length === 0) tell(ok("settings", "good"));
  else tell(wrong("settings", many(problems.length), remedy("the settings"), problems));
  const loaded = loadFrom(file, context);
  if (loaded.site === null) {
    const details = loaded.problems.map(sayProblem);
    tell(wrong("site file", many(details.length), remedy("the file"), details));
    return null;
  }
  const { devices, buses } = loaded.site;
  tell(ok("site file", `${file}: ${devices.length} devices on ${buses.length} buses`));
  return loaded.site;
}

interface Looking {
  readonly site: Site;
  readonly names: readonly string[];
  readonly given: Given;
  readonly context: Context;
  readonly signal: AbortSignal;
  tell(finding: Finding): void;
}

async function look({ site, names, given, context, signal, tell }: Looking): Promise<void> {
  const env = realEnv({ logLevel: "silent" });
  const { settings } = settingsBeside(given.config, context);
  const socket = settings?.socket ?? socketOf(undefined, context.environment);
  const running = await runningAgent(socket, site);
  if (names.length === 0) {
    tell(await clockFinding(env, given.config));
    if (settings !== null) {
      tell(storeFinding(settings));
      for (const one of await brokerFindings(env, settings, site, signal)) tell(one);
    }
  }
  for (const one of agentFindings(running, site, given.direct === true)) tell(one);
  const wanted = site.devices.filter(({ id }) => names.length === 0 || names.includes(id));
  const through = running === null || given.direct === true ? null : throughAgent(socket, running);
  const direct = directly(env, site, through === null ? pinsOf(settings) : new Map(), signal);
  // Buses know nothing of each other: all at once, and told in the order of the file.
  const found = site.buses.map((bus) => {
    const devices = wanted.filter((one) => one.bus === bus.id);
    if (devices.length === 0) return Promise.resolve([]);
    if (through === null || running === null) return busFindings(site, bus, devices, direct.look);
    return knownTo(running, devices) ? busFindings(site, bus, devices, through) : Promise.resolve(devices.map(newer));
  });
  for (const one of found) for (const finding of await one) tell(finding);
  await direct.close();
}

const pinsOf = (settings: Settings | null): ReadonlyMap<string, string> =>
  settings === null ? new Map() : pinsIn(settings.store);

/** The agent that runs this site here; null: none does. */
async function runningAgent(socket: string, site: Site): Promise<StatusSnapshot | null> {
  const answer = await ask(socket, "/status");
  const running = answer.ok ? (answer.body as StatusSnapshot) : null;
  return running?.site === site.id ? running : null;
}

const knownTo = ({ devices: all }: StatusSnapshot, devices: readonly Device[]): boolean =>
  devices.every(({ id, bus }) => all.some((one) => one.id === id && one.bus === bus));

const newer = ({ id }: Device): Finding =>
  note(
    `device ${id}`,
    "not looked at: the running agent does not know it yet",
    "Restart the agent, or look with --direct.",
  );

function agentFindings(running: StatusSnapshot | null, site: Site, isDirect: boolean): Finding[] {
  if (running === null) return [note("agent", "none runs here: devices are asked directly")];
  const { startedAt, configHash, configRejected, storage, broker } = running;
  const how = isDirect ? "devices are asked beside it" : "devices are asked through it";
  const since = `runs since ${startedAt}; ${how}`;
  const restart = "Restart the agent.";
  if (storage.degraded !== null || storage.reset !== null) {
    const what = storage.degraded ?? `it was damaged (${storage.reset}) and begun anew`;
    return [wrong("agent", `${since}; its store: ${what}`, "Look at its log; README, What happens to the disk.")];
  }
  if (configRejected) return [wrong("agent", `${since}; it refused its site file`, restart)];
  if (broker.trouble !== null)
    return [wrong("agent", `${since}; what it has to tell does not get away: ${broker.trouble}`, "See the broker.")];
  if (configHash !== site.configHash)
    return [note("agent", `${since}; it has another configuration than this`, restart)];
  return [ok("agent", since)];
}

const signs = { ok: "ok   ", note: "note ", wrong: "WRONG" } as const;
const colours = { ok: "cleared", note: "low", wrong: "high" } as const;

function show({ of, state, what, remedy, details }: Finding, output: Output): void {
  output.data(`${paint(output, colours[state], signs[state])}  ${of}: ${what}`);
  for (const detail of details) output.data(`         ${detail}`);
  if (remedy !== null) output.data(`       → ${remedy}`);
}

import { InvalidArgumentError } from "commander";
import type { Discovery, Found, Owner, Range } from "../../drivers/driver.ts";
import { drivers } from "../../drivers/index.ts";
import { ask } from "../api/client.ts";
import type { StatusSnapshot } from "../api/status.ts";
import type { Bus, Site } from "../config/resolved.ts";
import { parseDuration } from "../core/duration.ts";
import { realEnv } from "../env.ts";
import type { AddCommand, Context } from "./context.ts";
import { type Looked, type Searchable, sayOne, show } from "./discover-view.ts";
import { exit } from "./output.ts";
import { rangesUpTo, sayRange, sizeOf } from "./ranges.ts";
import { sharedBeside } from "./shared.ts";
import { loadFrom, sayNoBus, settingsBeside, tellProblems } from "./site.ts";
import { socketOf } from "./status.ts";

type Numbers = `${Discovery["number"]}s`;

interface Given extends Partial<Readonly<Record<Numbers, readonly Range[]>>> {
  readonly config: string;
  readonly has?: string;
  readonly timeout?: number;
  readonly direct?: true;
  readonly json?: true;
}

export const addDiscover: AddCommand = (program, context) => {
  const command = program
    .command("discover")
    .argument("<bus>", "as the site file names it; the bus of one device has its id")
    .requiredOption("--config <file>", "site file; settings.yaml is looked for beside it");
  for (const { protocol, discovery } of drivers) {
    if (discovery === undefined) continue;
    const { number, usual, all } = discovery;
    const what = `${protocol}: which ${number}s to try, such as 1-10,17 (default: ${sayRange(usual)})`;
    command.option(`--${number}s <list>`, what, rangesUpTo(all.to));
  }
  command
    .option("--has <name>", "bacnet: which devices have an object of this name")
    .option(
      "--timeout <duration>",
      "how long each question waits; more than a gateway's own (default: the bus's)",
      waiting,
    )
    .option("--direct", "also while the running agent polls this bus")
    .option("--json", "one JSON document")
    .summary("look which devices are on a Modbus or BACnet bus")
    .description(
      "Modbus: asks one unit after the other who it is. BACnet: asks who is there (Who-Is), a part of the numbers at a time, and then each who it is. Reads only, and shows who answers. Ctrl-C ends it with what was found so far.",
    )
    .addHelpText(
      "after",
      "\nExamples:\n  $ mepwatch discover meters --config /etc/mepwatch/site.yaml --units 1-32\n  $ mepwatch discover bms --config site.yaml --instances 3000-3999",
    )
    .action(async (name: string, given: Given) => context.exit(await discover(name, given, context)));
};

function waiting(text: string): number {
  const ms = parseDuration(text);
  if (ms === null || ms < 1) throw new InvalidArgumentError('expected a duration such as "500ms"');
  return ms;
}

async function discover(name: string, given: Given, context: Context): Promise<number> {
  const { output } = context;
  const loaded = loadFrom(given.config, context, "buses");
  if (loaded.site === null) {
    tellProblems(loaded, context);
    return exit.config;
  }
  const { site } = loaded;
  const bus = busNamed(name, site, context);
  if (bus === null) return exit.usage;
  const unfit = misfit(bus, given);
  if (unfit !== null) {
    output.message(unfit);
    return exit.usage;
  }
  if (given.direct !== true && (await isDisturbed(bus, site, given.config, context))) {
    output.message(
      `The running agent polls ${bus.id}: on a line, or a gateway, both would be in each other's way, and devices would seem silent. Stop it, or look all the same with --direct.`,
    );
    return exit.failed;
  }
  const { lost, looked } = await search(bus, site, given, context);
  if (lost === null || looked.tried > 0) show(looked, given.json === true, context);
  if (lost === null) return exit.ok;
  output.message(`${bus.id} cannot be had: ${lost}. Check the options of the bus, and that nothing else has it open.`);
  return exit.unavailable;
}

function busNamed(name: string, { buses }: Site, { output }: Context): Searchable | null {
  const bus = buses.find(({ id }) => id === name);
  const can = ({ discovery }: Bus["driver"]): boolean => discovery !== undefined;
  if (bus !== undefined && can(bus.driver)) return bus as Searchable;
  const known = buses.filter(({ driver }) => can(driver)).map(({ id }) => id);
  if (bus === undefined) output.message(sayNoBus("bus", name, known));
  else {
    const protocols = drivers.filter(can).map(({ protocol }) => protocol);
    output.message(
      `${name} speaks ${bus.driver.protocol}; a bus that can be looked through speaks ${protocols.join(" or ")}.`,
    );
  }
  return null;
}

/** Why the options are not of this bus; null: they are. */
function misfit({ id, driver }: Searchable, given: Given): string | null {
  const { number, seek, all } = driver.discovery;
  const other = number === "unit" ? "instance" : "unit";
  if (given[`${other}s`] !== undefined)
    return `${id} speaks ${driver.protocol}, whose devices have no ${other}s; give --${number}s, such as ${sayRange(all)}.`;
  if (given.has !== undefined && seek === undefined)
    return `${id} speaks ${driver.protocol}, which cannot be asked who has an object; leave --has out.`;
  return null;
}

/** Whether an agent is at it, and would be in the way. */
async function isDisturbed({ id, driver }: Searchable, site: Site, file: string, context: Context): Promise<boolean> {
  if (!driver.discovery.isDisturbing) return false;
  const socket = settingsBeside(file, context).settings?.socket ?? socketOf(undefined, context.environment);
  const answer = await ask(socket, "/status");
  if (!answer.ok) return false;
  const running = answer.body as StatusSnapshot;
  return running.site === site.id && running.devices.some(({ bus }) => bus === id);
}

async function search(bus: Searchable, site: Site, given: Given, context: Context) {
  const { output } = context;
  const env = realEnv({ logLevel: "silent" });
  const { discovery } = bus.driver;
  const ranges = given[`${discovery.number}s`] ?? [discovery.usual];
  const found: (Found | Owner)[] = [];
  const of = sizeOf(ranges);
  let [tried, steps] = [0, 0];
  const stop = new AbortController();
  void context.stopped.then(() => stop.abort());
  const { shared, limits, ...way } = await sharedBeside(bus.driver, site, env);
  for (const limit of limits) output.message(limit);
  const terms = {
    ...{ ranges, timeoutMs: given.timeout ?? bus.timeoutMs, signal: stop.signal },
    tried(count: number) {
      tried += count;
      const so = found.length === 0 ? "" : `, ${found.length} found`;
      if (++steps % 16 === 0 && tried < of) output.message(`${tried} of ${of} tried${so}`);
    },
    found(one: Found | Owner) {
      found.push(one);
      output.message(sayOne(bus, one));
    },
  };
  const look = async (): Promise<string | null> => {
    if (given.has === undefined) return discovery.look(bus.options, env, shared, terms);
    return (await discovery.seek?.(given.has, bus.options, env, shared, terms)) ?? null;
  };
  const lost = way.lost ?? (await look());
  await shared.close();
  const isWhole = lost === null && !stop.signal.aborted;
  return { lost, looked: { bus, site, ranges, tried, of, found, isWhole, name: given.has ?? null } satisfies Looked };
}

import { InvalidArgumentError } from "commander";
import type { Found } from "../../drivers/driver.ts";
import { drivers } from "../../drivers/index.ts";
import { ask } from "../api/client.ts";
import type { StatusSnapshot } from "../api/status.ts";
import { didYouMean } from "../config/problem.ts";
import type { Bus, Site } from "../config/resolved.ts";
import { parseDuration } from "../core/duration.ts";
import { realEnv } from "../env.ts";
import type { AddCommand, Context } from "./context.ts";
import { exit, table } from "./output.ts";
import { loadFrom, sayAddress, settingsBeside, tellProblems } from "./site.ts";
import { socketOf } from "./status.ts";

interface Given {
  readonly config: string;
  readonly units: readonly number[];
  readonly timeout?: number;
  readonly direct?: true;
  readonly json?: true;
}

const everywhere = "1-247";

export const addDiscover: AddCommand = (program, context) => {
  program
    .command("discover")
    .argument("<bus>", "as the site file names it; the bus of one device has its id")
    .requiredOption("--config <file>", "site file; settings.yaml is looked for beside it")
    .option(
      "--units <list>",
      `which units to try, such as 1-10,17 (default: ${everywhere})`,
      unitsIn,
      unitsIn(everywhere),
    )
    .option(
      "--timeout <duration>",
      "how long each question waits; more than a gateway's own (default: the bus's)",
      waiting,
    )
    .option("--direct", "also while the running agent polls this bus")
    .option("--json", "one JSON document")
    .summary("look which devices are on a Modbus bus")
    .description(
      "Asks one unit after the other who it is, reads only, and shows who answers. Ctrl-C ends it with what was found so far.",
    )
    .addHelpText("after", "\nExample:\n  $ mepwatch discover meters --config /etc/mepwatch/site.yaml --units 1-32")
    .action(async (name: string, given: Given) => context.exit(await discover(name, given, context)));
};

/** "1-10,17", in this order, each once. */
function unitsIn(text: string): readonly number[] {
  const units = text.split(",").flatMap((part) => {
    const [, from, to = from] = /^\s*(\d{1,3})(?:\s*-\s*(\d{1,3}))?\s*$/.exec(part) ?? [];
    const [first, last] = [Number(from), Number(to)];
    if (!(first <= last && last <= 255))
      throw new InvalidArgumentError("expected numbers from 0 to 255, such as 1-10,17");
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  return [...new Set(units)];
}

function waiting(text: string): number {
  const ms = parseDuration(text);
  if (ms === null || ms < 1) throw new InvalidArgumentError('expected a duration such as "500ms"');
  return ms;
}

async function discover(name: string, given: Given, context: Context): Promise<number> {
  const { output } = context;
  const loaded = loadFrom(given.config, context);
  if (loaded.site === null) {
    tellProblems(loaded, context);
    return exit.config;
  }
  const { site } = loaded;
  const bus = busNamed(name, site, context);
  if (bus === null) return exit.usage;
  if (given.direct !== true && (await isPolled(bus, site, given.config, context))) {
    output.message(
      `The running agent polls ${bus.id}: on a line, or a gateway, both would be in each other's way, and devices would seem silent. Stop it, or look all the same with --direct.`,
    );
    return exit.failed;
  }
  const { lost, tried, found } = await search(bus, given, context);
  if (lost === null || tried > 0)
    show({ bus, site, tried, found, of: given.units.length }, given.json === true, context);
  if (lost === null) return exit.ok;
  output.message(`${bus.id} cannot be had: ${lost}. Check the options of the bus, and that nothing else has it open.`);
  return exit.unavailable;
}

type Scanned = Bus & { readonly driver: Required<Pick<Bus["driver"], "discover">> };

function busNamed(name: string, { buses }: Site, { output }: Context): Scanned | null {
  const bus = buses.find(({ id }) => id === name);
  const can = (one: Pick<Bus["driver"], "discover">): boolean => one.discover !== undefined;
  if (bus !== undefined && can(bus.driver)) return bus as Scanned;
  if (bus === undefined) {
    const known = buses.filter(({ driver }) => can(driver)).map(({ id }) => id);
    output.message(`no bus "${name}"; expected one of ${known.join(", ")}.${didYouMean(name, known)}`);
  } else {
    const protocols = drivers.filter(can).map(({ protocol }) => protocol);
    output.message(
      `${name} speaks ${bus.driver.protocol}; a bus that can be looked through speaks ${protocols.join(", ")}.`,
    );
  }
  return null;
}

/** Whether an agent is at it, which would be disturbed. */
async function isPolled({ id }: Bus, site: Site, file: string, context: Context): Promise<boolean> {
  const socket = settingsBeside(file, context).settings?.socket ?? socketOf(undefined, context.environment);
  const answer = await ask(socket, "/status");
  if (!answer.ok) return false;
  const running = answer.body as StatusSnapshot;
  return running.site === site.id && running.devices.some(({ bus }) => bus === id);
}

async function search(bus: Scanned, { units, timeout = bus.timeoutMs }: Given, context: Context) {
  const { output } = context;
  const found: Found[] = [];
  let tried = 0;
  const stop = new AbortController();
  void context.stopped.then(() => stop.abort());
  const lost = await bus.driver.discover(bus.options, realEnv({ logLevel: "silent" }), {
    ...{ numbers: units, timeoutMs: timeout, signal: stop.signal },
    tried(number, one) {
      tried++;
      if (one !== null) {
        found.push(one);
        output.message(`unit ${number} answers${one.model === null ? "" : `: ${one.model}`}`);
      }
      if (tried % 16 === 0 && tried < units.length)
        output.message(`${tried} of ${units.length} tried, ${found.length} found`);
    },
  });
  return { lost, tried, found };
}

interface Result {
  readonly bus: Bus;
  readonly site: Site;
  readonly tried: number;
  readonly of: number;
  readonly found: readonly Found[];
}

function show({ bus, site, tried, of, found }: Result, json: boolean, { output }: Context): void {
  const known = site.devices.filter((one) => one.bus === bus.id);
  const idOf = (address: unknown): string | null => known.find((one) => isAt(one.address, address))?.id ?? null;
  const rows = found.map(({ device: address, ...told }) => ({ address, ...told, device: idOf(address) }));
  if (json) output.data(JSON.stringify({ bus: bus.id, tried, of, found: rows }));
  else if (rows.length > 0) {
    const heads = ["ADDRESS", "VENDOR", "MODEL", "REVISION", "IN THE SITE FILE"];
    const cells = rows.map(({ address, vendor, model, revision, device }) =>
      [sayAddress(address), vendor, model, revision, device].map((cell) => cell ?? "–"),
    );
    for (const line of table([heads, ...cells])) output.data(line);
  }
  output.message(`${found.length} found, ${tried} of ${of} tried.`);
  const alike = new Set(found.map(({ device: _, ...told }) => JSON.stringify(told)));
  if (tried >= 8 && found.length === tried && alike.size === 1)
    output.message("Each of them answers, and alike: it is probably one device, which does not look at the unit.");
}

/** A site file may say more of a device than where it is, such as its pause. */
const isAt = (written: unknown, found: unknown): boolean =>
  Object.entries(found as object).every(([name, value]) => (written as Record<string, unknown>)[name] === value);

import { InvalidArgumentError } from "commander";
import { type Surveyed, survey } from "../../drivers/bacnet/finding/survey.ts";
import { bacnet } from "../../drivers/bacnet/index.ts";
import { type Bus as BacnetBus, instanceMax } from "../../drivers/bacnet/schema.ts";
import type { Hub } from "../../drivers/bacnet/wire/hub.ts";
import { draftOf } from "../config/ede/draft.ts";
import { readable } from "../config/ede/object.ts";
import { surveyedDevice } from "../config/ede/surveyed.ts";
import type { Bus, Site } from "../config/resolved.ts";
import { realEnv } from "../env.ts";
import type { AddCommand, Context } from "./context.ts";
import { exit } from "./output.ts";
import { sharedBeside } from "./shared.ts";
import { loadFrom, sayNoBus, tellAll, tellProblems } from "./site.ts";

interface Given {
  readonly config: string;
  readonly device: number;
}

export const addImportBacnet: AddCommand = (profiles, context) => {
  profiles
    .command("import-bacnet")
    .argument("<bus>", "as the site file names it; the bus of one device has its id")
    .requiredOption("--config <file>", "site file")
    .requiredOption("--device <instance>", "which device; mepwatch discover shows who is there", instanceIn)
    .summary("draft a profile from a BACnet device itself")
    .description(
      "Asks the device for its objects, one after the other, and writes the draft of a profile to standard output: a point for each that can be read, its unit and texts. What fails is told beside it. Reads only. Exits 0, or 69 if the device cannot be had.",
    )
    .addHelpText(
      "after",
      "\nExample:\n  $ mepwatch profiles import-bacnet bms --config site.yaml --device 3000 > profiles/draft/crac-3000.yaml",
    )
    .action(async (bus: string, given: Given) => context.exit(await importFrom(bus, given, context)));
};

function instanceIn(text: string): number {
  const instance = Number(text);
  if (!/^\d+$/.test(text) || instance > instanceMax)
    throw new InvalidArgumentError(`expected a number from 0 to ${instanceMax}`);
  return instance;
}

async function importFrom(name: string, { config, device }: Given, context: Context): Promise<number> {
  const { output } = context;
  const loaded = loadFrom(config, context, "buses");
  if (loaded.site === null) {
    tellProblems(loaded, context);
    return exit.config;
  }
  const buses = loaded.site.buses.filter(({ driver }) => driver === bacnet);
  const bus = buses.find(({ id }) => id === name);
  if (bus === undefined) {
    const known = buses.map(({ id }) => id);
    output.message(sayNoBus("BACnet bus", name, known));
    return exit.usage;
  }
  const surveyed = await ask(bus, loaded.site, device, context);
  if (typeof surveyed === "string") {
    output.message(`${surveyed}.`);
    return exit.unavailable;
  }
  output.data(draftOf(surveyedDevice(surveyed, `bus ${bus.id}`)).trimEnd());
  if (surveyed.problems.length > 0) tellAll(surveyed.problems, context);
  return exit.ok;
}

/** A text: why it cannot be had. */
async function ask(bus: Bus, site: Site, instance: number, context: Context): Promise<Surveyed | string> {
  const env = realEnv({ logLevel: "silent" });
  const stop = new AbortController();
  void context.stopped.then(() => stop.abort());
  const { shared, limits, lost } = await sharedBeside(bus.driver, site, env);
  for (const limit of limits) context.output.message(limit);
  const surveyed =
    lost ??
    (await survey(instance, {
      ...{ bus: bus.options as BacnetBus, env, hub: shared as Hub, timeoutMs: bus.timeoutMs, signal: stop.signal },
      isWanted: (type) => readable.has(type),
      read(count, of) {
        if (count % 50 === 0 && count < of) context.output.message(`${count} of ${of} objects read`);
      },
    }));
  await shared.close();
  return surveyed;
}

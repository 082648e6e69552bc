import { draftOf } from "../config/ede/draft.ts";
import type { EdeFile } from "../config/ede/files.ts";
import { devicesIn, type EdeDevice } from "../config/ede/objects.ts";
import { sayProblem } from "../config/problem.ts";
import type { AddCommand, Context } from "./context.ts";
import { givenFile } from "./given-file.ts";
import { exit } from "./output.ts";
import { tellAll } from "./site.ts";

export const addImportEde: AddCommand = (profiles, context) => {
  profiles
    .command("import-ede")
    .argument("<files...>", "_EDE.csv, and what belongs to it: _StateTexts.csv, _Units.csv, _ObjTypes.csv")
    .option("--device <instance>", "which device, where the files have several")
    .summary("draft a profile from a BACnet device's EDE files")
    .description(
      "Writes the draft of a profile to standard output: a point for each object that can be read, its unit and texts, its range as a comment. " +
        "What is wrong with single rows is told beside it. Exits 0, or 78 if there is nothing to draft.",
    )
    .addHelpText(
      "after",
      "\nExample:\n  $ mepwatch profiles import-ede CRAC_EDE.csv CRAC_StateTexts.csv --device 3000 > profiles/draft/crac-3000.yaml",
    )
    .action((files: string[], { device }: { device?: string }) => context.exit(draft(files, device, context)));
};

function draft(files: readonly string[], wanted: string | undefined, context: Context): number {
  const { output } = context;
  const read = files.map(readEde);
  const unread = read.filter((one) => typeof one === "string");
  const { devices, problems } = devicesIn(read.filter((one) => typeof one !== "string"));
  const wrong = [...unread, ...problems.map(sayProblem)];
  const told = (more: readonly string[], code: number): number => {
    if (wrong.length + more.length > 0) tellAll([...wrong, ...more], context);
    return code;
  };
  if (devices.length === 0)
    return told(wrong.length > 0 ? [] : [`${files.join(", ")}: no objects of a device`], exit.config);
  const device = chosen(devices, wanted);
  if (typeof device === "string") return told([device], exit.config);
  output.data(draftOf(device).trimEnd());
  return told(device.problems.map(sayProblem), exit.ok);
}

/** A text: why none is. */
function chosen(devices: readonly EdeDevice[], wanted: string | undefined): EdeDevice | string {
  const [only, ...others] = devices;
  if (wanted === undefined && only !== undefined && others.length === 0) return only;
  const found = devices.find(({ instance }) => String(instance) === wanted);
  if (found !== undefined) return found;
  const all = devices.map(({ instance, name }) => `${instance}${name === "" ? "" : ` (${name})`}`).join(", ");
  return wanted === undefined
    ? `the files have ${devices.length} devices, a profile is of one; give --device with one of ${all}`
    : `--device ${wanted}: no such device; expected one of ${all}`;
}

/** A text: why not. */
function readEde(name: string): EdeFile | string {
  const bytes = givenFile(name, "an EDE file");
  return typeof bytes === "string" ? bytes : { name, bytes };
}

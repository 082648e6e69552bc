import { generateKeyPairSync } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import type { Command } from "commander";
import { fingerprintOf, isCommandRole, keyLine, kidFormat, readKeys } from "../config/keys.ts";
import { commandRoles } from "../sinks/mqtt/commands.ts";
import type { TrustedKeys } from "../sinks/mqtt/gate.ts";
import type { AddCommand, Context } from "./context.ts";
import { exit, table } from "./output.ts";
import { settingsBeside, tellAll } from "./site.ts";

export const addKeys: AddCommand = (program, context) => {
  const keys = program.command("keys").summary("with what the centre signs its commands, and whose commands count");
  addMake(keys, context);
  addList(keys, context);
};

const addMake = (keys: Command, context: Context): void => {
  keys
    .command("make")
    .argument("<name>", "of the key: 1 to 64 letters, digits, _ or -")
    .requiredOption("--role <role>", `the most that whoever has it may be: ${commandRoles.join(", ")}`)
    .option("--out <file>", "of the private key; default: NAME.pem; there must be none yet")
    .summary("make a key, and the line by which an agent trusts it")
    .addHelpText(
      "after",
      "\nExample:\n  $ mepwatch keys make centre-1 --role supervisor --out centre-1.pem >> command-keys",
    )
    .action((name: string, { role, out }: { role: string; out?: string }) =>
      context.exit(make(name, role, out ?? `${name}.pem`, context)),
    );
};

function make(name: string, role: string, out: string, { output }: Context): number {
  if (!kidFormat.test(name)) {
    output.message(`${name}: expected 1 to 64 letters, digits, _ or -`);
    return exit.usage;
  }
  if (!isCommandRole(role)) {
    output.message(`--role ${role}: expected one of ${commandRoles.join(", ")}`);
    return exit.usage;
  }
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  try {
    create(out, privateKey.export({ format: "pem", type: "pkcs8" }).toString());
  } catch (error) {
    const { code } = error as { code?: string };
    const why = code === "EEXIST" ? "is there already, and is not overwritten" : `cannot be written (${code})`;
    output.message(`${out} ${why}; expected --out with a new file in a folder that this user may write`);
    return exit.failed;
  }
  output.data(keyLine(name, { role, publicKey }));
  output.message(
    `${out} has the private key, which stays with whoever commands. The line goes into the agent's file of`,
  );
  output.message("trusted keys (commands.keys of the settings); it counts from the agent's next start on.");
  return exit.ok;
}

/** On the disk when it returns, for this user alone. */
function create(path: string, text: string): void {
  const file = openSync(path, "wx", 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

const addList = (keys: Command, context: Context): void => {
  keys
    .command("list")
    .argument("[file]", "file of trusted keys; default: that of the settings")
    .option("--config <site.yaml>", "site file; settings.yaml is looked for beside it")
    .option("--json", "one JSON document")
    .summary("whose commands an agent obeys, and what is wrong with the file")
    .action((file: string | undefined, given: { config?: string; json?: true }) => {
      const found = file === undefined ? inSettings(given.config ?? "site.yaml", context) : inFile(file);
      if (found.problems.length === 0) list(found.keys, given.json === true, context);
      else tellAll(found.problems, context);
      context.exit(found.problems.length === 0 ? exit.ok : exit.config);
    });
};

interface Found {
  readonly keys: TrustedKeys;
  readonly problems: readonly string[];
}

function inFile(file: string): Found {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    const what = "cannot be read; expected a file of trusted keys that this user may read";
    return { keys: new Map(), problems: [`${file}: ${what}`] };
  }
  const { keys, problems } = readKeys(text);
  return { keys, problems: problems.map(({ line, what }) => `${file}:${line}: ${what}`) };
}

function inSettings(site: string, context: Context): Found {
  const { settings, problems } = settingsBeside(site, context);
  return { keys: settings?.commandKeys ?? new Map(), problems };
}

function list(keys: TrustedKeys, json: boolean, { output }: Context): void {
  const rows = [...keys].map(([kid, key]) => ({ kid, role: key.role, fingerprint: fingerprintOf(key) }));
  if (json) output.data(JSON.stringify(rows));
  else if (rows.length === 0) output.data("No key is trusted: nobody may command this agent from the centre.");
  else
    for (const line of table([
      ["KEY", "ROLE", "SHA-256"],
      ...rows.map(({ kid, role, fingerprint }) => [kid, role, fingerprint]),
    ]))
      output.data(line);
}

import { statSync } from "node:fs";
import { type AuditLine, type Verified, verifyAudit } from "../store/audit.ts";
import { asked } from "./asked.ts";
import type { AddCommand, Context } from "./context.ts";
import { exit, table } from "./output.ts";
import { socketOption } from "./status.ts";

export const addAudit: AddCommand = (program, context) => {
  const audit = program
    .command("audit")
    .option("--since <duration>", "how far back, such as 24h, 30d", "24h")
    .option(...socketOption)
    .option("--json", "one JSON document")
    .summary("who did what: every deed, acceptance, start and configuration")
    .addHelpText("after", "\nExamples:\n  $ mepwatch audit --since 30d\n  $ mepwatch audit verify")
    .action(async ({ since, socket, json }: { since: string; socket?: string; json?: true }) => {
      const answer = await asked<readonly AuditLine[]>(`/audit?since=${encodeURIComponent(since)}`, socket, context);
      if ("code" in answer) return context.exit(answer.code);
      if (json) context.output.data(JSON.stringify(answer.body));
      else for (const line of auditView(answer.body)) context.output.data(line);
      context.exit(exit.ok);
    });
  audit
    .command("verify")
    .argument("[folder]", "of an audit that no agent has open; default: the running agent's")
    .option(...socketOption)
    .option("--json", "one JSON document")
    .summary("whether nothing in it was changed, left out or put in")
    .action(async (folder: string | undefined, _: unknown, command: { optsWithGlobals(): Given }) => {
      const { socket, json } = command.optsWithGlobals();
      const found = folder === undefined ? await asked<Verified>("/audit/verify", socket, context) : onDisk(folder);
      if ("code" in found) {
        if (folder !== undefined) context.output.message(`no folder ${folder}; expected that of an audit`);
        return context.exit(found.code);
      }
      context.exit(tell(found.body, json === true, context));
    });
};

interface Given {
  readonly socket?: string;
  readonly json?: true;
}

const onDisk = (folder: string): { readonly body: Verified } | { readonly code: number } =>
  statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true
    ? { body: verifyAudit(folder) }
    : { code: exit.usage };

function tell(verified: Verified, json: boolean, { output }: Context): number {
  const { lines, first, head, broken } = verified;
  if (json) output.data(JSON.stringify(verified));
  else if (lines === 0) output.data("The audit is empty.");
  else {
    for (const where of broken) output.message(where);
    const from = first === 1 || first === null ? "" : ` from number ${first} on`;
    output.data(
      `${lines} lines${from}, ${broken.length === 0 ? "the chain is whole" : "the chain is BROKEN"}; head ${head}`,
    );
  }
  return broken.length === 0 ? exit.ok : exit.failed;
}

export function auditView(lines: readonly AuditLine[]): string[] {
  if (lines.length === 0) return ["Nothing was done."];
  const rows = lines.map(({ at, by, what, target, reason = "", facts }) => {
    const rest = Object.entries(facts).flatMap(([name, value]) => (value === null ? [] : [`${name} ${value}`]));
    return [at, by, what, target, reason, rest.join(", ")];
  });
  return table([["AT", "WHO", "WHAT", "OF WHAT", "WHY", ""], ...rows]);
}

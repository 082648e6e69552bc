import { readFileSync } from "node:fs";
import { runVectors } from "../simulate/vectors.ts";
import type { AddCommand } from "./context.ts";
import { exit } from "./output.ts";

export const addVectors: AddCommand = (program, { output, exit: end }) => {
  program
    .command("vectors")
    .argument("<file>", "vectors in the language alarm-vectors/1")
    .summary("run test vectors against the engine")
    .addHelpText("after", "\nExample:\n  $ mepwatch vectors test/vectors/alarm-vectors.json")
    .action((file: string) => {
      const verdicts = judge(file);
      if (typeof verdicts === "string") {
        output.message(`${file}: ${verdicts}`);
        end(exit.failed);
        return;
      }
      const failed = verdicts.filter(({ failure }) => failure !== null);
      for (const { id, failure } of failed) output.data(`${id}: ${failure}`);
      output.data(`${verdicts.length - failed.length} passed, ${failed.length} failed`);
      end(failed.length === 0 ? exit.ok : exit.failed);
    });
};

function judge(file: string): ReturnType<typeof runVectors> | string {
  try {
    return runVectors(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    return `no vectors: ${error instanceof Error ? error.message : String(error)}`;
  }
}

import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { mutants, mutated } from "./mutants.ts";

/** The tests of the core, of an engine with the mutant whose number is in MUTANT (0: none); the tree stays as it is. */
const root = fileURLToPath(new URL("../..", import.meta.url));
const mutant = mutants[Number(process.env.MUTANT) - 1];

const mutation: Plugin = {
  name: "mutation",
  enforce: "pre",
  transform: (source, id) => (id === `${root}agent/core/${mutant?.file}` && mutant ? mutated(source, mutant) : null),
};

/** What takes longest comes last: most mutants are found out before. */
class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isSlow = ({ moduleId }: TestSpecification): number => Number(moduleId.endsWith("properties.test.ts"));
    return files.sort((a, b) => isSlow(a) - isSlow(b) || (a.moduleId < b.moduleId ? -1 : 1));
  }
}

export default defineConfig({
  root,
  plugins: [mutation],
  test: {
    include: ["test/agent/core/**/*.test.ts", "test/agent/simulate/vectors.test.ts"],
    setupFiles: ["test/mutants/seed.ts"],
    sequence: { sequencer: QuickFirst },
    pool: "threads",
    isolate: false,
    fileParallelism: false,
    bail: 1,
    testTimeout: 60_000,
  },
});

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
const slow = ["oracle.test.ts", "kpi.test.ts", "foretell.test.ts", "properties.test.ts"];
class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const slowness = ({ moduleId }: TestSpecification): number => slow.findIndex((name) => moduleId.endsWith(name));
    return files.sort((a, b) => slowness(a) - slowness(b) || (a.moduleId < b.moduleId ? -1 : 1));
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
    // A slow machine is no failing test; what never ends is ended from outside.
    testTimeout: 0,
  },
});

import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** `npm run mutants`: the mutation check; `npm run mutants -- -t latch.ts` tries the mutants of one file. */
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    include: ["test/mutants/run.ts"],
    reporters: ["verbose"],
    hideSkippedTests: true,
    disableConsoleIntercept: true,
    maxConcurrency: availableParallelism(),
    testTimeout: 0,
    hookTimeout: 0,
  },
});

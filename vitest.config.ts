import { defineConfig } from "vitest/config";

export default defineConfig({
  // More workers than cores: most tests wait, for deadlines and for processes. The limits are for tests that hang: a machine
  // that is busy with something else is slow.
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/build.ts"],
    testTimeout: 240_000,
    hookTimeout: 120_000,
    pool: "threads",
    maxWorkers: 3,
  },
});

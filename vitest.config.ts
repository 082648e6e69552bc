import { defineConfig } from "vitest/config";

export default defineConfig({
  // More workers than cores: most tests wait, for deadlines and for processes.
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/build.ts"],
    testTimeout: 60_000,
    pool: "threads",
    maxWorkers: 4,
  },
});

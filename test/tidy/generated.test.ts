import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { generated } from "../../agent/cli/generate.ts";
import { builtInConfig } from "../../agent/config/load.ts";

test.each(Object.entries(generated))("config/%s is fresh; `npm run generate` makes it so", (name, make) => {
  expect(readFileSync(join(builtInConfig(), name), "utf8")).toBe(make());
});

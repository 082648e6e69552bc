import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { generated } from "../../agent/cli/generate.ts";

test.each([...generated()])("config/%s is what the sources make of it; else: npm run generate", (name, text) => {
  const path = fileURLToPath(new URL(`../../config/${name}`, import.meta.url));
  expect(existsSync(path) ? readFileSync(path, "utf8") : "missing").toBe(text);
});

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { requireProgram } from "./programs.ts";

const unit = fileURLToPath(new URL("../../systemd/mepwatch.service", import.meta.url));

test.skipIf(!requireProgram("/usr/bin/systemd-analyze"))("the service is confined: exposure at most 1.5", () => {
  const report = execFileSync("systemd-analyze", ["security", "--offline=true", "--threshold=15", unit], {
    encoding: "utf8",
  });
  expect(report).toMatch(/Overall exposure level for mepwatch\.service: [01]\.\d/);
});

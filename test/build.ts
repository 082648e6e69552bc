import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Builds once before all tests, so that those which run processes run what is in the tree. */
export default function setup(): void {
  const root = fileURLToPath(new URL("..", import.meta.url));
  execFileSync("npx", ["tsc", "-p", "test/build.tsconfig.json"], { cwd: root, stdio: "inherit" });
}

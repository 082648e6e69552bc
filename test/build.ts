import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Builds once before all tests, so that those which run the program run what is in the tree. */
export default function setup(): void {
  const root = fileURLToPath(new URL("..", import.meta.url));
  execFileSync("npx", ["tsc", "-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
}

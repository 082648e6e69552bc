import { existsSync } from "node:fs";

/**
 * Whether a program that a test needs is there. Missing it fails the test where CI is set, since a skipped
 * interoperability test proves nothing; elsewhere the test is skipped, and a line says so.
 */
export function requireProgram(path: string): boolean {
  if (existsSync(path)) return true;
  if (process.env.CI === "true") throw new Error(`${path} is missing; .ci/run installs it`);
  console.warn(`skipped: ${path} is missing`);
  return false;
}

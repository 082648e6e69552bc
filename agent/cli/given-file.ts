import { readFileSync, statSync } from "node:fs";

const octetsMax = 8 * 2 ** 20;

/** What is in a file that the command line names, of 8 MiB at most; a text: why it cannot be had. */
export function givenFile(name: string, expected: string): Buffer | string {
  try {
    if (statSync(name).size > octetsMax) return `${name}: larger than 8 MiB; expected ${expected}`;
    return readFileSync(name);
  } catch (error) {
    return `${name}: cannot be read (${(error as { code?: string }).code}); expected ${expected}`;
  }
}

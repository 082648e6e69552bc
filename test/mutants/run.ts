import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mutants } from "./mutants.ts";

/** Tries each mutant in a process of its own: a test of the core must fail with it. */
const root = fileURLToPath(new URL("../..", import.meta.url));
const vitest = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));

/** A mutant that goes round for ever is found out only if a test says so. */
const timeoutMs = 300_000;

/** What the tests said of it; "none" if they could not judge it: it does not load, or does not end. */
type Outcome = { readonly is: "killed" | "survived" } | { readonly is: "none"; readonly because: string };

interface Report {
  readonly success: boolean;
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/** @param number of the mutant, from 1; 0: the engine as it is */
function tried(number: number): Promise<Outcome> {
  const { VITEST: _, VITEST_WORKER_ID: __, VITEST_POOL_ID: ___, ...inherited } = process.env;
  const env = { ...inherited, MUTANT: String(number) };
  const args = [vitest, "run", "--config", "test/mutants/mutated.config.ts", "--reporter=json"];
  const options = { cwd: root, env, timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: 2 ** 26 } as const;
  return new Promise((resolve) => {
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      if (error?.killed) return resolve({ is: "none", because: `does not end within ${timeoutMs / 1000} s` });
      resolve(judged(stdout) ?? { is: "none", because: `the tests do not run: ${stderr || stdout}` });
    });
  });
}

function judged(stdout: string): Outcome | null {
  if (!stdout.startsWith("{")) return null;
  const { success, testResults } = JSON.parse(stdout) as Report;
  if (testResults.some(({ assertionResults }) => assertionResults.some(({ status }) => status === "failed"))) {
    return { is: "killed" };
  }
  if (success) return { is: "survived" };
  return { is: "none", because: testResults.map(({ message }) => message).join("\n") };
}

beforeAll(async () => {
  expect(await tried(0), "the tests must pass with the engine as it is").toEqual({ is: "survived" });
});

const count = { killed: 0, survived: 0, none: 0 };
afterAll(() => {
  const { killed, survived, none } = count;
  console.log(`${killed} killed, ${survived} survived${none === 0 ? "" : `, ${none} are no mutants`}`);
});

for (const [index, { file, find, replace, why }] of mutants.entries()) {
  test.concurrent(`${index + 1} ${file}: ${why}`, async () => {
    const outcome = await tried(index + 1);
    count[outcome.is]++;
    if (outcome.is === "none") throw new Error(`is no mutant: ${outcome.because}`);
    if (outcome.is === "survived") throw new Error(`survived: no test fails with\n${replace}\ninstead of\n${find}`);
  });
}

import { drivers } from "../../drivers/index.ts";
import { loadSuite } from "../config/load-suite.ts";
import { sayProblem } from "../config/problem.ts";
import { runTests } from "../simulate/tests.ts";
import type { AddCommand, Context } from "./context.ts";
import { exit } from "./output.ts";
import { tellAll } from "./site.ts";
import { asJson, asText } from "./test-view.ts";

export const addTest: AddCommand = (program, context) => {
  program
    .command("test")
    .argument("<files...>", "site files and profiles")
    .option("--json", "a JSON document for each test, one a line")
    .summary("run the tests that site files and profiles hold of their rules")
    .description(
      "Plays the series of each test to the rules and compares what they tell with what was expected. Exits 0 if all passed, 1 if one failed, 78 if a file has problems.",
    )
    .addHelpText("after", "\nExample:\n  $ mepwatch test site.yaml profiles/*/*.yaml")
    .action((files: string[], { json = false }: { json?: boolean }) => {
      const outcomes = files.map((file) => testFile(file, json, context));
      const count = (of: "passed" | "failed"): number => outcomes.reduce((sum, one) => sum + one[of], 0);
      if (!json && count("passed") + count("failed") > 0)
        context.output.data(`${count("passed")} passed, ${count("failed")} failed`);
      const broken = outcomes.some(({ problems }) => problems);
      context.exit(broken ? exit.config : count("failed") > 0 ? exit.failed : exit.ok);
    });
};

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly problems: boolean;
}

function testFile(file: string, json: boolean, context: Context): Outcome {
  const { output } = context;
  const { suite, problems } = loadSuite(file, drivers);
  if (suite === null) {
    tellAll(problems.map(sayProblem), context);
    return { passed: 0, failed: 0, problems: true };
  }
  const verdicts = runTests(suite);
  if (verdicts.length === 0) output.message(`${file}: there are no tests in it; write some under  tests:`);
  const failed = verdicts.filter(({ passed }) => !passed);
  if (json) for (const verdict of verdicts) output.data(asJson(suite, verdict));
  else for (const verdict of failed) for (const line of asText(suite, verdict, output)) output.data(line);
  return { passed: verdicts.length - failed.length, failed: failed.length, problems: false };
}

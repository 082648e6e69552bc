import { apart, type Suite, sayWhich, type Which, writeDuration } from "../config/suite.ts";
import type { Event } from "../core/engine.ts";
import type { Sample } from "../core/sample.ts";
import { unitSign } from "../core/text.ts";
import type { Compared } from "../simulate/compare.ts";
import type { Verdict } from "../simulate/tests.ts";
import { type Output, paint, table } from "./output.ts";

/** An event of a test, or a deed that was refused. */
interface Line {
  /** `came`: as expected. */
  readonly is: "came" | "missing" | "extra" | "refused";
  readonly atMs: number;
  readonly kind: string;
  readonly rule: string;
  readonly which?: Which;
  readonly severity?: string | null;
  readonly reason?: string | null;
  readonly annunciate?: boolean;
  /** The sample that decided it. */
  readonly by?: string;
  readonly why?: string;
}

/** One JSON document for a test. */
export const asJson = (suite: Suite, verdict: Verdict): string => {
  const { test, passed, broken } = verdict;
  const { file, line, name } = test;
  return JSON.stringify({ file, line, name, passed, broken, events: linesOf(suite, verdict) });
};

/** More would hide what went wrong first. */
const shownMax = 40;

/** A test that failed: where it stands, then what was expected and what came, in the order of time. */
export function asText(suite: Suite, verdict: Verdict, output: Output): string[] {
  const { test, broken } = verdict;
  const lines = linesOf(suite, verdict);
  const shown = lines.slice(0, shownMax);
  const rows = table(shown.map(cellsOf));
  return [
    `${test.file}:${test.line}: ${test.name}`,
    ...shown.map(({ is }, i) => paint(output, styles[is], `  ${rows[i]}`)),
    ...(lines.length > shownMax ? [`  … and ${lines.length - shownMax} more`] : []),
    ...(broken === null ? [] : [`  could not be run to its end: ${broken}`]),
  ];
}

const styles = { came: "dim", missing: "high", extra: "medium", refused: "info" } as const;

function cellsOf({ is, atMs, kind, rule, which = {}, severity, reason, annunciate, by, why }: Line): string[] {
  const more = [reason ?? "", sayWhich(which), annunciate === false ? "annunciate: false" : ""];
  return [
    is === "came" ? "" : is,
    writeDuration(atMs),
    kind,
    rule,
    severity ?? "",
    more.filter((part) => part !== "").join(", "),
    by ?? why ?? "",
  ];
}

function linesOf(suite: Suite, { compared, refused }: Verdict): Line[] {
  return [
    ...compared.map((one) => lineOf(suite, one)),
    ...refused.map(({ at, command, rule, why }): Line => ({ is: "refused", atMs: at, kind: command, rule, why })),
  ].sort((a, b) => a.atMs - b.atMs);
}

function lineOf(suite: Suite, compared: Compared): Line {
  if (compared.is !== "missing") return cameLine(suite, compared.came, compared.is);
  const { at, kind, rule, which, severity, reason, annunciate } = compared.expected;
  return { is: "missing", atMs: at, kind, rule, which, severity, reason, annunciate };
}

function cameLine(suite: Suite, event: Event, is: "came" | "extra"): Line {
  const { condition, kind, level, reason, annunciate, now, sample } = event;
  const named = suite.conditions.get(condition.key);
  return {
    is,
    atMs: now.at,
    kind,
    rule: named?.rule ?? condition.key,
    which: named === undefined ? {} : apart(suite, named),
    severity: level.severity,
    reason,
    annunciate,
    ...(sample === null ? {} : { by: saySample(suite, sample) }),
  };
}

function saySample({ points }: Suite, sample: Sample): string {
  const [name, point] = [...points].find(([, { definition }]) => definition.id === sample.point) ?? [sample.point];
  if (sample.quality === "bad") return `${name} bad (${sample.reason})`;
  const text = point?.texts[String(sample.value)];
  const unit = unitSign(point?.unit ?? "1");
  return `${name} ${sample.value}${unit === "" ? "" : ` ${unit}`}${text === undefined ? "" : ` (${text})`}`;
}

/** The only place that writes to the terminal: data to stdout, messages to stderr. */
export interface Output {
  data(line: string): void;
  message(line: string): void;
  /** Whether stdout may be coloured: a terminal, and nobody said no. */
  readonly colour: boolean;
}

export function terminal(environment: Readonly<Record<string, string | undefined>>): Output {
  // A reader that went away (head, a closed pager) is no error of ours.
  process.stdout.on("error", () => {});
  return {
    data: (line) => void process.stdout.write(`${line}\n`),
    message: (line) => void process.stderr.write(`${line}\n`),
    colour: process.stdout.isTTY === true && environment.NO_COLOR === undefined && environment.TERM !== "dumb",
  };
}

/** Whether a person watches, so that what is shown may be drawn anew. */
export const isTerminal = (): boolean => process.stdout.isTTY === true;

/** A screen full of lines, in place of what was there. */
export const redraw = (output: Output, lines: readonly string[]): void =>
  output.data(["\u001b[H\u001b[2J", ...lines.slice(0, (process.stdout.rows ?? 24) - 3)].join("\n"));

/** Where nobody is to be told. */
export const silent: Output = { data: () => {}, message: () => {}, colour: false };

/** sysexits where there is one that fits. */
export const exit = { ok: 0, failed: 1, usage: 2, unavailable: 69, config: 78 } as const;

/** Columns of equal width, two blanks between; the last one ragged. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>((max, row) => row.map((cell, i) => Math.max(max[i] ?? 0, cell.length)), []);
  return rows.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

const codes: Readonly<Record<string, string>> = {
  critical: "1;31",
  high: "31",
  medium: "33",
  low: "36",
  info: "2",
  cleared: "32",
  dim: "2",
};

export const paint = (output: Output, style: string, text: string): string =>
  output.colour ? `\u001b[${codes[style] ?? "0"}m${text}\u001b[0m` : text;

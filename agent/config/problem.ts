/** Something in a configuration file that its author can put right; all of them are told at once. */
export interface Problem {
  readonly file: string;
  /** 1-based; 0 where the file as a whole is meant. */
  readonly line: number;
  readonly column: number;
  /** Where in the document, such as `devices.2.bus.port`; "" for the document. */
  readonly path: string;
  /** What is wrong, and what was expected. */
  readonly what: string;
}

export const sayProblem = ({ file, line, column, path, what }: Problem): string =>
  `${file}:${line === 0 ? "" : `${line}:${column}:`} ${path === "" ? "" : `${path}: `}${what}`;

/** As they stand in the files; files in the order in which they were first spoken of. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  const files = problems.map(({ file }) => file);
  return problems.toSorted(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
  );
}

/** The nearest of the known words, as " Did you mean …?", or "" if none is near. */
export function didYouMean(word: string, known: Iterable<string>): string {
  let best: { candidate: string; distance: number } | null = null;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (best === null || distance < best.distance) best = { candidate, distance };
  }
  if (best === null || best.distance > Math.max(2, Math.floor(word.length / 3))) return "";
  return ` Did you mean "${best.candidate}"?`;
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

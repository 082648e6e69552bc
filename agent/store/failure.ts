/**
 * What an error of the store means. full: no room, on the disk or within the quota. damaged: what is in the file is not what
 * was written. disk: the disk does not do what it is asked. Null: none of these, so it is no matter of the disk.
 */
export type Failure = "full" | "damaged" | "disk";

/** What is in the file cannot be right, whatever SQLite says of it. */
export class Damaged extends Error {}

const codes: readonly (readonly [RegExp, Failure])[] = [
  [/^(SQLITE_FULL|ENOSPC|EDQUOT)$/, "full"],
  [/^SQLITE_(CORRUPT|NOTADB)/, "damaged"],
  [/^(SQLITE_(IOERR|READONLY|CANTOPEN)|EROFS$|EIO$)/, "disk"],
];

export function failureOf(error: unknown): Failure | null {
  if (error instanceof Damaged) return "damaged";
  const code = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === "string" ? (codes.find(([pattern]) => pattern.test(code))?.[1] ?? null) : null;
}

export function sayError(error: unknown): string {
  const { code, message } = error as { readonly code?: string; readonly message?: string };
  return [code, message].filter((one) => one !== undefined).join(": ");
}

/** One thing that `mepwatch doctor` looked at. */
export interface Finding {
  /** What, such as "broker" or "device ups-a". */
  readonly of: string;
  /** note: nothing is wrong, and yet worth knowing. */
  readonly state: "ok" | "note" | "wrong";
  readonly what: string;
  /** What to do about it; null: nothing. */
  readonly remedy: string | null;
  /** Of what `what` sums up, one by one. */
  readonly details: readonly string[];
}

export const ok = (of: string, what: string): Finding => ({ of, state: "ok", what, remedy: null, details: [] });

export const note = (of: string, what: string, remedy: string | null = null): Finding => ({
  ...{ of, state: "note", what, remedy, details: [] },
});

export const wrong = (of: string, what: string, remedy: string, details: readonly string[] = []): Finding => ({
  ...{ of, state: "wrong", what, remedy, details },
});

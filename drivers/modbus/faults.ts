import { parseDuration } from "../../agent/core/duration.ts";
import { functionCodes } from "./question.ts";
import type { Table } from "./schema.ts";
import type { Query } from "./served.ts";

/** What a simulated device does wrong, and how people write it: `silent`, `delay:700ms`, `hole:holding/12-19`. Pure. */
export type Fault =
  | { readonly kind: "none" | "silent" | "rubbish" | "flood" | "drip" | "reset" | "hangup" }
  | { readonly kind: "delay" | "late"; readonly ms: number }
  | { readonly kind: "exception"; readonly number: number }
  /** One thing about each answer is wrong; what there is depends on the framing. */
  | { readonly kind: "wrong"; readonly what: string }
  | { readonly kind: "hole" | "deaf"; readonly places: readonly Place[] };

/** Registers of a table, or bits. */
interface Place {
  readonly table: Table;
  readonly first: number;
  readonly last: number;
}

/** By name, from what is written after its colon; undefined: that is not how it is written. */
const faults: Readonly<Record<string, (argument: string) => Fault | undefined>> = {
  none: bare({ kind: "none" }),
  silent: bare({ kind: "silent" }),
  slow: bare({ kind: "delay", ms: 3000 }),
  rubbish: bare({ kind: "rubbish" }),
  error: bare({ kind: "exception", number: 4 }),
  flood: bare({ kind: "flood" }),
  delay: (written) => waiting("delay", written),
  late: (written) => waiting("late", written),
  exception(written) {
    const number = Number(written);
    return Number.isInteger(number) && number >= 1 && number <= 255 ? { kind: "exception", number } : undefined;
  },
  drip: bare({ kind: "drip" }),
  reset: bare({ kind: "reset" }),
  hangup: bare({ kind: "hangup" }),
  hole: (written) => missing("hole", written),
  deaf: (written) => missing("deaf", written),
};
const forms = [
  ...["none", "silent", "slow", "rubbish", "error", "flood", "delay:700ms", "late:700ms", "exception:6", "drip"],
  ...["reset", "hangup", "hole:holding/12-19", "deaf:holding/12-19"],
];

function bare(fault: Fault) {
  return (written: string) => (written === "" ? fault : undefined);
}

function waiting(kind: "delay" | "late", written: string): Fault | undefined {
  const ms = parseDuration(written);
  return ms === null ? undefined : { kind, ms };
}

/** `holding/12`, `holding/12-19,coil/3`: as on the wire, counted from 0. */
function missing(kind: "hole" | "deaf", written: string): Fault | undefined {
  const places = written.split(",").map((one) => {
    const [, table = "", first, last = first] = /^([a-z]+)\/(\d+)(?:-(\d+))?$/.exec(one) ?? [];
    return table in functionCodes ? { table: table as Table, first: Number(first), last: Number(last) } : undefined;
  });
  const known = places.filter((place) => place !== undefined);
  return known.length === places.length ? { kind, places: known } : undefined;
}

/**
 * `wrongs`: what can be wrong with an answer, as its framing has it.
 * @throws on what is none, with how they are written
 */
export function faultNamed(text: string, wrongs: readonly string[]): Fault {
  const [name = "", ...rest] = text.split(":");
  if (wrongs.includes(text)) return { kind: "wrong", what: text };
  const fault = Object.hasOwn(faults, name) ? faults[name]?.(rest.join(":")) : undefined;
  if (fault === undefined)
    throw new Error(`no fault "${text}"; expected one such as ${[...forms, ...wrongs].join(", ")}`);
  return fault;
}

/** Whether a question touches one of the places. */
export const touches = (places: readonly Place[], { code, start, count }: Query): boolean =>
  places.some(({ table, first, last }) => functionCodes[table] === code && start <= last && start + count > first);

import type { BadReason } from "../../agent/core/sample.ts";
import { afterAnswer, afterSilence, afterTooBig, afterTrial, isTried } from "../capacity.ts";
import type { Deadline } from "../deadline.ts";
import { type Element, tags } from "./ber.ts";
import type { Answer } from "./dialect.ts";
import type { Known } from "./learnt.ts";
import { type Binding, errors } from "./message.ts";
import { compareOids } from "./plan.ts";
import type { Requester } from "./requester.ts";

/**
 * All rows of some columns, by GetBulkRequests (SNMPv1: GetNextRequests). How much the device tells at once is learnt
 * from its tooBig or its silence. It ends where the columns do, where the device's objects do, at the deadline, and where
 * the device does not go on: OIDs must increase.
 */
export interface Walker {
  walk(columns: readonly string[], by: Deadline): Promise<Walked>;
}

/** The rows of a table by their index, each with what its columns hold. */
export type Table = ReadonlyMap<string, Row>;
export type Row = ReadonlyMap<string, Element>;

export type Walked =
  | { readonly kind: "table"; readonly table: Table }
  | { readonly kind: "fault"; readonly fault: BadReason; readonly detail: string };

/** No table of a device in a plant is as long; a walk that never ends is. */
export const rowsMax = 4096;

/** A column, and the last OID of it that was told. */
interface Head {
  readonly column: string;
  readonly at: string;
}

export function walker(requester: Requester, known: Known): Walker {
  /** Where more is asked for than was ever answered, silence leaves time to ask for less. */
  async function ask(heads: readonly Head[], by: Deadline): Promise<Answer | "less"> {
    const repetitions = Math.max(1, Math.floor(known.walks.now / heads.length));
    const size = repetitions * heads.length;
    const isTrial = size > 1 && size > known.walks.proven;
    const oids = heads.map(({ at }) => at);
    const answer = await requester.ask({ oids, repetitions, by: isTrial ? by.half() : by });
    if (answer.kind === "bindings") known.walks = afterAnswer(known.walks, size);
    else if (isTried(known.walks, size) && by.leftMs() >= 1) {
      known.walks = afterTrial(known.walks);
      return "less";
    }
    const isSilent = answer.kind === "fault" && answer.fault === "timeout";
    const isTooBig = answer.kind === "refused" && answer.status === errors.tooBig;
    if (isSilent) known.walks = afterSilence(known.walks, size);
    if (isTooBig) known.walks = afterTooBig(known.walks, size);
    return (isSilent && isTrial && by.leftMs() >= 1) || (isTooBig && size > 1) ? "less" : answer;
  }

  return {
    async walk(columns, by) {
      const table = new Map<string, Map<string, Element>>();
      let alone = false;
      for (let open: readonly Head[] = columns.map((column) => ({ column, at: column })); open.length > 0; ) {
        const heads = open.slice(0, alone ? 1 : known.walks.now);
        const answer = await ask(heads, by);
        if (answer === "less") continue;
        if (answer.kind === "fault") return answer;
        if (answer.kind === "refused") {
          const ended = endedBy(answer, heads);
          if (ended === null) return failed("device_error", answer.detail);
          alone ||= ended === undefined;
          open = open.filter((head) => head !== ended);
          continue;
        }
        const next = follow(heads, answer.bindings, table);
        if (typeof next === "string") return failed("bad_reply", next);
        if (table.size > rowsMax) return failed("bad_reply", `more than ${rowsMax} rows below ${columns[0]}: endless`);
        open = [...next, ...open.slice(heads.length)];
      }
      return { kind: "table", table };
    },
  };
}

const failed = (fault: BadReason, detail: string): Walked => ({ kind: "fault", fault, detail });

/**
 * Which column ends, where a device without exceptions (SNMPv1) has nothing more to tell; undefined: one of several, and
 * it does not say which; null: it refuses for another reason.
 */
function endedBy(answer: Extract<Answer, { kind: "refused" }>, heads: readonly Head[]): Head | undefined | null {
  if (answer.status !== errors.noSuchName) return null;
  return heads.length === 1 ? heads[0] : heads.find(({ at }) => at === answer.oid);
}

/**
 * Puts what came into the table; the heads that go on, or what is wrong. Bindings come round by round, one of each head
 * (RFC 3416, 4.2.3); the device may stop in the middle of a round.
 */
function follow(
  heads: readonly Head[],
  bindings: readonly Binding[],
  table: Map<string, Map<string, Element>>,
): readonly Head[] | string {
  const next: (Head | null)[] = [...heads];
  if (bindings.length === 0) return `nothing came after ${heads[0]?.at}`;
  for (const [nth, { oid, value }] of bindings.entries()) {
    const place = nth % heads.length;
    const head = next[place];
    if (!head) continue;
    if (value.tag >= tags.noSuchObject && value.tag <= tags.endOfMibView) next[place] = null;
    else if (compareOids(oid, head.at) <= 0) return `an endless walk: after ${head.at} came ${oid}`;
    else if (!oid.startsWith(`${head.column}.`)) next[place] = null;
    else {
      const index = oid.slice(head.column.length + 1);
      table.set(index, (table.get(index) ?? new Map()).set(head.column, value));
      next[place] = { ...head, at: oid };
    }
    if (next.every((one) => one === null)) break;
  }
  return next.filter((one) => one !== null);
}

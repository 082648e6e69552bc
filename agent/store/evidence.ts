import type { HistoryFile, Wanted } from "./history-file.ts";
import { journalMs } from "./journal.ts";
import { pack, type Samples, unpack } from "./samples.ts";
import { holdMs } from "./trace.ts";

/**
 * Samples around a raise, from `aroundMs` before it to `aroundMs` after it, kept for as long as the incident can be looked
 * up. They are copied out of the history once, when that time is over; which ones are still wanted stands in the file.
 */
export const aroundMs = 900_000;
/** What was read at its very end may come a little later. */
const settleMs = 10_000;
/** Of one point; the newest go on. At one a second there are 1800. */
const samplesMax = 4000;
/** Of all the room of the history. */
const share = 1 / 8;
/** In one commit: a raise of each of 400 devices at once takes a few minutes. */
const copiesAtOnce = 20;
const goneAtOnce = 50;

/** The samples of a point between two times, as far as they are still there. */
export type ReadPoint = (point: number, from: number, to: number) => Samples;

/** Inside a transaction. */
export function keepEvidence(file: HistoryFile, now: number, bytesMax: number, read: ReadPoint): void {
  for (const wanted of file.wanted(now - aroundMs - settleMs, copiesAtOnce)) {
    const found = around(wanted, read);
    const first = found.ats[0] ?? wanted.raised;
    file.keepEvidence({ ...wanted, first, packed: pack(found, first) });
  }
  file.dropOldestEvidence(goneAtOnce, now - journalMs);
  for (let i = 0; i < goneAtOnce && file.evidenceBytes() > bytesMax * share; i++)
    file.dropOldestEvidence(1, Number.MAX_SAFE_INTEGER);
}

/** What is before it holds into it. */
const around = ({ point, raised }: Wanted, read: ReadPoint): Samples =>
  newest(read(point, raised - aroundMs - holdMs, raised + aroundMs));

function newest({ count, ats, values, marks }: Samples): Samples {
  const from = Math.max(0, count - samplesMax);
  return { count: count - from, ats: ats.slice(from), values: values.slice(from), marks: marks.slice(from) };
}

export interface Found {
  readonly wanted: Wanted;
  /** False while it is still being gathered. */
  readonly isWhole: boolean;
  readonly samples: Samples;
}

/** Of each point of one incident. */
export function evidenceIn(file: HistoryFile, incident: string, read: ReadPoint): Found[] {
  return [
    ...file.evidenceOf(incident).map((one) => ({
      wanted: one,
      isWhole: true,
      samples: unpack(one.packed, one.first),
    })),
    ...file.wantedOf(incident).map((one) => ({ wanted: one, isWhole: false, samples: around(one, read) })),
  ];
}

/**
 * What a receiver can know of a stream of events from their sequence numbers: what it still lacks, what it will never
 * get, what came twice. Order of arrival does not matter; a birth message says which numbers there are.
 */
export type StreamMessage =
  | { readonly birth: true; readonly epoch: string; readonly firstSeq: number; readonly lastSeq: number }
  | { readonly birth?: false; readonly epoch: string; readonly seq: number };

/** A closed range of sequence numbers. */
export type Range = readonly [from: number, to: number];

export interface StreamState {
  readonly missing: readonly Range[];
  /** Gone for good: below what the newest birth says can still be had. */
  readonly lost: readonly Range[];
  readonly duplicates: number;
  readonly epochResets: number;
  /** Events of an epoch that is not the newest birth's. */
  readonly otherEpoch: number;
}

export function receive(messages: readonly StreamMessage[]): StreamState {
  let epoch: string | null = null;
  let base = 1;
  let firstSeq = 1;
  let lastSeq = 0;
  let received = new Set<number>();
  let [duplicates, epochResets, otherEpoch] = [0, 0, 0];
  for (const message of messages) {
    if (message.birth) {
      if (message.epoch !== epoch) {
        if (epoch !== null) epochResets++;
        epoch = message.epoch;
        base = message.firstSeq;
        received = new Set();
        lastSeq = 0;
      }
      firstSeq = message.firstSeq;
      lastSeq = Math.max(lastSeq, message.lastSeq);
    } else if (message.epoch !== epoch) otherEpoch++;
    else if (received.has(message.seq)) duplicates++;
    else {
      received.add(message.seq);
      lastSeq = Math.max(lastSeq, message.seq);
    }
  }
  const lost = holes(received, base, firstSeq - 1);
  return { missing: holes(received, Math.max(base, firstSeq), lastSeq), lost, duplicates, epochResets, otherEpoch };
}

/** What of a closed range was not received, as few ranges as possible, in order. */
function holes(received: ReadonlySet<number>, from: number, to: number): Range[] {
  const inside = [...received].filter((seq) => seq >= from && seq <= to).sort((a, b) => a - b);
  const found: Range[] = [];
  let next = from;
  for (const seq of inside) {
    if (seq > next) found.push([next, seq - 1]);
    next = seq + 1;
  }
  if (next <= to) found.push([next, to]);
  return found;
}

import { holesIn, normal, type Range, type Ranges } from "../core/ranges.ts";

/**
 * What a receiver can know of a stream of events from their sequence numbers: what it still lacks, what it will never
 * get, what came twice. Order of arrival does not matter; a birth message says which numbers there are.
 */
export type StreamMessage =
  | { readonly birth: true; readonly epoch: string; readonly firstSeq: number; readonly lastSeq: number }
  | { readonly birth?: false; readonly epoch: string; readonly seq: number };

export interface StreamState {
  readonly missing: Ranges;
  /** Gone for good: below what the newest birth says can still be had. */
  readonly lost: Ranges;
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
  const got = normal([...received].map((seq): Range => [seq, seq]));
  const lost = holesIn(got, [base, firstSeq - 1]);
  const missing = holesIn(got, [Math.max(base, firstSeq), lastSeq]);
  return { missing, lost, duplicates, epochResets, otherEpoch };
}

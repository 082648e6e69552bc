import { beforeEach, describe, expect, test } from "vitest";
import { type Forwarder, type Forwarding, forwarder } from "../../../agent/pipeline/forwarder.ts";
import type { Delivery, Sink } from "../../../agent/sinks/sink.ts";
import type { Lookback } from "../../../agent/store/journal.ts";
import type { Outbox } from "../../../agent/store/outbox.ts";
import { type FakeEnv, fakeEnv } from "../../env.ts";
import { epoch, event } from "../sinks/event.ts";

let env: FakeEnv;
let waiting: number[];
/** Each call of `trim`. */
let trims: number[][];
let disk: "well" | "refuses";
/** What stands in the outbox, where it is not an event of today. */
let records: Map<number, string>;
let parked: number[];
/** What was sent, with how to answer it. */
let sent: { seq: number; json: string; isLate: boolean; answer(delivery: Delivery): void }[];
let forward: Forwarder;
let sink: { -readonly [K in keyof Sink]?: Sink[K] };
let open: (forwarding?: Partial<Forwarding>) => Forwarder;

beforeEach(() => {
  env = fakeEnv();
  [waiting, trims, sent, disk] = [[1, 2, 3, 4, 5], [], [], "well"];
  [records, parked] = [new Map(), []];
  const outbox: Partial<Outbox> = {
    gap: null,
    lastPosition: 0,
    after: (position: number, limit: number) =>
      waiting
        .filter((one) => one > position)
        .slice(0, limit)
        .map((one) => {
          const record = records.get(one) ?? JSON.stringify(event(one));
          return { position: one, seq: one, persistedAt: 0, record };
        }),
    park: (position: number) => void parked.push(position),
    trim(seqs: readonly number[]) {
      if (disk === "refuses") throw new Error("I/O error");
      trims.push([...seqs]);
      waiting = waiting.filter((one) => !seqs.includes(one));
    },
  };
  // Of what was once sent, 3 and 4 are not kept any more.
  const kept = [1, 2, 5, 6, 7];
  const journal: Partial<Lookback> = {
    between: (_, from, to) =>
      kept.filter((seq) => seq >= from && seq <= to).map((seq) => ({ seq, at: 0, record: JSON.stringify(event(seq)) })),
    rangesOf: (of, from, to) =>
      (
        [
          [1, 2],
          [5, 7],
        ] as const
      )
        .map(([first, last]): [number, number] => [Math.max(first, from), Math.min(last, to)])
        .filter(([first, last]) => of === epoch && first <= last),
  };
  const deliver: Sink["deliver"] = ({ event: { seq }, json, isLate }) =>
    new Promise<Delivery>((answer) => {
      sent.push({ seq, json, isLate, answer });
    });
  sink = { connected: true, isHeard: true, window: 3, deliver };
  open = (forwarding = {}) => {
    const { backfillRate = 10, delivery = "broker" } = forwarding;
    forward = forwarder(env, outbox as Outbox, journal as Lookback, sink as Sink, { backfillRate, delivery });
    return forward;
  };
  open();
});

const seqs = (): number[] => sent.map(({ seq }) => seq);
const answer = async (...deliveries: [place: number, delivery: Delivery][]): Promise<void> => {
  for (const [place, delivery] of deliveries) sent[place]?.answer(delivery);
  await env.advance(0);
};

describe("forwarder", () => {
  test("what an older version wrote is sent as it is; what nobody can read is set aside, and reported", async () => {
    const { monoMs: _, ...older } = { ...event(2), wasOnceSaid: true };
    records = new Map([
      [1, '{"seq":1'],
      [2, JSON.stringify(older)],
      [3, '"three"'],
      [4, JSON.stringify({ ...event(4), location: null })],
      ...[
        { kind: "rise" },
        { severity: 4 },
        { open: 1 },
        { at: 0 },
        { seq: 1.5 },
        { epoch: null },
        { conditionKey: [] },
      ].map((wrong, i) => [6 + i, JSON.stringify({ ...event(6 + i), ...wrong })] as const),
    ]);
    waiting = [...Array(12).keys()].map((i) => i + 1);
    forward.connected(0);
    await env.advance(0);
    await answer([0, "delivered"], [1, "delivered"]);
    expect(parked).toEqual([1, 3, 4, 6, 7, 8, 9, 10, 11, 12]);
    expect(env.reports.map(({ code, facts }) => [code, facts?.seq])).toEqual(
      parked.map((seq) => ["outbox.poison", seq]),
    );
    expect(sent.map(({ json }) => json)).toEqual([records.get(2), JSON.stringify(event(5))]);
  });

  test("sends a window, and the next as soon as one is acknowledged", async () => {
    forward.connected(0);
    expect(seqs()).toEqual([1, 2, 3]);
    await answer([1, "delivered"]);
    expect(seqs()).toEqual([1, 2, 3, 4]);
  });

  test("what was delivered leaves the outbox together, a moment later; nothing else does", async () => {
    forward.connected(0);
    await answer([0, "delivered"], [2, "delivered"]);
    expect(trims).toEqual([]);
    await env.advance(200);
    expect(trims).toEqual([[1, 3]]);
    expect(waiting).toEqual([2, 4, 5]);
  });

  test("after a doubt everything that was not acknowledged is sent again, in order", async () => {
    forward.connected(0);
    await answer([0, "delivered"], [1, "retry"]);
    await env.advance(2000);
    expect(seqs()).toEqual([1, 2, 3, 4, 2, 3, 4]);
    await answer([2, "delivered"], [3, "delivered"]);
    await env.advance(200);
    expect(waiting, "answers of before the doubt do not count").toEqual([2, 3, 4, 5]);
  });

  test("a store that does not let go is asked again, and nothing is sent twice meanwhile", async () => {
    forward.connected(0);
    disk = "refuses";
    await answer([0, "delivered"], [1, "delivered"]);
    await env.advance(500);
    expect(env.reports.map(({ code }) => code)).toEqual(["trim.failed"]);
    disk = "well";
    await env.advance(1000);
    expect(trims).toEqual([[1, 2]]);
    expect(seqs()).toEqual([1, 2, 3, 4, 5]);
  });

  test("what was delivered leaves before it stops, and nothing is done after", async () => {
    forward.connected(0);
    await answer([0, "delivered"]);
    forward.stop();
    expect(trims).toEqual([[1]]);
    await env.advance(5000);
    expect([trims.length, seqs().length]).toEqual([1, 4]);
  });

  test("what waited goes at its rate, and what happens meanwhile goes before it", async () => {
    forward.connected(4);
    expect(sent.map(({ seq, isLate }) => [seq, isLate])).toEqual([
      [5, false],
      [1, true],
    ]);
    await answer([0, "delivered"], [1, "delivered"]);
    waiting.push(6);
    forward.wake();
    expect(seqs()).toEqual([5, 1, 6]);
    await answer([2, "delivered"]);
    await env.advance(99);
    expect(seqs()).toEqual([5, 1, 6]);
    await env.advance(202);
    expect(sent.slice(3).map(({ seq, isLate }) => [seq, isLate])).toEqual([
      [2, true],
      [3, true],
      [4, true],
    ]);
    await answer([3, "delivered"], [4, "delivered"], [5, "delivered"]);
    await env.advance(1000);
    expect([seqs().length, waiting]).toEqual([6, []]);
  });

  test("at rate 0 as fast as it is taken", async () => {
    open({ backfillRate: 0 }).connected(5);
    for (let i = 0; i < 5; i++) await answer([i, "delivered"]);
    expect(seqs()).toEqual([1, 2, 3, 4, 5]);
  });

  test("a doubt about one lane costs the other nothing but what was on its way", async () => {
    open({ backfillRate: 0 }).connected(3);
    expect(seqs()).toEqual([4, 5, 1]);
    await answer([0, "delivered"], [2, "retry"]);
    await env.advance(1500);
    expect(seqs()).toEqual([4, 5, 1, 2, 5, 1, 2]);
    await answer([4, "delivered"], [5, "delivered"], [6, "delivered"]);
    await answer([7, "delivered"]);
    await env.advance(200);
    expect(waiting).toEqual([]);
  });

  test("what is refused again and again is tried at growing spacing, ten seconds at most, and at once when it goes again", async () => {
    forward.connected(0);
    const tries: number[] = [];
    for (let i = 0; i < 8; i++) {
      const before = sent.length;
      await answer([before - 3, "retry"], [before - 2, "retry"], [before - 1, "retry"]);
      const from = env.clock.mono();
      while (sent.length === before) await env.advance(500);
      tries.push(env.clock.mono() - from);
    }
    expect(tries).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000, 10_000, 10_000]);
    await answer([sent.length - 3, "delivered"], [sent.length - 2, "retry"]);
    const before = sent.length;
    await env.advance(1000);
    expect(sent.length).toBeGreaterThan(before);
  });

  test("nobody listens: nothing is sent until somebody does", async () => {
    sink.isHeard = false;
    forward.connected(0);
    await env.advance(5000);
    expect(seqs()).toEqual([]);
    sink.isHeard = true;
    forward.wake();
    expect(seqs()).toEqual([1, 2, 3]);
  });

  test("where the centre's word counts, an event stays until it says that it has arrived, whichever comes first", async () => {
    open({ delivery: "centre" }).connected(0);
    forward.arrived({ epoch, upTo: 2, except: [[1, 1]] });
    await answer([0, "delivered"], [1, "delivered"], [2, "delivered"]);
    await env.advance(200);
    expect(waiting, "only what it says has come").toEqual([1, 3, 4, 5]);
    await answer([3, "delivered"], [4, "delivered"]);
    forward.arrived({ epoch: "another", upTo: 5, except: [] });
    forward.arrived({ epoch, upTo: 4, except: [[3, 3]] });
    await env.advance(200);
    expect(waiting).toEqual([3, 5]);
    expect(forward.trouble()).toBeNull();
    await env.advance(301_000);
    expect(forward.trouble()).toMatch(/nothing of 2 events sent, the oldest 5 min ago/);
    forward.trouble();
    expect(env.reports.map(({ code }) => code)).toEqual(["centre.silent"]);
    forward.arrived({ epoch, upTo: 5, except: [] });
    await env.advance(200);
    expect([waiting, forward.trouble()]).toEqual([[], null]);
  });

  test("what the centre claims to have before it was sent does not leave", async () => {
    open({ delivery: "centre" }).connected(0);
    forward.arrived({ epoch, upTo: 5, except: [] });
    await env.advance(200);
    expect(waiting).toEqual([1, 2, 3, 4, 5]);
  });

  test.each<{ ask: [string, number, number]; available: number[][]; lost: number[][]; told: number[] }>([
    {
      ask: [epoch, 1, 7],
      available: [
        [1, 2],
        [5, 7],
      ],
      lost: [[3, 4]],
      told: [1, 2, 5, 6, 7],
    },
    {
      ask: [epoch, 2, 5],
      available: [
        [2, 2],
        [5, 5],
      ],
      lost: [[3, 4]],
      told: [2, 5],
    },
    { ask: [epoch, 6, 9], available: [[6, 7]], lost: [[8, 9]], told: [6, 7] },
    { ask: [epoch, 3, 4], available: [], lost: [[3, 4]], told: [] },
    { ask: ["another", 1, 2], available: [], lost: [[1, 2]], told: [] },
  ])("once more, from $ask.1 to $ask.2 of $ask.0: what is kept, as late; the rest is said to be lost", async (one) => {
    waiting = [];
    forward.connected(0);
    expect(forward.replay(...one.ask)).toEqual({ available: one.available, lost: one.lost });
    for (let i = 0; i < 10; i++) {
      await env.advance(100);
      for (const { answer: reply } of sent) reply("delivered");
    }
    expect([seqs(), sent.every(({ isLate }) => isLate)]).toEqual([one.told, true]);
    expect(trims).toEqual([]);
  });

  test("who asks for too much at once is told so", () => {
    sink.connected = false;
    const asked = Array.from({ length: 30 }, () => forward.replay(epoch, 1, 2) !== null);
    expect(asked.filter(Boolean)).toHaveLength(20);
  });
});

import { beforeEach, describe, expect, test } from "vitest";
import { type Forwarder, forwarder } from "../../../agent/pipeline/forwarder.ts";
import type { Delivery, Sink } from "../../../agent/sinks/sink.ts";
import type { Outbox } from "../../../agent/store/outbox.ts";
import { type FakeEnv, fakeEnv } from "../../env.ts";
import { event } from "../sinks/event.ts";

let env: FakeEnv;
let waiting: number[];
/** Each call of `trim`. */
let trims: number[][];
let disk: "well" | "refuses";
/** What stands in the outbox, where it is not an event of today. */
let records: Map<number, string>;
let parked: number[];
/** What was sent, with how to answer it. */
let sent: { seq: number; json: string; answer(delivery: Delivery): void }[];
let forward: Forwarder;

beforeEach(() => {
  env = fakeEnv();
  [waiting, trims, sent, disk] = [[1, 2, 3, 4, 5], [], [], "well"];
  [records, parked] = [new Map(), []];
  const outbox: Partial<Outbox> = {
    gap: null,
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
  const deliver: Sink["deliver"] = ({ event: { seq }, json }) =>
    new Promise<Delivery>((answer) => {
      sent.push({ seq, json, answer });
    });
  const sink: Partial<Sink> = { connected: true, window: 3, deliver };
  forward = forwarder(env, outbox as Outbox, sink as Sink);
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
    ]);
    forward.wake();
    await env.advance(0);
    expect(parked).toEqual([1, 3, 4]);
    expect(env.reports.map(({ code, facts }) => [code, facts?.seq])).toEqual(
      parked.map((seq) => ["outbox.poison", seq]),
    );
    expect(sent.map(({ json }) => json)).toEqual([records.get(2), JSON.stringify(event(5))]);
  });

  test("sends a window, and the next as soon as one is acknowledged", async () => {
    forward.wake();
    expect(seqs()).toEqual([1, 2, 3]);
    await answer([1, "delivered"]);
    expect(seqs()).toEqual([1, 2, 3, 4]);
  });

  test("what was delivered leaves the outbox together, a moment later; nothing else does", async () => {
    forward.wake();
    await answer([0, "delivered"], [2, "delivered"]);
    expect(trims).toEqual([]);
    await env.advance(200);
    expect(trims).toEqual([[1, 3]]);
    expect(waiting).toEqual([2, 4, 5]);
  });

  test("after a doubt everything that was not acknowledged is sent again, in order", async () => {
    forward.wake();
    await answer([0, "delivered"], [1, "retry"]);
    await env.advance(2000);
    expect(seqs()).toEqual([1, 2, 3, 4, 2, 3, 4]);
    await answer([2, "delivered"], [3, "delivered"]);
    await env.advance(200);
    expect(waiting, "answers of before the doubt do not count").toEqual([2, 3, 4, 5]);
  });

  test("a store that does not let go is asked again, and nothing is sent twice meanwhile", async () => {
    forward.wake();
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
    forward.wake();
    await answer([0, "delivered"]);
    forward.stop();
    expect(trims).toEqual([[1]]);
    await env.advance(5000);
    expect([trims.length, seqs().length]).toEqual([1, 4]);
  });
});

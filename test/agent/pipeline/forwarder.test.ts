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
/** What was sent, with how to answer it. */
let sent: { seq: number; answer(delivery: Delivery): void }[];
let forward: Forwarder;

beforeEach(() => {
  env = fakeEnv();
  [waiting, trims, sent, disk] = [[1, 2, 3, 4, 5], [], [], "well"];
  const outbox: Partial<Outbox> = {
    gap: null,
    after: (position: number, limit: number) =>
      waiting
        .filter((one) => one > position)
        .slice(0, limit)
        .map((one) => ({ position: one, seq: one, persistedAt: 0, record: JSON.stringify(event(one)) })),
    trim(seqs: readonly number[]) {
      if (disk === "refuses") throw new Error("I/O error");
      trims.push([...seqs]);
      waiting = waiting.filter((one) => !seqs.includes(one));
    },
  };
  const deliver = ({ seq }: { seq: number }) =>
    new Promise<Delivery>((answer) => {
      sent.push({ seq, answer });
    });
  const sink: Partial<Sink> = { connected: true, window: 3, deliver };
  forward = forwarder(env, outbox as Outbox, sink as Sink);
  forward.wake();
});

const seqs = (): number[] => sent.map(({ seq }) => seq);
const answer = async (...deliveries: [place: number, delivery: Delivery][]): Promise<void> => {
  for (const [place, delivery] of deliveries) sent[place]?.answer(delivery);
  await env.advance(0);
};

describe("forwarder", () => {
  test("sends a window, and the next as soon as one is acknowledged", async () => {
    expect(seqs()).toEqual([1, 2, 3]);
    await answer([1, "delivered"]);
    expect(seqs()).toEqual([1, 2, 3, 4]);
  });

  test("what was delivered leaves the outbox together, a moment later; nothing else does", async () => {
    await answer([0, "delivered"], [2, "delivered"]);
    expect(trims).toEqual([]);
    await env.advance(200);
    expect(trims).toEqual([[1, 3]]);
    expect(waiting).toEqual([2, 4, 5]);
  });

  test("after a doubt everything that was not acknowledged is sent again, in order", async () => {
    await answer([0, "delivered"], [1, "retry"]);
    await env.advance(2000);
    expect(seqs()).toEqual([1, 2, 3, 4, 2, 3, 4]);
    await answer([2, "delivered"], [3, "delivered"]);
    await env.advance(200);
    expect(waiting, "answers of before the doubt do not count").toEqual([2, 3, 4, 5]);
  });

  test("a store that does not let go is asked again, and nothing is sent twice meanwhile", async () => {
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
    await answer([0, "delivered"]);
    forward.stop();
    expect(trims).toEqual([[1]]);
    await env.advance(5000);
    expect([trims.length, seqs().length]).toEqual([1, 4]);
  });
});

import { expect, test } from "vitest";
import type { Site } from "../../../agent/config/resolved.ts";
import { engineClock } from "../../../agent/pipeline/clock.ts";
import { notifyingOf } from "../../../agent/pipeline/notifying.ts";
import type { News } from "../../../agent/sinks/notify/notice.ts";
import type { EventRecord } from "../../../agent/sinks/record.ts";
import type { Gap } from "../../../agent/store/outbox.ts";
import type { Store } from "../../../agent/store/store.ts";
import { fakeEnv } from "../../env.ts";
import { epoch, event } from "../sinks/event.ts";

/** What the centre knows, by what the store tells of its events; the broker is away all the time. */
interface Given {
  readonly open: readonly EventRecord[];
  readonly journal?: readonly string[];
  /** Numbers of the events that wait. */
  readonly waiting?: readonly number[];
  readonly gap?: Gap;
  readonly keep?: (json: string) => void;
  readonly saved?: string;
}

async function outage({ open, journal = [], waiting = [], gap, keep = () => {}, saved }: Given) {
  const env = fakeEnv();
  const took: News[] = [];
  const store = {
    secondPath: () => saved ?? null,
    keepSecondPath: keep,
    journal: { ofIncidents: () => journal },
    outbox: {
      after: () => [],
      waits: (of: string, seq: number) => of === epoch && waiting.includes(seq),
      gap: gap ?? null,
    },
  } as unknown as Store;
  const site = { language: "en", model: { conditions: new Map(), rules: [] } } as unknown as Site;
  const send = async (news: News) => {
    took.push(news);
    return { delivered: true, said: "" };
  };
  const door = { openIncidents: () => open, known: {} as never };
  const parts = { env, site, store, clock: engineClock(env, null), door, sink: { connected: false } };
  const notifying = notifyingOf(parts, { afterMs: 60_000, notifiers: [{ channel: "smtp", send }] });
  for (let i = 0; i < 40; i++) {
    await env.advance(5000);
    notifying.tick();
  }
  await env.advance(0);
  return { env, told: took.map(({ kind, text }) => `${kind}: ${text}`), took };
}

const lines = (...records: readonly EventRecord[]): string[] => records.map((one) => JSON.stringify(one));
const raise = event(5, { text: "raised" });
const ack = event(6, { kind: "ack", rev: 2, acked: true, text: "acknowledged" });

const cases: readonly [name: string, given: Given, told: string[]][] = [
  ["its raise waits", { open: [raise], journal: lines(raise), waiting: [5] }, ["raise: raised"]],
  ["its raise was delivered", { open: [raise], journal: lines(raise) }, []],
  ["its raise was delivered, its acknowledgement waits", { open: [ack], journal: lines(raise, ack), waiting: [6] }, []],
  ["both wait: the raise's words", { open: [ack], journal: lines(raise, ack), waiting: [5, 6] }, ["raise: raised"]],
  [
    "its raise was given up unsent, its acknowledgement was delivered",
    { open: [ack], journal: lines(raise, ack), gap: { epoch, first: 3, last: 5, count: 2 } },
    ["raise: raised"],
  ],
  [
    "others were given up unsent",
    { open: [ack], journal: lines(raise, ack), gap: { epoch, first: 3, last: 4, count: 2 } },
    [],
  ],
  ["the journal has nothing of it: by the newest event", { open: [ack], waiting: [6] }, ["raise: acknowledged"]],
  ["the journal has rubbish", { open: [raise], journal: ["{", "", "nonsense"], waiting: [5] }, ["raise: raised"]],
  [
    "it was known, silenced, and calls again unheard",
    {
      open: [event(7, { kind: "unshelve", text: "again" })],
      journal: lines(
        raise,
        event(6, { kind: "shelve", annunciate: false }),
        event(7, { kind: "unshelve", text: "again" }),
      ),
      waiting: [6, 7],
    },
    ["raise: again"],
  ],
  [
    "it was known as medium, and got worse unheard",
    {
      open: [event(6, { kind: "update", text: "worse" })],
      journal: lines(event(5, { severity: "medium" }), event(6, { kind: "update", text: "worse" })),
      waiting: [6],
    },
    ["raise: worse"],
  ],
  ["came, went, and waits for somebody", { open: [event(6, { active: false })], waiting: [5, 6] }, []],
  [
    "to be reset",
    { open: [event(6, { active: false, latched: true, text: "latched" })], waiting: [6] },
    ["raise: latched"],
  ],
];

test.each(cases)("%s", async (_name, given, told) => {
  expect((await outage(given)).told).toEqual(told);
});

test("it is kept before it is sent, and a short interruption is not", async () => {
  const kept: string[] = [];
  const given = { open: [raise], waiting: [5], keep: (json: string) => void kept.push(json) };
  const { took } = await outage(given);
  const tried = kept.find((json) => json.includes('"tries":1'))!;
  expect(tried).toContain(took[0]!.key);
  // Nothing yet, begun, down, tried, taken.
  expect(kept.length).toBeLessThanOrEqual(5);
  const again = await outage({ ...given, saved: kept.at(-1)! });
  expect(again.told).toEqual([]);
  // Killed while it was under way: sent once more, under the same key.
  const killed = await outage({ ...given, saved: tried });
  expect(killed.took.map(({ key }) => key)).toEqual([took[0]!.key]);
});

test("a store that keeps nothing hinders nothing, and is reported once", async () => {
  const refuse = (): never => {
    throw new Error("disk full");
  };
  const { env, told } = await outage({ open: [raise], waiting: [5], keep: refuse });
  expect(told).toEqual(["raise: raised"]);
  expect(env.reports.filter(({ code }) => code === "notify.unkept")).toHaveLength(1);
});

import { expect, test } from "vitest";
import { event } from "../sinks/event.ts";
import { consumer, story, uuid, voice } from "./told.ts";

const one = voice();
const events = story(40);
const [first] = events;

/** As an agent tells that is connected for long: nothing waits, seq 0 is its newest. */
const begun = (options: Parameters<typeof consumer>[0] = {}) => {
  const it = consumer(options);
  it.hear(one.birth(0));
  return it;
};

test("an event that came twice is told once", () => {
  const it = begun();
  it.hear(one.event(events[0]!), one.event(events[0]!), one.backfill(events[0]!));
  expect(it.told("event")).toHaveLength(1);
  expect([...it.agent().receptions.values()][0]?.duplicates).toBe(2);
});

test("an event that a newer one of its condition has overtaken changes nothing, and says so", () => {
  const it = begun();
  const [raise, update] = events.filter(({ conditionKey }) => conditionKey === first!.conditionKey);
  it.hear(one.event(update!), one.event(raise!));
  expect(it.told("event")).toMatchObject([{ overtaken: false }, { overtaken: true }]);
  expect(it.open()).toEqual([`${raise!.conditionKey} 2`]);
});

test("what is missing is told after 5 s and asked for at growing spacing, until it comes", () => {
  const it = begun();
  it.hear(one.event(events[0]!), one.event(events[4]!));
  it.pass(4);
  expect(it.asked()).toEqual([]);
  it.pass(2);
  expect(it.asked()).toEqual([[2, 4]]);
  expect(it.told("gap")).toMatchObject([{ ranges: [[2, 4]] }]);
  for (let i = 0; i < 3; i++) {
    it.pass(30);
    it.hear(one.heartbeat(5, { active: [events[0]!] }));
  }
  const before = it.asked().length;
  expect(before).toBeGreaterThanOrEqual(3); // after 10, 20, 40 s
  expect(before).toBeLessThanOrEqual(5);
  expect(it.told("gap")).toHaveLength(1);
  it.hear(...events.slice(1, 4).map(one.backfill));
  it.pass(20);
  expect(it.asked()).toHaveLength(before);
  expect(it.acks().at(-1)).toEqual({ upTo: 5, except: [] });
});

test("a replay that goes on is not asked for again; what of it does not come is", () => {
  const it = begun();
  it.hear(one.event(events[29]!));
  it.pass(6);
  expect(it.asked()).toEqual([[1, 29]]);
  for (const late of events.slice(0, 20)) {
    it.pass(1);
    it.hear(one.backfill(late));
  }
  expect(it.asked()).toHaveLength(1);
  it.pass(21);
  expect(it.asked().at(-1)).toEqual([21, 29]);
});

test.each([
  ["a heartbeat", one.heartbeat(3)],
  ["a new birth", voice({ session: 2 }).birth(3)],
])("a lost tail is seen by %s", (_, message) => {
  const it = begun();
  it.hear(one.event(events[0]!), message);
  it.pass(6);
  expect(it.asked()).toEqual([[2, 3]]);
});

test("an announced backlog is waited for; what it has passed over, or does not bring at all, is asked for", () => {
  const it = begun();
  it.hear(voice({ session: 2 }).birth(10, { firstSeq: 1 }));
  it.pass(40);
  expect(it.asked()).toEqual([]);
  it.hear(one.event(events[0]!), one.event(events[3]!));
  it.pass(6);
  expect(it.asked()).toEqual([[2, 3]]);
  it.hear(voice({ session: 2 }).heartbeat(10, { ackedSeq: 5 }));
  it.pass(6);
  expect(it.asked()).toContainEqual([5, 5]);
  it.pass(62);
  expect(it.asked()).toContainEqual([6, 10]);
});

test.each<[string, (it: ReturnType<typeof consumer>) => void]>([
  ["a gap message", (it) => it.hear(one.gap(1, 4, 3))],
  [
    "the answer to a replay",
    (it) => {
      it.put({
        kind: "sent",
        site: "hall-1",
        agent: "edge-1",
        cmdId: uuid(7),
        command: "replay",
        epoch: events[0]!.epoch,
      });
      it.hear(one.result(uuid(7), { lost: [[2, 4]] }));
    },
  ],
])("what %s says is lost is told, and neither asked for again nor held against an acknowledgement", (_, tell) => {
  const it = begun();
  it.hear(one.event(events[0]!), one.event(events[4]!));
  it.pass(6);
  tell(it);
  const asked = it.asked().length;
  it.pass(60);
  expect(it.told("lost")).toMatchObject([{ ranges: [[2, 4]] }]);
  expect(it.asked()).toHaveLength(asked);
  expect(it.acks().at(-1)).toEqual({ upTo: 5, except: [] });
  it.hear(one.backfill(events[2]!)); // it was not, after all
  expect(it.told("event")).toHaveLength(3);
  expect([...it.agent().receptions.values()][0]?.lost).toEqual([
    [2, 2],
    [4, 4],
  ]);
});

test.each([
  { commands: false, asked: 0 },
  { commands: true, asked: 3 },
])(
  "what the birth says cannot be had any more is lost: at once without a key, else after $asked replays",
  ({ commands, asked }) => {
    const it = begun({ commands });
    it.hear(one.event(events[0]!), one.event(events[4]!), voice({ session: 2 }).birth(5, { firstSeq: 6 }));
    for (let i = 0; i < 4; i++) {
      it.hear(voice({ session: 2 }).heartbeat(5));
      it.pass(commands ? 20 : 2);
    }
    expect(it.told("lost")).toMatchObject([{ ranges: [[2, 4]] }]);
    expect(it.asked()).toHaveLength(asked);
  },
);

test("a gap of which some still wait is not taken for lost before they have come", () => {
  const it = begun();
  it.hear(voice({ session: 2 }).birth(6, { firstSeq: 4 }), one.gap(1, 6, 3));
  it.pass(3);
  expect(it.told("lost")).toMatchObject([{ ranges: [[1, 3]] }]);
  expect(it.acks().at(-1)).toEqual({ upTo: 3, except: [] });
});

test("a gap that counts fewer than are missing takes none for lost before it is known which", () => {
  const it = begun();
  it.hear(one.event(events[4]!), one.gap(1, 4, 3));
  it.pass(3);
  expect(it.told("lost")).toEqual([]);
  it.hear(one.backfill(events[1]!));
  it.pass(1);
  expect(it.told("lost")).toMatchObject([
    {
      ranges: [
        [1, 1],
        [3, 4],
      ],
    },
  ]);
});

test("acknowledges what has arrived, with what has not as exceptions, at most once a second", () => {
  const it = begun();
  it.pass(2);
  expect(it.acks()).toEqual([{ upTo: 0, except: [] }]);
  for (const some of events.slice(0, 10)) if (some.seq !== 4) it.hear(one.event(some));
  it.pass(1);
  expect(it.acks()).toEqual([
    { upTo: 0, except: [] },
    { upTo: 10, except: [[4, 4]] },
  ]);
  it.pass(3);
  expect(it.acks()).toHaveLength(2);
  it.hear(one.event(events[10]!));
  it.put({ kind: "tick" });
  it.hear(one.event(events[11]!));
  it.put({ kind: "tick" });
  expect(it.acks()).toHaveLength(3);
  it.pass(1);
  expect(it.acks().at(-1)).toEqual({ upTo: 12, except: [[4, 4]] });
  it.put({ kind: "link", up: false });
  it.put({ kind: "link", up: true });
  it.pass(2);
  expect(it.acks()).toHaveLength(5); // it may have been lost with the line
});

test("one that begins does not ask for all that was, nor acknowledges what only waits", () => {
  const it = consumer();
  it.hearRetained(one.birth(4000));
  it.hear(one.heartbeat(5000, { ackedSeq: 4990 }));
  it.pass(10);
  expect(it.asked()).toEqual([]);
  expect(it.acks()).toEqual([{ upTo: 4990, except: [] }]);
  it.pass(15);
  it.hear(one.heartbeat(5000, { ackedSeq: 5000 }));
  it.pass(6);
  expect(it.asked()).toEqual([[4991, 5000]]);
});

test("one that was here before goes on from what it acknowledged", () => {
  const it = consumer();
  const ack = { epoch: first!.epoch, upTo: 20, except: [[11, 12]], host: "noc", at: "2026-01-02T00:00:00.000Z" };
  it.hearRetained(one.birth(0), { topic: one.topics.ack, payload: JSON.stringify(ack), retain: true });
  it.hear(one.heartbeat(25), one.event(events[14]!));
  it.pass(6);
  expect(it.asked()).toEqual([
    [11, 12],
    [21, 25],
  ]);
  expect(it.told("event")).toEqual([]);
});

test("one of several that share the events asks for nothing and acknowledges nothing", () => {
  const it = begun({ isWholeStream: false });
  it.hear(one.event(events[0]!), one.event(events[9]!), one.heartbeat(20));
  it.pass(20);
  expect(it.effects).toEqual([]);
  expect(it.told("event")).toHaveLength(2);
});

test("a new epoch is told; both are acknowledged, the present one last", () => {
  const it = begun();
  it.hear(one.event(events[0]!), voice({ session: 2 }).birth(0, { epoch: uuid(2) }));
  it.hear(one.event({ ...events[1]!, epoch: uuid(2), seq: 1 }));
  it.pass(2);
  expect(it.told("epoch")).toMatchObject([{ former: null }, { epoch: uuid(2), former: first!.epoch }]);
  expect(it.effects.slice(-2)).toMatchObject([
    { epoch: first!.epoch, upTo: 1 },
    { epoch: uuid(2), upTo: 1 },
  ]);
});

test("a death of an older connection is void, the present one's is not", () => {
  const it = consumer();
  const now = voice({ session: 5 });
  it.hear(now.birth(0), voice({ session: 4 }).death("lwt"));
  expect(it.agent().presence).toBe("online");
  // The store was replaced, so that its numbers began anew: the older connection's is higher.
  const anew = voice({ session: 6, bdSeq: 1 });
  it.hear(anew.birth(0, { epoch: uuid(2) }), now.death("lwt"));
  expect(it.agent().presence).toBe("online");
  it.hear(anew.death("lwt"));
  it.pass(3);
  expect(it.agent().presence).toBe("lost");
});

test("a broker that stops says that all are dead, and then its line ends: that is no loss of an agent", () => {
  const it = begun();
  it.hear(one.death("lwt"));
  it.put({ kind: "link", up: false });
  it.pass(30);
  it.put({ kind: "link", up: true });
  it.hear(one.birth(0));
  it.pass(10);
  expect(it.told("agent_lost")).toEqual([]);
});

const dies = voice({ protocol: 4 });
test.each<[string, (it: ReturnType<typeof consumer>) => void, number]>([
  ["its death", (it) => it.hear(one.death("lwt")), 2],
  ["its silence", (it) => it.pass(66), 0],
  ["its death on 3.1.1, which may be a short loss of the line", (it) => it.hear(dies.birth(0), dies.death("lwt")), 20],
])(
  "an agent is lost by %s: its incidents are stale and never cleared; a heartbeat brings it back",
  (_, lose, after) => {
    const it = begun();
    it.hear(one.event(first!));
    lose(it);
    if (after > 0) {
      it.pass(after - 1);
      expect(it.told("agent_lost")).toEqual([]);
      it.pass(2);
    }
    expect(it.told("agent_lost")).toMatchObject([
      { site: "hall-1", agent: "edge-1", incident: { open: true, conditionKey: "hall-1/edge-1/-/agent_lost" } },
    ]);
    it.pass(600);
    expect(it.open()).toEqual([`${first!.conditionKey} 1`]);
    expect(it.told("agent_lost")).toHaveLength(1);
    it.hear(one.heartbeat(1, { active: [first!] }));
    expect(it.told("agent_lost")[1]).toMatchObject({ incident: { open: false } });
    expect(it.agent().presence).toBe("online");
  },
);

test("a planned stop is no loss, a heartbeat of longer spacing no silence, and our own line no fault of agents", () => {
  const it = begun();
  for (let i = 0; i < 4; i++) {
    it.hear(one.heartbeat(0));
    it.pass(60);
  }
  it.put({ kind: "link", up: false });
  it.pass(500);
  it.put({ kind: "link", up: true });
  it.pass(60);
  it.hear(one.heartbeat(0), one.death("shutdown"));
  it.pass(500);
  expect(it.told("agent_lost")).toEqual([]);
  expect(it.told("stopped")).toHaveLength(1);
});

test("one that was wiped knows from retained messages what is open, silenced and not seen", () => {
  const it = consumer();
  const quiet = { how: "shelved" as const, by: "kim", reason: "noise", until: null, count: 2, conditions: ["a", "b"] };
  it.hearRetained(
    one.active(first!),
    one.birth(30, { active: [first!] }),
    one.silences({ silences: [quiet] }),
    one.blind({ blind: [{ device: "ups-a", why: "timeout", since: "2026-01-02T00:00:00.000Z", count: 3 }] }),
  );
  expect(it.open()).toEqual([`${first!.conditionKey} 1`]);
  expect(it.told("open")).toHaveLength(1);
  expect(it.agent().silences).toMatchObject({ count: 2, left: 0, silences: [{ by: "kim" }] });
  expect(it.agent().blind).toMatchObject({ count: 3, blind: [{ device: "ups-a" }] });
});

test("of a page that was too large it is known how much is not listed", () => {
  const it = begun();
  const conditions = Array.from({ length: 200 }, (_, i) => `hall-1/device-${i}/point/rule`);
  it.hear(
    one.silences(
      { silences: [{ how: "maintenance", by: "kim", reason: "r", until: null, count: 200, conditions }] },
      4096,
    ),
  );
  const { count, left, silences } = it.agent().silences!;
  expect([count, left + silences[0]!.conditions.length]).toEqual([200, 200]);
  expect(left).toBeGreaterThan(0);
});

test("an empty retained message ends an incident; the retained event of the next one opens it again", () => {
  const it = begun();
  it.hear(one.active(first!), one.active({ ...first!, open: false }));
  expect(it.open()).toEqual([]);
  expect(it.told("gone")).toMatchObject([{ why: "deleted", conditionKey: first!.conditionKey }]);
  it.hear(one.event(first!));
  expect(it.open()).toEqual([]);
  it.hear(one.active({ ...first!, seq: 9, incidentId: uuid(9) }));
  expect(it.open()).toEqual([`${first!.conditionKey} 1`]);
});

test("the deletion of one that is over does not end the one that was raised since; the next deletion does", () => {
  const it = begun();
  const over = { ...first!, seq: 2, kind: "clear", open: false, active: false, rev: 2 } as const;
  const next = { ...first!, seq: 3, incidentId: uuid(9) };
  const gone = one.active({ ...first!, open: false });
  // Told once more, as after a doubt, with the deletion that goes with it.
  it.hear(...[first!, over, next, over].map(one.event), gone, gone, one.active(next));
  expect([it.told("gone"), it.open()]).toEqual([[], [`${first!.conditionKey} 1`]]);
  it.hear(gone);
  expect(it.told("gone")).toMatchObject([{ why: "deleted", incidentId: uuid(9) }]);
});

test("an end that is told late has no deletion of its own: the next one is of what is open", () => {
  const it = begun();
  const next = { ...first!, seq: 3, incidentId: uuid(9) };
  it.hear(one.event(next), one.backfill({ ...first!, seq: 2, kind: "clear", open: false, active: false, rev: 2 }));
  it.hear(one.active({ ...first!, open: false }));
  expect(it.told("gone")).toMatchObject([{ why: "deleted", incidentId: uuid(9) }]);
});

test("what ended while the line was away is dropped once the agent's own count confirms it, not before", () => {
  const it = begun();
  const [a, b] = [
    event(1, { conditionKey: "hall-1/a/-/r" }),
    event(2, { conditionKey: "hall-1/b/-/r", incidentId: uuid(2) }),
  ];
  it.hear(one.event(a), one.event(b));
  it.put({ kind: "link", up: false });
  it.pass(100);
  it.put({ kind: "link", up: true });
  it.pass(1);
  it.hearRetained(one.birth(0), one.active(b));
  it.pass(30);
  expect(it.open()).toHaveLength(2);
  it.hear(one.heartbeat(2, { active: [b] }));
  expect(it.open()).toEqual(["hall-1/b/-/r 1"]);
  expect(it.told("gone")).toMatchObject([{ why: "unconfirmed", conditionKey: a.conditionKey }]);
});

test("where the agent counts other open incidents twice in a row, it is told and asked for a snapshot", () => {
  const it = begun();
  const snapshots = () => it.effects.filter(({ kind }) => kind === "snapshot").length;
  it.hear(one.event(first!), one.heartbeat(1, { active: [first!, event(2)] }));
  it.pass(10);
  expect(snapshots()).toBe(0);
  it.hear(one.heartbeat(1, { active: [first!, event(2)] }));
  it.pass(10);
  expect(it.told("differs")).toHaveLength(1);
  expect(snapshots()).toBe(1);
  it.hear(one.active(event(2)), one.heartbeat(1, { active: [first!, event(2)] }));
  it.pass(300);
  expect(snapshots()).toBe(1);
});

test("what the agent refuses is told", () => {
  const it = begun();
  it.put({ kind: "sent", site: "hall-1", agent: "edge-1", cmdId: uuid(7), command: "replay", epoch: first!.epoch });
  it.hear(one.result(uuid(7), { status: "rejected", code: "bad_signature", detail: "no key centre" }));
  expect(it.told("refused")).toMatchObject([{ command: "replay", code: "bad_signature" }]);
});

test("agents of many sites are kept apart", () => {
  const it = begun();
  const other = voice({ site: "hall-2", agent: "edge-9" });
  it.hear(other.birth(0), other.event({ ...first!, conditionKey: "hall-2/x/-/r" }), one.event(first!));
  it.hear(other.death("lwt"));
  it.pass(3);
  expect(it.open("hall-2/edge-9")).toEqual(["hall-2/x/-/r 1"]);
  expect([it.agent().presence, it.agent("hall-2/edge-9").presence]).toEqual(["online", "lost"]);
});

import { expect, test } from "vitest";
import type { Severity } from "../../../agent/core/severity.ts";
import {
  answered,
  judged,
  next,
  type SecondPath,
  type Standing,
  secondPath,
  seen,
} from "../../../agent/pipeline/second-path.ts";
import type { News } from "../../../agent/sinks/notify/notice.ts";

/** A night with a link to the centre and two channels past it, looked at each 5 s. */
const minute = 60_000;
const after = 5 * minute;

interface Night {
  /** Lets time pass. */
  pass(minutes: number): void;
  /** An incident is as `also` says from now on; raised: its event waits first, if none does. */
  incident(id: string, severity: Severity, also?: Partial<Standing>): void;
  /** It is over: what waited of it goes on waiting. */
  gone(id: string): void;
  link(is: "up" | "away" | "stuck"): void;
  channel(name: "mail" | "hook", takes: boolean): void;
  restart(): void;
  /** What a channel took, as `MINUTE KIND SEVERITY WHICH`. */
  told(name?: "mail" | "hook"): string[];
  readonly news: Readonly<Record<string, readonly News[]>>;
  /** How often a channel was tried. */
  readonly tries: Readonly<Record<string, number>>;
}

function night(): Night {
  const names = ["mail", "hook"];
  let path = secondPath(null, names, 0);
  let ms = 0;
  let connected = true;
  let stuck = false;
  const events: { id: string; position: number }[] = [];
  let position = 0;
  const incidents = new Map<string, Standing>();
  const takes: Record<string, boolean> = { mail: true, hook: true };
  const took: Record<string, [number, News][]> = { mail: [], hook: [] };
  const tries: Record<string, number> = { mail: 0, hook: 0 };

  const tick = (): void => {
    ms += 5000;
    if (connected && !stuck) {
      for (const { id } of events.splice(0)) {
        const one = incidents.get(id);
        if (one !== undefined) incidents.set(id, { ...one, isKnown: true });
      }
    }
    const now = { at: ms, wall: ms };
    const was = path;
    const head = events[0]?.position ?? null;
    path = judged({ was, path: seen(was, { connected, head }, now, after) }, [...incidents.values()], now, "en");
    for (const name of names) send(name);
  };
  const send = (name: string): void => {
    for (let i = 0; i < 100; i++) {
      const sending = next(path, name, ms);
      if (sending === null) return;
      tries[name]!++;
      // What is kept before it is sent is what a restart would find.
      path = reread(sending.path, names);
      if (takes[name]) took[name]!.push([ms, sending.news]);
      path = answered(path, name, sending.news, takes[name] ? null : "refused", ms);
    }
    throw new Error("it goes on sending without end");
  };
  return {
    pass: (minutes) => {
      for (let i = 0; i < (minutes * minute) / 5000; i++) tick();
    },
    incident(id, severity, also = {}) {
      const text = `${id} is ${severity}.`;
      const before = incidents.get(id);
      const isNews = before?.severity !== severity;
      if (isNews) events.push({ id, position: ++position });
      const standing = { incidentId: id, conditionKey: `s/${id}`, severity, text, raisedAt: "then" };
      const isKnown = isNews ? false : before.isKnown;
      incidents.set(id, { ...standing, active: true, calls: true, isKnown, ...also });
    },
    gone(id) {
      const one = incidents.get(id)!;
      events.push({ id, position: ++position });
      incidents.set(id, { ...one, active: false, text: `${id} back to normal.` });
    },
    link(is) {
      connected = is !== "away";
      stuck = is === "stuck";
    },
    channel(name, does) {
      takes[name] = does;
    },
    restart() {
      path = reread(path, names);
    },
    told: (name = "mail") =>
      took[name]!.map(([at, { kind, severity, incidentId = "" }]) =>
        [Math.floor(at / minute), kind, severity, incidentId].join(" ").trim(),
      ),
    news: new Proxy({}, { get: (_, name: string) => took[name]!.map(([, news]) => news) }),
    tries,
  };
}

const reread = (path: SecondPath, names: readonly string[], now = 1e9): SecondPath => ({
  ...secondPath(JSON.parse(JSON.stringify(path)) as SecondPath, names, now),
  head: path.head,
});

const cases: readonly [name: string, happens: (here: Night) => void, told: string[]][] = [
  [
    "what the centre got is not told, however long the link is away then",
    (here) => {
      here.incident("a", "high");
      here.pass(1);
      here.link("away");
      here.pass(30);
    },
    [],
  ],
  [
    "what it did not get is told once, when the link was away for five minutes",
    (here) => {
      here.link("away");
      here.pass(1);
      here.incident("a", "high");
      here.pass(60);
    },
    ["5 raise high a"],
  ],
  [
    "what is raised while the link is down is told at once",
    (here) => {
      here.link("away");
      here.pass(20);
      here.incident("a", "high");
      here.pass(1);
    },
    ["20 raise high a"],
  ],
  [
    "connected, and nothing is delivered: the same",
    (here) => {
      here.link("stuck");
      here.pass(20);
      here.incident("a", "high");
      here.pass(4);
      expect(here.told()).toEqual([]);
      here.pass(20);
    },
    ["25 raise high a"],
  ],
  [
    "a short interruption is nobody's news, nor are several",
    (here) => {
      for (let i = 0; i < 4; i++) {
        here.link("away");
        here.incident(`a${i}`, "critical");
        here.pass(4.5);
        here.link("up");
        here.pass(1);
      }
    },
    [],
  ],
  [
    "a link that comes back without delivering anything is not back",
    (here) => {
      here.link("away");
      here.incident("a", "high");
      here.pass(4);
      here.link("stuck");
      here.pass(2);
    },
    ["5 raise high a"],
  ],
  [
    "what calls nobody, or is less than high, is not told",
    (here) => {
      here.link("away");
      here.incident("shelved", "high", { calls: false });
      here.incident("medium", "medium");
      here.incident("low", "low");
      here.pass(30);
    },
    [],
  ],
  [
    "a silence that ends while it is down",
    (here) => {
      here.link("away");
      here.incident("a", "high", { calls: false });
      here.pass(10);
      here.incident("a", "high");
      here.pass(10);
    },
    ["10 raise high a"],
  ],
  [
    "what began and ended before anybody was told is not told",
    (here) => {
      here.link("away");
      here.incident("a", "high");
      here.pass(3);
      here.gone("a");
      here.pass(30);
    },
    [],
  ],
  [
    "the end of what was told is told once",
    (here) => {
      here.link("away");
      here.incident("a", "high");
      here.pass(10);
      here.gone("a");
      here.pass(30);
    },
    ["5 raise high a", "10 clear high a"],
  ],
  [
    "the end is not told when the link is back: the centre gets it",
    (here) => {
      here.link("away");
      here.incident("a", "high");
      here.pass(10);
      here.link("up");
      here.pass(1);
      here.gone("a");
      here.pass(30);
    },
    ["5 raise high a", "10 uplink_back info"],
  ],
  [
    "each worse severity is told once: medium is not, high and critical are",
    (here) => {
      here.link("away");
      here.incident("a", "medium");
      here.pass(10);
      here.incident("a", "high");
      here.pass(10);
      here.incident("a", "critical");
      here.pass(10);
      here.incident("a", "high");
      here.pass(10);
      here.incident("a", "critical");
      here.pass(10);
    },
    ["10 raise high a", "20 raise critical a", "20 uplink_down critical"],
  ],
  [
    "a worse severity than the centre knows of",
    (here) => {
      here.incident("a", "medium");
      here.pass(1);
      here.link("away");
      here.incident("a", "high");
      here.pass(10);
    },
    ["6 raise high a"],
  ],
  [
    "that the link is down while something critical is active, of which the centre knows, is told once",
    (here) => {
      here.incident("a", "critical");
      here.pass(1);
      here.link("away");
      here.pass(200);
    },
    ["6 uplink_down critical"],
  ],
  [
    "and once more in the next outage",
    (here) => {
      here.incident("a", "critical");
      here.pass(1);
      for (let i = 0; i < 2; i++) {
        here.link("away");
        here.pass(9);
        here.link("up");
        here.pass(10);
      }
    },
    ["6 uplink_down critical", "10 uplink_back info", "25 uplink_down critical", "29 uplink_back info"],
  ],
  [
    "critical and silenced: nothing",
    (here) => {
      here.link("away");
      here.incident("a", "critical", { calls: false });
      here.pass(30);
    },
    [],
  ],
  [
    "a link that goes away again before it delivered anything new tells nobody twice",
    (here) => {
      here.link("away");
      here.incident("a", "high");
      here.pass(10);
      here.link("up");
      here.pass(1);
      here.link("away");
      here.pass(30);
    },
    ["5 raise high a", "10 uplink_back info"],
  ],
  [
    "a restart in the middle: nothing is told twice, the five minutes go on",
    (here) => {
      here.link("away");
      here.incident("a", "critical");
      here.pass(4);
      here.restart();
      here.pass(2);
      here.restart();
      here.pass(10);
      here.gone("a");
      here.restart();
      here.pass(10);
    },
    ["5 raise critical a", "5 uplink_down critical", "16 clear critical a"],
  ],
];

test.each(cases)("%s", (_name, happens, told) => {
  const here = night();
  happens(here);
  expect(here.told("mail")).toEqual(told);
  expect(here.told("hook")).toEqual(told);
});

test("it says what a person at night needs, and the same key for the same news", () => {
  const here = night();
  here.link("away");
  here.incident("a", "high");
  here.pass(6);
  here.incident("a", "critical");
  here.incident("b", "critical");
  here.pass(1);
  here.gone("a");
  here.pass(50);
  here.link("up");
  here.pass(1);
  const { mail = [] } = here.news;
  expect(mail.map(({ key, text }) => [key, text])).toEqual([
    ["a:high", "a is high."],
    ["a:critical", "a is critical."],
    ["b:critical", "b is critical."],
    [
      "uplink_down:1970-01-01T00:00:05.000Z",
      "Uplink down for 6 min, critical incidents active: 2. a is critical. b is critical.",
    ],
    ["a:clear", "a back to normal."],
    ["uplink_back:1970-01-01T00:00:05.000Z", "Uplink is back after 57 min; incidents that follow: 2."],
  ]);
  expect(mail[0]).toMatchObject({ incidentId: "a", conditionKey: "s/a", raisedAt: "then" });
});

test("of a flood: the worst, then how many more there are; never more than 20 in ten minutes", () => {
  const here = night();
  here.link("away");
  for (let i = 0; i < 40; i++) here.incident(`h${i}`, "high");
  for (let i = 0; i < 3; i++) here.incident(`c${i}`, "critical");
  here.pass(8);
  const { mail = [] } = here.news;
  expect(mail.slice(0, 3).map(({ incidentId }) => incidentId)).toEqual(["c0", "c1", "c2"]);
  expect(mail.filter(({ kind }) => kind === "raise")).toHaveLength(15);
  expect(mail.at(-1)).toMatchObject({ kind: "digest", severity: "high" });
  expect(mail.at(-1)!.text).toBe("More while the uplink is down: 28 high. h12 is high. h13 is high. h14 is high.");
  // There is room left for what is critical.
  here.incident("late", "critical");
  here.pass(0.5);
  expect(here.told().at(-1)).toBe("8 raise critical late");
  for (let i = 0; i < 300; i++) here.incident(`m${i}`, i % 2 === 0 ? "critical" : "high");
  here.pass(60);
  const at = here.told().map((line) => Number.parseInt(line, 10));
  for (const from of at) expect(at.filter((one) => one >= from && one < from + 10).length).toBeLessThanOrEqual(20);
  const counted = here.news
    .mail!.filter(({ kind }) => kind === "digest")
    .flatMap(({ text }) => [...text.matchAll(/(\d+) (?:critical|high)[,.]/g)].map(([, n]) => Number(n)));
  const single = here.news.mail!.filter(({ kind }) => kind === "raise").length;
  expect(single + counted.reduce((sum, n) => sum + n, 0)).toBe(344);
});

test("a flood that goes on is summed up each five minutes at most", () => {
  const here = night();
  here.link("away");
  for (let i = 0; i < 400; i++) {
    here.incident(`h${i}`, "high");
    here.pass(0.1);
  }
  const digests = here.told().filter((line) => line.includes("digest"));
  const at = digests.map((line) => Number.parseInt(line, 10));
  expect(at.length).toBeGreaterThan(4);
  for (const [i, one] of at.slice(1).entries()) expect(one - at[i]!).toBeGreaterThanOrEqual(5);
});

test("a channel that takes nothing is tried at growing spacing for half an hour, and keeps no other waiting", () => {
  const here = night();
  here.channel("mail", false);
  here.link("away");
  here.incident("a", "high");
  here.pass(36);
  expect(here.told("hook")).toEqual(["5 raise high a"]);
  expect(here.tries).toEqual({ mail: 8, hook: 1 });
  // What could not be told is not forgotten: how much that is follows when the channel is there again.
  here.pass(10);
  here.channel("mail", true);
  here.pass(30);
  expect(here.told("mail").map((line) => line.slice(3))).toEqual(["digest high"]);
  expect(here.news.mail![0]!.text).toBe("More while the uplink is down: 1 high. a is high.");
});

test("a channel that is back within that time has each message once", () => {
  const here = night();
  here.channel("mail", false);
  here.link("away");
  here.incident("a", "critical");
  here.pass(10);
  here.channel("mail", true);
  here.pass(30);
  expect(here.told("mail").map((line) => line.replace(/^\d+ /, ""))).toEqual([
    "raise critical a",
    "uplink_down critical",
  ]);
});

test("what no channel took is dropped when the link is back, and nobody hears that it is", () => {
  const here = night();
  here.channel("mail", false);
  here.link("away");
  here.incident("a", "high");
  here.pass(7);
  here.link("up");
  here.pass(1);
  here.channel("mail", true);
  here.pass(60);
  expect(here.told("mail")).toEqual([]);
  expect(here.told("hook")).toEqual(["5 raise high a", "7 uplink_back info"]);
});

test("where nobody can have heard that it began, nobody hears that it is over", () => {
  const here = night();
  here.link("away");
  for (let i = 0; i < 30; i++) here.incident(`h${i}`, "high");
  here.pass(20);
  for (let i = 0; i < 30; i++) here.gone(`h${i}`);
  here.pass(20);
  const of = (kind: string) => here.news.mail!.filter((one) => one.kind === kind);
  expect(of("clear").map(({ incidentId }) => incidentId)).toEqual(of("raise").map(({ incidentId }) => incidentId));
  expect(of("digest")).toHaveLength(1);
});

test("a try that was kept and never answered may have arrived: its end is told", () => {
  const now = { at: 400_000, wall: 0 };
  const one: Standing = {
    ...{ incidentId: "a", conditionKey: "s/a", severity: "high", raisedAt: "then", text: "." },
    ...{ active: true, calls: true, isKnown: false },
  };
  const look = (path: SecondPath, standing: Standing): SecondPath =>
    judged({ was: path, path: seen(path, { connected: false, head: null }, now, after) }, [standing], now, "en");
  const down = seen(secondPath(null, ["mail"], 0), { connected: false, head: null }, { at: 0, wall: 0 }, after);
  const killed = reread(next(look(down, one), "mail", now.at)!.path, ["mail"]);
  const over = look(killed, { ...one, active: false });
  expect(over.channels.mail!.queue.map(({ news }) => news.key)).toEqual(["a:clear"]);
});

test("engine time that went back at a restart neither ends an outage nor keeps anything from being told", () => {
  const away = { connected: false, head: null };
  const before = { at: 10 * minute, wall: 0 };
  const path = seen(secondPath(null, ["mail"], 0), away, { at: 5 * minute, wall: 0 }, after);
  const down = judged({ was: path, path: seen(path, away, before, after) }, [], before, "en");
  const kept = reread(down, ["mail"], minute);
  const now = { at: minute, wall: 0 };
  const one: Standing = {
    ...{ incidentId: "a", conditionKey: "s/a", severity: "high", raisedAt: "then", text: "." },
    ...{ active: true, calls: true, isKnown: false },
  };
  const then = judged({ was: kept, path: seen(kept, away, now, after) }, [one], now, "en");
  expect(next(then, "mail", now.at)?.news.kind).toBe("raise");
});

test("channels may change from start to start", () => {
  const here = secondPath(null, ["mail"], 0);
  expect(Object.keys(secondPath(here, ["hook"], 0).channels)).toEqual(["hook"]);
});

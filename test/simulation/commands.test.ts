import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Agent } from "../../agent/pipeline/agent.ts";
import type { CommandMessage, CommandName, ResultMessage, Unsigned } from "../../agent/sinks/mqtt/commands.ts";
import { bytesOf, signed, topicFor, unsigned } from "../agent/sinks/mqtt/orders.ts";
import { type FakeEnv, fakeEnv } from "../env.ts";
import { siteYaml, type World, world } from "./world.ts";

/** The centre commands: the whole agent but for the MQTT itself, in virtual time. */
let folder: string;
let env: FakeEnv;
let here: World;
let agent: Agent;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-commanded-"));
  env = fakeEnv();
  here = world(env, siteYaml(2), join(folder, "store.db"));
  agent = here.start();
  here.values.set("d0/door", 1);
  await env.advance(15_000);
});
afterEach(async () => {
  await agent.stop();
  rmSync(folder, { recursive: true, force: true });
});

const door = "s/d0/door/open";
const send = (message: unknown, also: { topic?: string; retain?: boolean } = {}): void => {
  const { name = "ack" } = message as { name?: string };
  here.broker.send!({ topic: topicFor(name), payload: bytesOf(message), retain: false, ...also });
};
const make = <N extends CommandName>(name: N, also: Partial<Unsigned<N>> = {}) => signed(name, env.clock.wall(), also);
const resultOf = ({ cmdId }: { cmdId: string }): ResultMessage | undefined =>
  here.broker.replies.findLast(({ result }) => result.cmdId === cmdId)?.result;
async function obey<N extends CommandName>(name: N, also: Partial<Unsigned<N>> = {}): Promise<ResultMessage> {
  const command = make(name, also);
  send(command);
  await env.advance(100);
  return resultOf(command)!;
}
/** How many commands a store remembers. */
function rememberedIn(path: string): number {
  const db = new Database(path, { readonly: true });
  const { n } = db.prepare("SELECT count(*) AS n FROM command").get() as { n: number };
  db.close();
  return n;
}
const record = () => agent.status().open.find(({ conditionKey }) => conditionKey === door)!;
const audited = () => agent.audit.since(0).filter(({ what }) => what !== "start" && what !== "stop");
/** What people can see of what was done. */
const state = () =>
  JSON.stringify([agent.status().open.map((one) => ({ ...one, context: [] })), agent.silences(), agent.status().modes]);

describe("what is obeyed", () => {
  test("an acknowledgement, as if it were given here: in the event, the answer and the audit", async () => {
    const command = make("ack", {
      target: { incidentId: record().incidentId },
      expectedRev: 1,
      args: { comment: "on my way" },
    });
    send(command);
    await env.advance(100);
    expect(resultOf(command)).toEqual({
      cmdId: command.cmdId,
      at: expect.any(String),
      name: "ack",
      status: "ok",
      detail: "done for 1 condition",
      conditions: [{ conditionKey: door, result: "ok", rev: 2 }],
    });
    expect(here.broker.replies.at(-1)!.topic).toBe(`mepwatch/v1/s/a/reply/${command.cmdId}`);
    expect(record()).toMatchObject({ acked: true, state: "active-acked" });
    expect(here.broker.received.at(-1)).toMatchObject({ kind: "ack", ackedBy: "kim" });
    expect(audited()).toMatchObject([
      {
        what: "ack",
        by: "kim",
        reason: "on my way",
        facts: { role: "supervisor", kid: "boss", cmdId: command.cmdId, obeyed: 1 },
      },
    ]);
  });

  test("what lasts, and what ends it", async () => {
    const silenced = () =>
      agent.silences().map(({ key, how, by, mode }) => `${how} ${mode ?? ""}${by} ${key.slice(2)}`);
    const target = { conditionKey: door };
    const steps: [CommandName, object, string[]][] = [
      ["shelve", { target, args: { duration_s: 600, reason: "x" } }, ["shelved kim d0/door/open"]],
      ["unshelve", { target }, []],
      ["maintenance.start", { target, args: { duration_s: 600, reason: "x" } }, ["maintenance kim d0/door/open"]],
      ["maintenance.end", { target }, []],
      ["out_of_service", { target, args: { reason: "x" } }, ["out of service kim d0/door/open"]],
      ["in_service", { target }, []],
      [
        "mode.start",
        { target: { selector: "device=d1" }, args: { mode: "commissioning", duration_s: 600, reason: "x" } },
        [
          "mode commissioningkim d1/temp/hot",
          "mode commissioningkim d1/door/open",
          "mode commissioningkim d1/-/comm",
          "mode commissioningkim d1/temp/stale",
        ],
      ],
      ["mode.end", { target: { selector: "device=d1" }, args: { mode: "commissioning" } }, []],
    ];
    for (const [name, also, after] of steps) {
      const { status, detail } = await obey(name, also);
      expect([name, status, detail]).toEqual([name, "ok", expect.stringMatching(/^done for/)]);
      expect(silenced().sort()).toEqual([...after].sort());
    }
    const forMs = audited().find(({ what }) => what === "shelve")!.facts.forMs;
    expect(forMs).toBe(600_000);
  });

  test("ack, unack, reset; a preview changes nothing and says what it would", async () => {
    const before = state();
    expect(await obey("ack", { preview: true })).toMatchObject({
      status: "ok",
      detail: "would be done for 1 condition",
      conditions: [{ conditionKey: door, result: "preview", rev: 1 }],
    });
    expect(state()).toBe(before);
    expect(audited()).toMatchObject([{ what: "ack", facts: { preview: true } }]);
    expect(await obey("ack")).toMatchObject({ status: "ok" });
    expect(await obey("unack")).toMatchObject({ status: "ok" });
    expect(record().acked).toBe(false);
    expect(await obey("reset")).toMatchObject({
      status: "rejected",
      code: "invalid_state",
      detail: "it is still active",
    });
  });

  test.each<[string, CommandName, object, string, RegExp]>([
    ["an older picture", "ack", { expectedRev: 7 }, "stale_rev", /at revision 7, and is at 1/],
    [
      "no such incident",
      "ack",
      { target: { incidentId: "00000000-0000-4000-8000-000000000000" } },
      "not_found",
      /no open incident/,
    ],
    ["no such condition", "ack", { target: { conditionKey: "s/d0/door/opne" } }, "not_found", /no condition/],
    [
      "a device called a condition",
      "out_of_service",
      { target: { conditionKey: "d0" }, args: { reason: "x" } },
      "not_found",
      /no condition d0/,
    ],
    [
      "what selects nothing",
      "shelve",
      { target: { selector: "device=d9" }, args: { reason: "x" } },
      "invalid_args",
      /selects nothing/,
    ],
    [
      "what is no selector",
      "shelve",
      { target: { selector: "d0" }, args: { reason: "x" } },
      "invalid_args",
      /expected terms/,
    ],
    [
      "a revision of many",
      "ack",
      { target: { selector: "device=d0" }, expectedRev: 1 },
      "invalid_args",
      /of one incident/,
    ],
    ["nothing open", "ack", { target: { selector: "device=d1" } }, "not_found", /no open incident/],
    ["for too long", "shelve", { args: { reason: "x", duration_s: 90 * 86_400 } }, "limit_exceeded", /longer than/],
    [
      "no such mode",
      "mode.start",
      { args: { mode: "party", duration_s: 60, reason: "x" } },
      "invalid_args",
      /no mode "party"/,
    ],
    ["a mode that is not in force", "mode.end", { args: { mode: "commissioning" } }, "invalid_args", /none is/],
    ["a blank reason", "shelve", { args: { reason: " " } }, "invalid_args", /reason/],
    [
      "beyond the role",
      "out_of_service",
      { issuedBy: { user: "ana", role: "technician" }, args: { reason: "x" } },
      "forbidden",
      /a technician may not/,
    ],
    [
      "a program that acknowledges",
      "ack",
      { kid: "program", issuedBy: { user: "fleet", role: "service" } },
      "forbidden",
      /only ask for snapshot/,
    ],
    [
      "a viewer who acknowledges",
      "ack",
      { kid: "eye", issuedBy: { user: "lee", role: "viewer" } },
      "forbidden",
      /a viewer may not/,
    ],
    [
      "a sensor replaced by a technician",
      "sensor_replaced",
      { kid: "hand", issuedBy: { user: "lee", role: "technician" }, args: { point: "d0/temp", reason: "x" } },
      "forbidden",
      /engineer or supervisor/,
    ],
    [
      "a sensor replaced by a program",
      "sensor_replaced",
      { kid: "program", issuedBy: { user: "fleet", role: "service" }, args: { point: "d0/temp", reason: "x" } },
      "forbidden",
      /program/,
    ],
    [
      "a sensor that there is none of",
      "sensor_replaced",
      { args: { point: "d0/humidity", reason: "x" } },
      "not_found",
      /no point d0\/humidity/,
    ],
    [
      "a replay backwards",
      "replay",
      { args: { epoch: "00000000-0000-4000-8000-000000000000", from: 3, to: 2 } },
      "invalid_args",
      /from ≤ to/,
    ],
  ])("not %s", async (_, name, also, code, words) => {
    const before = state();
    const result = await obey(name, also as Partial<Unsigned<CommandName>>);
    expect([result.status, result.code, result.detail]).toEqual(["rejected", code, expect.stringMatching(words)]);
    expect(state()).toBe(before);
    const lines = audited();
    expect(lines).toHaveLength(1);
    expect(lines[0]!.facts).toMatchObject({ kid: expect.any(String), cmdId: result.cmdId });
  });

  test("a replay: what was told is told once more, as late, and what never was is said to be lost", async () => {
    const told = here.broker.received.map(({ epoch, seq }) => ({ epoch, seq }));
    const [{ epoch, seq: last }] = told.slice(-1) as [(typeof told)[number]];
    const program = { kid: "program", issuedBy: { user: "fleet", role: "service" } } as const;
    const result = await obey("replay", { ...program, args: { epoch, from: 1, to: last + 3 } });
    expect(result).toMatchObject({
      status: "accepted",
      available: [[1, last]],
      lost: [[last + 1, last + 3]],
    });
    await env.advance(10_000);
    expect(here.broker.received.slice(told.length).map(({ seq }) => seq)).toEqual(told.map(({ seq }) => seq));
  });

  test("many conditions: what each came to, and that some were not", async () => {
    const by = { kid: "hand", issuedBy: { user: "lee", role: "technician" } } as const;
    const result = await obey("shelve", {
      ...by,
      target: { selector: "class=test" },
      args: { reason: "x", duration_s: 60 },
    });
    expect(result.detail).toMatch(/^done for 6 conditions; refused for 2, such as: it is critical/);
    expect(result.conditions).toHaveLength(8);
    expect(result.conditions!.filter(({ code }) => code === "forbidden")).toHaveLength(2);
  });

  test.each([true, false])("a sensor that was replaced begins anew, said: %s", async (isSaid) => {
    await agent.stop();
    const jump =
      "rules: { jump: { type: excursion, point: temp, window: 600s, levels: [{ limit: 5, deadband: 1, severity: low }] } }";
    const yaml = siteYaml(1).replace("id: d0,", `id: d0, ${jump},`);
    here = world(env, yaml, join(folder, "jump.db"));
    here.values.set("d0/temp", 15);
    agent = here.start();
    await env.advance(400_000);
    const said = await obey("sensor_replaced", {
      args: { point: isSaid ? "d0/temp" : "d0/door", reason: "old one drifted" },
    });
    expect(said).toMatchObject({ status: "ok", detail: expect.stringContaining("begin anew") });
    expect(audited()).toMatchObject([{ what: "sensor_replaced", by: "kim", reason: "old one drifted" }]);
    here.values.set("d0/temp", 22);
    await env.advance(400_000);
    expect(here.broker.received.map(({ conditionKey }) => conditionKey)).toEqual(isSaid ? [] : ["s/d0/temp/jump"]);
    here.values.set("d0/temp", 15);
    await env.advance(30_000);
    expect(agent.status().open).toHaveLength(1);
  });

  test("ping and snapshot, by programs and by people", async () => {
    for (const by of [
      { kid: "program", issuedBy: { user: "fleet", role: "service" } },
      { kid: "eye", issuedBy: { user: "lee", role: "viewer" } },
    ] as const) {
      expect(await obey("ping", by)).toMatchObject({
        status: "ok",
        detail: expect.stringMatching(/^mepwatch \d.*, up for \d+ s$/),
      });
      expect(await obey("snapshot", by)).toMatchObject({
        status: "accepted",
        detail: expect.stringContaining("1 open"),
      });
    }
    expect(audited().map(({ what, by }) => `${by} ${what}`)).toEqual([
      "fleet ping",
      "fleet snapshot",
      "lee ping",
      "lee snapshot",
    ]);
  });
});

describe("what is refused has no effect, and is in the audit", () => {
  const cases: readonly [string, string, () => { message: unknown; topic?: string; retain?: boolean }][] = [
    ["unsigned", "invalid_args", () => ({ message: unsigned("ack", env.clock.wall()) })],
    ["signed by a stranger", "bad_signature", () => ({ message: make("ack", { kid: "stranger" }) })],
    [
      "signed with a stranger's key",
      "bad_signature",
      () => ({ message: signed("ack", env.clock.wall(), {}, "stranger") }),
    ],
    [
      "tampered with",
      "bad_signature",
      () => ({ message: { ...make("ack"), issuedBy: { user: "lee", role: "supervisor" } } }),
    ],
    ["expired", "expired", () => ({ message: signed("ack", env.clock.wall() - 61_000) })],
    ["of the future", "expired", () => ({ message: signed("ack", env.clock.wall() + 61_000) })],
    ["of too high a role", "forbidden", () => ({ message: make("ack", { kid: "hand" }) })],
    ["retained", "retained", () => ({ message: make("ack"), retain: true })],
    ["for another site", "forbidden", () => ({ message: make("ack", { site: "t" }) })],
    ["for another agent", "forbidden", () => ({ message: make("ack", { agent: "b" }) })],
    ["on another topic", "invalid_args", () => ({ message: make("ack"), topic: topicFor("reset") })],
    ["wrong", "invalid_args", () => ({ message: make("ack", { args: { comment: 1 } as never }) })],
  ];
  test.each(cases)("%s: %s", async (_, code, made) => {
    const before = state();
    const { message, ...how } = made();
    send(message, how);
    await env.advance(100);
    expect(resultOf(message as CommandMessage)).toMatchObject({ status: "rejected", code });
    expect(state()).toBe(before);
    expect(audited()).toMatchObject([
      { what: "command refused", target: how.topic ?? topicFor("ack"), facts: { code, count: 1 } },
    ]);
    // It has taken neither id nor nonce: the true one is obeyed all the same.
    if (code === "bad_signature") {
      const { cmdId, nonce } = message as CommandMessage;
      expect(await obey("ack", { cmdId, nonce })).toMatchObject({ status: "ok" });
    }
  });

  test("who signed is named, who did not is not", async () => {
    send(make("ack", { site: "t" }));
    send(signed("ack", env.clock.wall() - 61_000));
    expect(audited().map(({ by, facts }) => [by, facts.role])).toEqual([
      ["unknown", null],
      ["kim", "supervisor"],
    ]);
  });

  test("what has no id gets no answer", async () => {
    for (const message of ["{", "[]", { name: "ack", cmdId: "../../../x" }]) send(message);
    await env.advance(100);
    expect(here.broker.replies).toEqual([]);
    expect(audited()).toHaveLength(1);
  });
});

describe("what was done is not done again", () => {
  test.each([false, true])("the same once more is answered as before; after a restart: %s", async (restarted) => {
    const command = make("ack");
    send(command);
    await env.advance(100);
    expect(await obey("unack")).toMatchObject({ status: "ok" });
    if (restarted) {
      await agent.stop();
      agent = here.start();
      await env.advance(15_000);
    }
    // Also long after its time.
    await env.advance(3600_000);
    const before = state();
    here.broker.replies.length = 0;
    send(command);
    await env.advance(100);
    expect(resultOf(command)).toMatchObject({
      status: "duplicate",
      first: "ok",
      detail: "done for 1 condition",
      conditions: [{ result: "ok" }],
    });
    expect(state()).toBe(before);
    expect(record().acked).toBe(false);
    const last = audited().at(-1)!;
    expect(last).toMatchObject({
      what: "command refused",
      by: "kim",
      facts: { code: "duplicate", cmdId: command.cmdId },
    });
  });

  test.each([false, true])("a nonce that was taken is void; after a restart: %s", async (restarted) => {
    const command = make("ack");
    send(command);
    await env.advance(100);
    expect(await obey("unack")).toMatchObject({ status: "ok" });
    if (restarted) {
      await agent.stop();
      agent = here.start();
      await env.advance(15_000);
    }
    const before = state();
    expect(await obey("ack", { nonce: command.nonce })).toMatchObject({ status: "rejected", code: "expired" });
    expect(state()).toBe(before);
  });

  test("twice at once is done once, also under another id with the same nonce", async () => {
    const command = make("unack");
    await obey("ack");
    for (const one of [command, command, make("unack", { nonce: command.nonce })]) send(one);
    await env.advance(200);
    expect(here.broker.replies.map(({ result: { status, code } }) => `${status} ${code ?? ""}`).sort()).toEqual([
      "duplicate ",
      "ok ",
      "ok ",
      "rejected expired",
    ]);
    expect(here.broker.received.filter(({ kind }) => kind !== "raise").length).toBe(2);
  });

  test("one that was under way when the agent was killed is not done, and it says that it does not know", async () => {
    const command = make("ack");
    const { commands } = here.store!;
    commands.begin(
      { cmdId: command.cmdId, nonce: command.nonce, issuedAt: env.clock.wall(), exp: env.clock.wall() + 60_000 },
      env.clock.wall(),
    );
    send(command);
    await env.advance(100);
    expect(resultOf(command)).toMatchObject({
      status: "duplicate",
      detail: expect.stringContaining("look at the state"),
    });
    expect(resultOf(command)!.first).toBeUndefined();
    expect(record().acked).toBe(false);
  });

  test("while the clock is wrong the time does not count; the nonce does", async () => {
    await agent.stop();
    env.synced = false;
    env.step(-20 * 365 * 86_400_000);
    agent = here.start();
    await env.advance(61_000);
    const command = signed("ack", Date.UTC(2026, 0, 1));
    send(command);
    await env.advance(100);
    expect(resultOf(command)).toMatchObject({ status: "ok" });
    await obey("unack");
    const replayed = signed("ack", Date.UTC(2026, 0, 1), { nonce: command.nonce });
    send(replayed);
    await env.advance(100);
    expect(resultOf(replayed)).toMatchObject({ code: "expired" });
    expect(record().acked).toBe(false);
  });
});

describe("a flood", () => {
  const counted = (code: string): number =>
    audited()
      .filter(({ facts }) => facts.code === code)
      .reduce((sum, { facts }) => sum + Number(facts.count), 0);

  test("of good ones: some are done, the others are told to come later, and all are accounted for", async () => {
    for (let n = 0; n < 5000; n++) {
      send(make("ping"));
      if (n % 50 === 49) await env.advance(20);
    }
    await env.advance(120_000);
    const done = audited().filter(({ what }) => what === "ping").length;
    expect(done).toBeGreaterThan(30);
    expect(done).toBeLessThan(200);
    expect(done + counted("busy")).toBe(5000);
    expect(audited().length).toBeLessThan(done + 4);
    expect(await obey("ack")).toMatchObject({ status: "ok" });
  });

  test("of bad ones: few are looked at, none is written to the disk, the audit gets a line a minute, a good one is obeyed", async () => {
    const before = state();
    for (let n = 0; n < 5000; n++) {
      send(
        [make("ping", { kid: "stranger" }), `{"name":"ping","n":${n}`, signed("ack", env.clock.wall() - 90_000)][n % 3],
      );
      if (n % 1000 === 999) await env.advance(1000);
    }
    expect(state()).toBe(before);
    expect(await obey("ping")).toMatchObject({ status: "ok" });
    await env.advance(180_000);
    const looked = counted("bad_signature") + counted("invalid_args") + counted("expired");
    expect(looked).toBe(1000);
    expect(looked + counted("busy")).toBe(5000);
    expect(audited().length).toBeLessThanOrEqual(4 * 2 + 1);
    await agent.stop();
    expect(rememberedIn(join(folder, "store.db"))).toBe(1);
    agent = here.start();
  });

  test("what was only counted is written when the agent stops", async () => {
    for (let n = 0; n < 10; n++) send(make("ping", { kid: "stranger" }));
    expect(counted("bad_signature")).toBe(1);
    await agent.stop();
    agent = here.start();
    expect(counted("bad_signature")).toBe(10);
  });

  test("of the same: it is done once", async () => {
    const command = make("ack");
    for (let n = 0; n < 1000; n++) send(command);
    await env.advance(120_000);
    expect(audited().filter(({ what }) => what === "ack")).toHaveLength(1);
    expect(counted("duplicate")).toBe(199);
    expect(counted("duplicate") + counted("busy")).toBe(999);
  });

  test("delays nothing: an incident is told at its time meanwhile", async () => {
    here.values.set("d1/door", 1);
    for (let n = 0; n < 2000; n++) {
      send(make("ping"));
      if (n % 10 === 9) await env.advance(50);
    }
    const raised = here.broker.received.filter(({ conditionKey }) => conditionKey === "s/d1/door/open");
    expect(raised).toHaveLength(1);
    expect(Date.parse(raised[0]!.at)).toBeLessThan(env.clock.wall());
  });

  test("whose answers do not leave: no more is begun than there is room for, and then it goes on", async () => {
    here.broker.replyMs = 600_000;
    for (let n = 0; n < 200; n++) send(make("ping"));
    await env.advance(60_000);
    for (let n = 0; n < 200; n++) send(make("ping"));
    await env.advance(60_000);
    expect(audited().filter(({ what }) => what === "ping")).toHaveLength(32);
    expect(here.broker.replies.length).toBeLessThanOrEqual(32 + 8);
    here.broker.replyMs = 5;
    await env.advance(600_000);
    expect(await obey("ping")).toMatchObject({ status: "ok" });
  });
});

test("what cannot be remembered is not done", async () => {
  const { commands } = here.store!;
  Object.assign(commands, {
    begin: () => {
      throw new Error("disk full");
    },
  });
  const before = state();
  expect(await obey("ack")).toMatchObject({ status: "rejected", code: "busy" });
  Object.assign(commands, { begin: () => false });
  expect(await obey("ack")).toMatchObject({ status: "rejected", code: "busy" });
  expect(state()).toBe(before);
});

import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CommandMessage } from "../../agent/sinks/mqtt/commands.ts";
import { commandSchemas } from "../../agent/sinks/mqtt/commands.ts";
import { isSignedBy } from "../../agent/sinks/mqtt/signature.ts";
import { type Message, story, uuid, voice } from "../agent/centre/told.ts";
import { event } from "../agent/sinks/event.ts";
import { mepwatch, type Running, run, until } from "../process.ts";
import { startMosquitto } from "./mosquitto.ts";

/** The consumer as a process, at a real broker, with agents that say what a test has them say. */
let broker: Awaited<ReturnType<typeof startMosquitto>>;
const folder = mkdtempSync(join(tmpdir(), "centre-"));
const key = join(folder, "centre.key");
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const running: Running[] = [];
const closing: (() => Promise<void>)[] = [];

beforeAll(async () => {
  broker = await startMosquitto();
  writeFileSync(key, privateKey.export({ type: "pkcs8", format: "pem" }));
});
afterAll(async () => {
  for (const one of running) await one.kill("SIGKILL");
  for (const close of closing) await close();
  await broker.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What an agent's topics carry down, and what is retained for it, as they come. */
async function agentOf(site: string, options: Parameters<typeof voice>[0] = {}) {
  const client = connect(broker.url, { protocolVersion: 5 });
  const said = voice({ site, ...options });
  const down: { topic: string; json: Record<string, unknown> }[] = [];
  client.on("message", (topic, payload) => void down.push({ topic, json: JSON.parse(payload.toString()) }));
  await client.subscribeAsync([said.topics.commands, said.topics.ack, "mepwatch/v1/STATE/+"], { qos: 1 });
  closing.push(() => client.endAsync(true));
  const tell = async (...messages: Message[]): Promise<void> => {
    for (const { topic, payload, retain } of messages) await client.publishAsync(topic, payload, { qos: 1, retain });
  };
  return {
    said,
    tell,
    down,
    of: (end: string) => down.filter(({ topic }) => topic.endsWith(end)).map(({ json }) => json),
  };
}

/** A line of `--json`, as far as these tests look at it. */
interface Told {
  readonly kind: string;
  readonly event: { readonly seq: number; readonly conditionKey: string; readonly rev: number };
  readonly incident: { readonly open: boolean };
}

function centreOf(...args: string[]): Running & { told(kind: string): Told[] } {
  const process = mepwatch(["centre", "--broker", broker.url, "--json", ...args]);
  running.push(process);
  const told = (kind: string) =>
    process.stdout.map((line): Told => JSON.parse(line)).filter((one) => one.kind === kind);
  return { ...process, told };
}

const events = (site: string, count = 12) =>
  story(count).map((one) => ({ ...one, conditionKey: one.conditionKey.replace("hall-1", site) }));

test("a gap is asked for with a signed replay, closed by backfill, and acknowledged; presence is retained", async () => {
  const site = "gap";
  const agent = await agentOf(site);
  const centre = centreOf("--site", site, "--host", "noc-gap", "--key", key, "--kid", "centre-1", "--user", "fleet");
  await centre.line(/"kind":"link","up":true,"protocol":"5"/);
  const { said, tell } = agent;
  const all = events(site);
  await tell(said.birth(0));
  await tell(...all.filter(({ seq }) => seq !== 4 && seq !== 5).map(said.event), said.event(all[0]!));
  const asked = await until(() => (agent.of("cmd/replay")[0] ?? null) as CommandMessage<"replay"> | null);
  expect(commandSchemas.replay.safeParse(asked).success).toBe(true);
  expect(isSignedBy(asked, publicKey)).toBe(true);
  expect(isSignedBy(asked, generateKeyPairSync("ed25519").publicKey)).toBe(false);
  expect(asked).toMatchObject({
    ...{ site, agent: "edge-1", kid: "centre-1", issuedBy: { user: "fleet", role: "service" } },
    args: { epoch: all[0]!.epoch, from: 4, to: 5 },
  });
  expect(centre.told("gap")).toMatchObject([{ site, ranges: [[4, 5]] }]);
  await tell(said.result(asked.cmdId, { available: [[4, 5]] }), said.backfill(all[3]!), said.backfill(all[4]!));
  await until(() => agent.of("/ack").find(({ upTo, except }) => upTo === 12 && (except as []).length === 0) ?? null);
  expect(agent.of("/ack")).toContainEqual(expect.objectContaining({ host: "noc-gap", upTo: 12, except: [[4, 5]] }));
  const seqs = centre.told("event").map((one) => one.event.seq);
  expect([...seqs].sort((a, b) => a - b)).toEqual(all.map(({ seq }) => seq));
  expect(agent.of("STATE/noc-gap").at(-1)).toMatchObject({ online: true });
  await centre.kill("SIGTERM");
  expect(await centre.ended).toBe(0);
  await until(() => agent.of("STATE/noc-gap").find(({ online }) => online === false) ?? null);
});

test("one that is wiped in the middle of a story shows the same open incidents, silences and blind points", async () => {
  const site = "wiped";
  const agent = await agentOf(site);
  const { said, tell } = agent;
  const quiet = {
    how: "shelved" as const,
    by: "kim",
    reason: "noise",
    until: null,
    count: 1,
    conditions: [`${site}/a/-/r`],
  };
  const first = centreOf("--site", site, "--host", "noc-wiped");
  await first.line(/"up":true/);
  const all = events(site);
  await tell(said.birth(0), said.silences({ silences: [quiet] }));
  await tell(said.blind({ blind: [{ device: "ups-a", why: "timeout", since: "2026-01-02T00:00:00.000Z", count: 3 }] }));
  for (const one of all) await tell(said.event(one), said.active(one));
  await until(() => (first.told("event").length === all.length ? true : null));
  const standing = new Map(all.map((one) => [one.conditionKey, one]));
  const open = [...standing.values()]
    .filter((one) => one.open)
    .map(({ conditionKey, rev }) => `${conditionKey} ${rev}`);
  await first.kill("SIGKILL");
  await until(() => agent.of("STATE/noc-wiped").find(({ online }) => online === false) ?? null); // its Will
  const second = centreOf("--site", site, "--host", "noc-wiped-anew");
  await until(() => (second.told("open").length === open.length && second.told("blind").length === 1 ? true : null));
  expect(
    second
      .told("open")
      .map(({ event: one }) => `${one.conditionKey} ${one.rev}`)
      .sort(),
  ).toEqual(open.sort());
  expect(second.told("silences")).toMatchObject([
    { silences: { count: 1, silences: [{ by: "kim", reason: "noise" }] } },
  ]);
  expect(second.told("blind")).toMatchObject([{ blind: { count: 3, blind: [{ device: "ups-a" }] } }]);
  expect(second.told("event")).toEqual([]);
});

test("what happened while it was down is asked for, from where it had acknowledged", async () => {
  const site = "down";
  const { said, tell, of } = await agentOf(site);
  const all = events(site);
  const first = centreOf("--site", site, "--host", "noc-down");
  await first.line(/"up":true/);
  await tell(said.birth(0), ...all.slice(0, 3).map(said.event));
  await until(() => of("/ack").find(({ upTo }) => upTo === 3) ?? null);
  await first.kill("SIGKILL");
  await tell(...all.slice(3, 9).map(said.event));
  // Another host, so that the broker has kept nothing for it.
  const second = centreOf("--site", site, "--host", "noc-down-2", "--key", key);
  await second.line(/"up":true/);
  await tell(said.heartbeat(9));
  const asked = await until(() => of("cmd/replay")[0] ?? null);
  expect(asked).toMatchObject({ args: { from: 4, to: 9 } });
});

test("a lost agent is the centre's own incident until it is back, and stays open what was", async () => {
  const site = "lost";
  const { said, tell } = await agentOf(site, { session: 2 });
  const centre = centreOf("--site", site, "--host", "noc-lost");
  await centre.line(/"up":true/);
  await tell(said.birth(0), said.event(event(1)), voice({ site, session: 1 }).death("shutdown"), said.death("lwt"));
  await centre.line(/"kind":"agent_lost"/);
  await tell(voice({ site, session: 3 }).birth(1, { active: [event(1)] }));
  await until(() => (centre.told("agent_lost").length === 2 ? true : null));
  expect(centre.told("agent_lost").map(({ incident }) => incident.open)).toEqual([true, false]);
  expect(centre.told("gone")).toEqual([]);
});

test("two that share the events get each once between them, and neither acknowledges", async () => {
  const site = "shared";
  const { said, tell, of } = await agentOf(site);
  const both = ["a", "b"].map((name) => centreOf("--share", "noc", "--host", `noc-${name}`, "--site", site));
  for (const one of both) await one.line(/"up":true/);
  const all = events(site, 40);
  await tell(said.birth(0), ...all.map(said.event));
  const seqs = () => both.map((one) => one.told("event").map(({ event: some }) => some.seq));
  await until(() => (seqs().flat().length >= all.length ? true : null));
  await tell(said.blind({})); // comes to both, after all of those
  for (const one of both) await one.line(/"kind":"blind"/);
  expect(
    seqs()
      .flat()
      .sort((a, b) => a - b),
  ).toEqual(all.map(({ seq }) => seq));
  expect(Math.min(...seqs().map(({ length }) => length))).toBeGreaterThan(0);
  expect(of("/ack")).toEqual([]);
});

test("at a broker of MQTT 3.1.1, sites are split by --site; a share is refused with the remedy", async () => {
  const { Aedes } = await import("aedes");
  const aedes = await Aedes.createBroker();
  const server = createServer(aedes.handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(async () => {
    await new Promise<void>((resolve) => aedes.close(() => resolve()));
    server.close();
  });
  const url = `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`;
  const at = (...args: string[]) => {
    const process = mepwatch(["centre", "--broker", url, "--json", ...args]);
    running.push(process);
    return process;
  };
  const two = at("--site", "s1", "--site", "s2", "--host", "noc-1");
  const three = at("--site", "s3", "--host", "noc-2");
  for (const one of [two, three]) await one.line(/"up":true,"protocol":"3.1.1"/);
  const client = connect(url, { protocolVersion: 4 });
  closing.push(() => client.endAsync(true));
  for (const site of ["s1", "s2", "s3"]) {
    const { topic, payload } = voice({ site, protocol: 4 }).event(event(1));
    await client.publishAsync(topic, payload, { qos: 1 });
  }
  await two.line(/"site":"s2".*"kind":"event"/);
  await three.line(/"site":"s3".*"kind":"event"/);
  expect(two.stdout.filter((line) => line.includes('"s1"'))).toHaveLength(1);
  expect([
    ...two.stdout.filter((line) => line.includes('"s3"')),
    ...three.stdout.filter((line) => /"s[12]"/.test(line)),
  ]).toEqual([]);
  const shared = at("--share", "noc");
  expect(await shared.ended).toBe(69);
  expect(shared.stderr.join()).toMatch(/--site/);
});

test("a second consumer under the same name ends the first with the remedy, not both in turn", async () => {
  const first = centreOf("--host", "noc-twice", "--site", "none");
  await first.line(/"up":true/);
  const second = centreOf("--host", "noc-twice", "--site", "none");
  await second.line(/"up":true/);
  expect(await first.ended).toBe(69);
  expect(first.stderr.join()).toMatch(/give each its own --host/);
});

test("a handover tells what is open and what it cannot know, acknowledges nothing and is no presence", async () => {
  const site = "shift";
  const { said, tell, of, down } = await agentOf(site);
  const one = event(7, { conditionKey: `${site}/a/-/r`, text: "CRAC-1 stopped.", severity: "critical" });
  await tell(said.birth(7, { active: [one] }), said.active(one));
  // Of a regular consumer, which has them all: who only looks has none.
  const ack = { epoch: one.epoch, upTo: 7, except: [], host: "noc", at: new Date().toISOString() };
  await tell({ ...said.birth(7), topic: said.topics.ack, payload: JSON.stringify(ack) });
  await until(() => of("/ack")[0] ?? null);
  const states = of("STATE/noc-shift").length;
  const args = ["centre", "--broker", broker.url, "--site", site, "--host", "noc-shift", "--handover", "8h"];
  const without = mepwatch(args);
  expect(await without.ended).toBe(0);
  expect(without.stdout.join("\n")).toMatch(/critical +0 +0 +1/);
  expect(without.stdout.join("\n")).toMatch(/CRAC-1 stopped\./);
  expect(without.stdout.join("\n")).toMatch(/is not known here/);
  const withKey = mepwatch([...args, "--key", key, "--json"]);
  const asked = await until(() => of("cmd/replay")[0] ?? null);
  expect(asked).toMatchObject({ args: { from: 1, to: 7 } });
  const at = new Date().toISOString();
  await tell(said.backfill(event(6, { at, conditionKey: `${site}/b/-/r`, incidentId: uuid(6) })));
  expect(await withKey.ended).toBe(0);
  const told = JSON.parse(withKey.stdout.join(""));
  expect(told.events).toMatchObject([{ seq: 6 }]);
  expect(told.agents).toMatchObject([{ site, open: [{ severity: "critical" }, { severity: "high" }] }]);
  expect(down.filter(({ topic }) => topic.endsWith("/ack"))).toHaveLength(1);
  expect(of("STATE/noc-shift")).toHaveLength(states);
});

test.each([
  [["--broker", "http://x"], /mqtt:\/\/HOST:PORT/],
  [["--broker", "mqtt://me:hunter2@x"], /^(?!.*hunter2).*--username and MEPWATCH_MQTT_PASSWORD/s],
  [["--broker", "mqtt://127.0.0.1", "--key", "/none"], /--key \/none: cannot be read/],
  [["--broker", "mqtt://127.0.0.1", "--site", "a/b"], /letters, digits/],
])("%s is refused with words", async (args, words) => {
  const one = mepwatch(["centre", ...args]);
  expect(await one.ended).toBe(2);
  expect(one.stderr.join("\n")).toMatch(words);
});

test("without a terminal each thing told is a line", async () => {
  const site = "plain";
  const { said, tell } = await agentOf(site);
  const one = mepwatch(["centre", "--broker", broker.url, "--site", site, "--host", "noc-plain"]);
  running.push(one);
  await one.line(/connected {2}MQTT 5/);
  await tell(said.birth(0), said.event(event(1)));
  expect(await one.line(/plain\/edge-1 .*RAISED/)).toMatch(/high +RAISED +CRAC-1 stopped since 03:04\./);
  expect(one.stderr.join()).toMatch(/No --key/);
});

test("other programs import the core as mepwatch/consumer", async () => {
  const program = `import { centre, initial } from "mepwatch/consumer";
    const begun = initial({ prefix: "mepwatch", commands: false, isWholeStream: true }, { at: 0, wall: 0 });
    const message = { kind: "message", topic: "mepwatch/v1/s/a/event", payload: Buffer.from("{"), retained: false };
    console.log(JSON.stringify(centre(begun, message, { at: 1, wall: 1 }).notices));`;
  const one = run(process.execPath, ["--input-type=module", "-e", program]);
  expect(JSON.parse(await one.line(/./))).toMatchObject([
    { kind: "invalid", topic: "mepwatch/v1/s/a/event", why: "no JSON" },
  ]);
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask } from "../../../agent/api/client.ts";
import { explanations, sayUnknown } from "../../../agent/api/explain.ts";
import { type Api, serveApi } from "../../../agent/api/server.ts";
import type { About, Site } from "../../../agent/config/resolved.ts";
import type { Agent } from "../../../agent/pipeline/agent.ts";
import type { Unknown } from "../../../agent/pipeline/explain.ts";
import { every, type Happening, modelFor, play } from "../core/played.ts";

describe("GET /explain/…", () => {
  let folder: string;
  let api: Api;
  const socket = () => join(folder, "api.sock");
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "mepwatch-api-"));
    const explain = (name: string): Unknown => ({ found: false, what: "target", name, known: [], hint: "" });
    api = await serveApi({ explain } as unknown as Agent, "0", socket(), "viewer");
  });
  afterAll(async () => {
    await api.close();
    rmSync(folder, { recursive: true });
  });

  const long = ["s", "d", "p", "r"].map((name) => name.repeat(64)).join("/");
  test.each(["d", "d/p", "s/d/p/r#3", "s/d/p/r/high", "100%/ä", long])("takes %s as it was meant", async (target) => {
    const path = target.split("/").map(encodeURIComponent).join("/");
    const message = `no target "${target}"; there is none.`;
    expect(await ask(socket(), `/explain/${path}`)).toEqual({ ok: false, why: "refused", message });
  });
});

const high = [{ limit: 9, severity: "high" }];
test.each<[string, object, readonly Happening[], string | null, string | null]>([
  ["level", { levels: high }, [[10, "p", 8.25]], "8.3 °C", "9 °C"],
  ["roc", { window: "60s", per: "min", levels: high }, every(10, [20, 20.1, 20.2, 20.3]), "0.6 °C/min", "9 °C/min"],
  ["excursion", { window: "60s", levels: high }, every(10, [20, 22]), "at least 2 °C", "9 °C"],
  ["deviation", { ref: { constant: 20 }, levels: high }, [[10, "p", 21.5]], "1.5 °C", "9 °C"],
  ["ttl", { window: "60s", target: 32, levels: high }, every(10, [20, 20, 20, 20]), "never", "9 s"],
  ["stale", { after: "5m" }, [[10, "p", 20]], "20 s", "5 min"],
  ["comm", { failures: 3 }, [[10, "$comm", 0]], "at least 1 failure", "3 failures"],
  ["state", { normal: [0], map: { 1: "low" } }, [[10, "p", 0]], null, null],
  ["flatline", { window: "40s" }, every(10, [20, 21]), null, null],
  ["expression", { inputs: { a: "p" }, when: "a > 1.0" }, [[10, "p", 0]], null, null],
  ["bits", { bits: { 0: { severity: "low" } } }, [[10, "p", 0]], null, null],
  [
    "vote",
    { k: 2, inputs: ["p", "q"].map((point) => ({ point, limit: 5 })) },
    [[10, "p", 9]],
    "between 1 vote and 2 votes",
    "2 votes",
  ],
])("a %s rule's measure and limit are told as people read them", (type, options, story, measure, limit) => {
  const model = modelFor({ rule: { type, ...options } });
  const [explanation] = play(model, story).ask(30);
  const about = { device: { name: "D", location: { room: "Hall 1" } }, point: { unit: "Cel" } } as unknown as About;
  const site = { id: "s", timeZone: "UTC", language: "en", devices: [] } as unknown as Site;
  const found = { explanation: explanation!, rule: model.rules[0]!, about, record: null };
  const now = { at: 30_000, wall: 0 };
  const [one] = explanations(site, { found: true, now, conditions: [found] }).conditions;
  expect(one).toMatchObject({ where: "Hall 1 D", levels: [{ limitText: limit }] });
  expect(one!.measure?.text ?? null).toBe(measure);
  // It survives being sent.
  expect(JSON.parse(JSON.stringify(one))).toEqual(one);
});

test("of many that there are some are named, and how many more there are", () => {
  const known = Array.from({ length: 23 }, (_, i) => `d${i}`);
  const told = sayUnknown({ found: false, what: "device", name: "e1", known, hint: ' Did you mean "d1"?' });
  expect(told).toMatch(/^no device "e1"; expected one of d0, .*, d19 and 3 more\. Did you mean "d1"\?$/);
});

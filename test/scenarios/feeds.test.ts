import { describe, expect, test } from "vitest";
import { builtInConfig, fromDisk, load, siteName } from "../../agent/config/load.ts";
import type { Site } from "../../agent/config/resolved.ts";
import { drivers } from "../../drivers/index.ts";
import { recordsOf } from "../agent/pipeline/night-site.ts";
import { called, type Plot, play } from "./night.ts";

/** Two meters, each a source of two UPSs; a third UPS has one source only. */
const device = (id: string, profile: string, protocol: string, host: number): string =>
  `  - { id: ${id}, name: ${id.toUpperCase()}, profile: ${profile}, bus: { protocol: ${protocol}, host: 10.1.${host}.1 }, location: { room: Switch room } }`;
const yaml = (feeds: string): string => `
version: 1
site: { id: s }
devices:
${device("meter-a", "meter/eastron-sdm630", "modbus", 1)}
${device("meter-b", "meter/eastron-sdm630", "modbus", 2)}
${device("ups-1", "ups/rfc1628", "snmp", 3)}
${device("ups-2", "ups/rfc1628", "snmp", 4)}
${device("ups-3", "ups/rfc1628", "snmp", 5)}
topology: { feeds: ${feeds} }
`;
function siteOf(feeds: string): Site {
  const disk = fromDisk(`${builtInConfig()}/site.yaml`);
  const read = (name: string): string | null => (name === siteName ? yaml(feeds) : disk(name));
  const { site, problems } = load("site.yaml", read, drivers, () => ({ problem: "none" }));
  if (site === null) throw new Error(JSON.stringify(problems));
  return site;
}

const both = "{ meter-a: [ups-1, ups-2, ups-3], meter-b: [ups-1, ups-2] }";
const lost = (meter: string, from: number, to: number) => (device: string, point: string, second: number) =>
  device === meter && point === "voltage-l1" && second >= from && second < to ? 0 : undefined;
const plot = (...losses: ReturnType<typeof lost>[]): Plot => ({
  seconds: 900,
  value: (device, point, second) =>
    losses.map((one) => one(device, point, second)).find((value) => value !== undefined),
});
const redundancy = (site: Site, what: Plot): string[] =>
  play(site, what)
    .filter(({ condition }) => condition.key.includes("redundancy"))
    .map(
      ({ kind, level, annunciate, now }) => `${now.at / 1000} ${kind} ${level.severity}${annunciate ? " calls" : ""}`,
    );

describe("devices with two feeds", () => {
  const site = siteOf(both);

  test("of which one is lost have none to spare, which calls beside the loss, until it is back", () => {
    const what = plot(lost("meter-a", 300, 600));
    expect(called(play(site, what))).toEqual([
      "s/meter-a/voltage-l1/supply-lost 1",
      "s/fed-by-meter-a-meter-b/-/redundancy-lost 1",
    ]);
    expect(redundancy(site, what)).toEqual([
      expect.stringMatching(/^4[23]\d raise high calls$/),
      expect.stringMatching(/^6\d\d clear high calls$/),
    ]);
  });

  test("it is said what is left, and the lost feed is named", () => {
    const records = recordsOf(site, play(site, plot(lost("meter-a", 300, 600))));
    const raised = records.filter(({ kind }) => kind === "raise");
    expect(raised.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^Switch room METER-A supply 0 V/),
      expect.stringMatching(/^Switch room METER-A L1 0 V/),
      "Switch room Power by METER-A + METER-B: one feed left, 1 of 2 lost since 02:05. Bring the lost feed back before the other one fails.",
    ]);
    expect(raised[0]!.redundancy).toEqual({ of: "power of 2 devices", total: 2, left: 1, need: 1 });
  });

  test("a feed that is lost for another reason than its voltage counts once", () => {
    const what = plot(lost("meter-a", 300, 600), (device, point, second) =>
      device === "meter-a" && point === "frequency" && second >= 300 && second < 600 ? 0 : undefined,
    );
    expect(redundancy(site, what)).toHaveLength(2);
  });

  test("a loss shorter than a switch-over takes away nothing", () => {
    expect(redundancy(site, plot(lost("meter-a", 300, 360)))).toEqual([]);
  });

  test("where the one source of a device is lost, none is spare there anyway", () => {
    expect(redundancy(siteOf("{ meter-a: [ups-1], meter-b: [ups-2] }"), plot(lost("meter-a", 300, 600)))).toEqual([]);
  });

  test("sets of feeds whose names run together are two incidents, also where names are long", () => {
    const long = (end: string): string => `meter-${"x".repeat(40)}-${end}`;
    const fed = (name: string, to: string): string => `${name}: [${to}]`;
    const site = load(
      "site.yaml",
      (name) =>
        name === siteName
          ? `version: 1
site: { id: s }
devices:
${["a", "b-c", "a-b", "c", long("a"), long("b"), long("c")].map((id, i) => device(id, "meter/eastron-sdm630", "modbus", 20 + i)).join("\n")}
${["u1", "u2", "u3", "u4"].map((id, i) => device(id, "ups/rfc1628", "snmp", 40 + i)).join("\n")}
topology:
  feeds:
${[fed("a", "u1"), fed("b-c", "u1"), fed("a-b", "u2"), fed("c", "u2"), fed(long("a"), "u3, u4"), fed(long("b"), "u3"), fed(long("c"), "u4")].map((line) => `    ${line}`).join("\n")}
`
          : fromDisk(`${builtInConfig()}/site.yaml`)(name),
      drivers,
      () => ({ problem: "none" }),
    ).site!;
    const keys = site.model.rules.map(({ name }) => name).filter((name) => name.endsWith("/redundancy-lost"));
    expect(keys).toHaveLength(4);
    expect(new Set(keys).size).toBe(4);
    for (const key of keys) expect(key.split("/")[0]).toMatch(/^fed-by-[A-Za-z0-9_-]{1,57}$/);
  });
});

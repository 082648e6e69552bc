import { expect, test } from "vitest";
import { fromDisk, load } from "../../../agent/config/load.ts";
import { assess } from "../../../agent/core/quality.ts";
import { observation } from "../../../agent/pipeline/poller.ts";
import * as ber from "../../../drivers/snmp/ber.ts";
import { snmp } from "../../../drivers/snmp/index.ts";
import { pdus } from "../../../drivers/snmp/message.ts";
import type { Request } from "../../../drivers/snmp/plan.ts";
import { type Held, peer, serving, session } from "./peer.ts";

/** The profile of RFC 1628 on the wire: what a UPS's table of alarms says in the first poll of all. */

const mib = "1.3.6.1.2.1.33.1";
const alarmRow = (index: number, alarm: string): [string, ber.Element][] => [
  [`${mib}.6.2.1.1.${index}`, ber.integer(index)],
  [`${mib}.6.2.1.2.${index}`, ber.oid(alarm)],
  [`${mib}.6.2.1.3.${index}`, ber.integer(4711, ber.tags.timeTicks)],
];
const ups = (loads: readonly number[], alarms: readonly string[]): Held =>
  new Map([
    [`${mib}.4.1.0`, ber.integer(3)],
    ...loads.map((load, at): [string, ber.Element] => [`${mib}.4.4.1.5.${at + 1}`, ber.integer(load)]),
    [`${mib}.6.1.0`, ber.integer(alarms.length, ber.tags.gauge32)],
    ...alarms.flatMap((alarm, at) => alarmRow(at + 1, alarm)),
  ]);

/** What every point of the UPS comes to, read as a poller reads it; the good ones. */
async function polled(held: Held, options: object = {}) {
  const disk = fromDisk("/nowhere/site.yaml");
  const text = `version: 1\nsite: { id: s }\ndevices:\n  - { id: ups, profile: ups/rfc1628, bus: { protocol: snmp, host: 127.0.0.1 } }\n`;
  const { site } = load(
    "site.yaml",
    (name) => (name === "site.yaml" ? text : disk(name)),
    [snmp],
    () => ({
      problem: "none is needed",
    }),
  );
  const points = site!.devices[0]!.points;
  const device = await peer(serving(held));
  const reading = session(device.port, options);
  const planned = points.map(({ id, address }) => ({ id, device: {}, address }));
  const good = new Map<string, number>();
  for (const request of snmp.plan(planned, site!.buses[0]!.options) as readonly Request[]) {
    for (const one of await reading.read(request, 10_000)) {
      const { own, definition } = points.find(({ id }) => id === one.point)!;
      const sample = assess(definition, observation(one), { at: 0, wall: 0 });
      if (sample.quality === "good") good.set(own, sample.value);
    }
  }
  return { good, walks: device.requests.filter(({ pdu }) => pdu !== pdus.get).length };
}
const raised = (good: ReadonlyMap<string, number>) =>
  [...good].filter(([own, value]) => own.startsWith("alarm-") && value > 0).map(([own]) => own);
const alarmsRead = (good: ReadonlyMap<string, number>) =>
  [...good.keys()].filter((own) => own.startsWith("alarm-")).length;

test.each<1 | "2c">([1, "2c"])(
  "SNMPv%s: alarms that are there already are found, and the load is that of the worst line",
  async (version) => {
    const known = (nth: number) => `${mib}.6.3.${nth}`;
    const { good } = await polled(ups([30, 55, 41], [known(13), "1.3.6.1.4.1.476.1.1", known(16), known(16)]), {
      version,
    });
    expect(raised(good)).toEqual(["alarm-charger-failed", "alarm-fan-failed"]);
    expect(good.get("alarm-fan-failed")).toBe(2);
    expect(good.get("alarms-present")).toBe(4);
    expect(good.get("output-load")).toBe(55);
    expect(alarmsRead(good)).toBe(19);
  },
);

test("without alarms all are read and none is raised, by one walk", async () => {
  const { good, walks } = await polled(ups([30], []));
  expect(raised(good)).toEqual([]);
  expect(alarmsRead(good)).toBe(19);
  expect(walks).toBe(2);
});

test("a card without the table of alarms says nothing of them, and all else", async () => {
  const { good } = await polled(new Map([[`${mib}.4.1.0`, ber.integer(3)]]));
  expect([...good]).toEqual([["output-source", 3]]);
});

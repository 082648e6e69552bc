import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { plan } from "../../drivers/bacnet/plan.ts";
import { address, bus, device, network as networkSchema, part } from "../../drivers/bacnet/schema.ts";
import { sessionOn } from "../../drivers/bacnet/session.ts";
import { hubOf, type NetworkEars } from "../../drivers/bacnet/wire/hub.ts";
import {
  type Address as At,
  forwarded,
  linkResult,
  rejection,
  type Station,
  unicast,
} from "../../drivers/bacnet/wire/packet.ts";
import { whoIs } from "../../drivers/bacnet/wire/whois.ts";
import { type Captured, capture } from "../drivers/bacnet/pcap.ts";
import { agent, type StillNetwork, settled } from "../drivers/bacnet/still.ts";
import { fakeEnv } from "../env.ts";
import { requireProgram } from "./programs.ts";

/** All that the driver says and is told, as Wireshark reads it: another's reading of the standard. */

const tshark = "/usr/bin/tshark";
const isThere = requireProgram(tshark);

const world = vi.hoisted(() => ({ network: null as StillNetwork | null }));
vi.mock("../../drivers/bacnet/wire/sockets.ts", async () => {
  const { stillNetwork } = await import("../drivers/bacnet/still.ts");
  return {
    socketsOf(...args: Parameters<StillNetwork["socketsOf"]>) {
      world.network = stillNetwork();
      return world.network.socketsOf(...args);
    },
  };
});

const port = 47_808;
const bbmd: At = { host: "192.0.2.9", port };
const router: At = { host: "192.0.2.1", port };
const station: Station = { network: 5, mac: "0a" };
const held = [
  { object: "analog-input", instance: 1 },
  { object: "binary-input", instance: 1, cov: true },
  { object: "multi-state-value", instance: 3, cov: true },
  { object: "analog-output", instance: 1, property: "priority-array", index: 8 },
  { events: "active" },
];
/** More than one answer of 128 octets holds. */
const many = Array.from({ length: 15 }, (_, nth) => ({ object: "analog-value", instance: nth }));
const parts = ["model-name", "serial-number"].map((property) => ({
  name: property,
  address: part.parse({ property }),
}));

/** Devices at their address, behind a router, and found; with one of them everything is done that the driver can. */
async function everything(): Promise<readonly Captured[]> {
  const env = fakeEnv();
  const hub = hubOf(env);
  const network = world.network!;
  const said: Captured[] = [];
  network.onSent = (octets, to) => {
    said.push({ octets, from: agent, to });
    if (to.host === bbmd.host && octets[1] === 5) queueMicrotask(() => tell(linkResult(0), bbmd));
  };
  network.bend = (octets, { host, port }) => {
    said.push({ octets, from: { host, port }, to: agent });
    return octets;
  };
  const tell = (octets: Buffer, from: At): void => {
    said.push({ octets, from, to: agent });
    network.tell(octets, from);
  };
  const ears: NetworkEars = { event: () => {}, dropped: () => {}, registration: () => {} };
  hub.join(networkSchema.parse({ address: agent.host, broadcast: "192.0.2.255", bbmd, instance: 42 }), ears);
  await env.advance(10);
  const places = [
    { instance: 7, at: { host: "192.0.2.7", port, station: null }, on: { host: "192.0.2.7" }, fault: "none" },
    { instance: 8, at: { ...router, station }, on: { host: router.host, confirmedCov: true }, fault: "none" },
    { instance: 9, at: { host: "192.0.2.99", port, station: null }, on: {}, fault: "none" },
    { instance: 10, at: { host: "192.0.2.10", port, station: null }, on: { host: "192.0.2.10" }, fault: "no-rpm" },
    { instance: 11, at: { host: "192.0.2.11", port, station: null }, on: { host: "192.0.2.11" }, fault: "abort" },
  ] as const;
  for (const { instance, at, on, fault } of places) {
    const where = bus.parse(on);
    const own = device.parse(at.station === null ? { instance } : { instance, ...at.station });
    const points = [...held, ...(fault === "abort" ? many : [])].map((one, nth) => ({
      id: `${instance}/${nth}`,
      device: own,
      address: address.parse(one),
    }));
    const values = new Map<string, number | null>(points.map(({ id }) => [id, 1]));
    // One that counts no events lacks GetEventInformation, and is asked by GetAlarmSummary.
    if (fault === "abort") values.set(`${instance}/4`, null);
    const serving = { instance, points, value: (id: string) => values.get(id) ?? null, self: () => new Map() };
    const simulated = network.join(env, at, serving);
    simulated.misbehave(fault);
    const session = sessionOn(where, { env, hub, news: () => {} });
    for (const request of plan(points, where)) await settled(env, session.read(request, 3000));
    await settled(env, session.identify!({ device: own, parts }, 3000));
    values.set(`${instance}/1`, 0);
    await env.advance(500);
    for (const isConfirming of [false, true])
      simulated.announce(
        { object: "binary-input", instance: 1 },
        { address: agent.host, port: agent.port, isConfirming },
      );
    await env.advance(500);
    const whoHas = Buffer.from("1007" + "2c00000001", "hex");
    said.push({ octets: unicast(whoHas, { destination: at.station }), from: { host: "192.0.2.50", port }, to: at });
    simulated.hear(whoHas, { address: agent.host, port: agent.port, station: null }, false);
    await env.advance(1);
    await session.close();
  }
  tell(rejection(1, station), router);
  // A change that nobody subscribed to, and a request that the agent does not know.
  const strangeChange = "00050701" + "0901" + "1c02000007" + "2c00c00001" + "3900" + "4e4f";
  for (const apdu of [strangeChange, "0005080c" + "0c0200002a" + "194b"])
    tell(unicast(Buffer.from(apdu, "hex"), { isReplyExpected: true }), { host: "192.0.2.7", port });
  tell(forwarded(whoIs(0, 100), { host: "192.0.2.50", port }), bbmd);
  await env.advance(10);
  await hub.close();
  return said;
}

/** The services that the driver speaks, and no other. */
const ours = [
  ...["ConfirmedCOVNotification Error", "ConfirmedCOVNotification SimpleACK", "ConfirmedEventNotification SimpleACK"],
  ...["Distribute-Broadcast-To-Network Who-Is", "GetAlarmSummary", "GetEventInformation", "I-Am"],
  ...["Original-Broadcast-NPDU Who-Is", "ReadProperty", "ReadPropertyMultiple", "Register-Foreign-Device"],
  ...["Reject", "SubscribeCOV"],
];
const theirs = [
  ...["Abort", "BVLC-Result", "ConfirmedCOVNotification", "ConfirmedEventNotification", "Forwarded-NPDU Who-Is"],
  ...["GetAlarmSummary ComplexACK", "GetEventInformation ComplexACK", "I-Am", "I-Have", "ReadProperty"],
  ...["ReadProperty ComplexACK", "ReadProperty Error", "ReadPropertyMultiple ComplexACK", "Reject"],
  ...["SubscribeCOV SimpleACK", "UnconfirmedCOVNotification", "UnconfirmedEventNotification", "Who-Has"],
  "network message",
];

interface Seen {
  readonly isOurs: boolean;
  readonly what: string;
  /** That it does not decode, or what the expert says against it. */
  readonly wrong: string;
}

const links: Readonly<Record<number, string>> = {
  ...{ 0: "BVLC-Result", 4: "Forwarded-NPDU", 5: "Register-Foreign-Device" },
  ...{ 9: "Distribute-Broadcast-To-Network", 10: "", 11: "Original-Broadcast-NPDU" },
};
const kinds = ["request", "request", "SimpleACK", "ComplexACK", "SegmentACK", "Error", "Reject", "Abort"];
const confirmed: Readonly<Record<number, string>> = {
  ...{ 1: "ConfirmedCOVNotification", 2: "ConfirmedEventNotification", 3: "GetAlarmSummary", 5: "SubscribeCOV" },
  ...{ 12: "ReadProperty", 14: "ReadPropertyMultiple", 29: "GetEventInformation" },
};
const unconfirmed: Readonly<Record<number, string>> = {
  ...{ 0: "I-Am", 1: "I-Have", 2: "UnconfirmedCOVNotification", 3: "UnconfirmedEventNotification" },
  ...{ 7: "Who-Has", 8: "Who-Is" },
};

function seen(datagrams: readonly Captured[]): Seen[] {
  const folder = mkdtempSync(join(tmpdir(), "mepwatch-tshark-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "said.pcap");
  writeFileSync(file, capture(datagrams));
  const fields = [
    ...["frame.protocols", "ip.src", "bvlc.function", "bacnet.mesgtyp", "bacapp.type", "bacapp.confirmed_service"],
    ...["bacapp.unconfirmed_service", "_ws.malformed", "_ws.expert.message"],
  ];
  const args = ["-r", file, "-d", `udp.port==${port},bvlc`, "-T", "fields", "-E", "separator=;", "-E", "occurrence=f"];
  const all = [...args, ...fields.flatMap((field) => ["-e", field])];
  return execFileSync(tshark, all, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => {
      const [protocols = "", from = "", link = "", message = "", type = "", service = "", told = "", ...wrong] =
        line.split(";");
      const name = service === "" ? (told === "" ? "" : unconfirmed[Number(told)]) : confirmed[Number(service)];
      const kind = type === "" ? (message === "" ? "" : "network message") : kinds[Number(type)];
      const how = links[Number(link)] ?? `BVLC ${link}`;
      const isDecoded = /:bvlc(:bacnet(:bacapp)?)?$/.test(protocols);
      return {
        isOurs: from === agent.host,
        what: [how, name, kind === "request" ? "" : kind].filter((part) => part !== "").join(" "),
        wrong: [isDecoded ? "" : protocols, ...wrong].join(""),
      };
    });
}

test.runIf(isThere)(
  "Wireshark decodes all that the driver says and is told, and finds the services that are meant",
  async () => {
    const said = await everything();
    const all = seen(said);
    expect(all).toHaveLength(said.length);
    expect(all.flatMap(({ wrong }, nth) => (wrong === "" ? [] : [[wrong, said[nth]!.octets.toString("hex")]]))).toEqual(
      [],
    );
    const whats = (isOurs: boolean) =>
      [...new Set(all.filter((one) => one.isOurs === isOurs).map(({ what }) => what))].toSorted();
    expect(whats(true)).toEqual(ours);
    expect(whats(false)).toEqual(theirs);
  },
  60_000,
);

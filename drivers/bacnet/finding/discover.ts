import type { Env } from "../../../agent/env.ts";
import { deadlineIn } from "../../deadline.ts";
import type { Discovery, Found, Owner, Search } from "../../driver.ts";
import { visible } from "../../told.ts";
import { type Bus, type Device, instanceMax, objectName, type Part } from "../schema.ts";
import { tell } from "../self-told.ts";
import type { Hub } from "../wire/hub.ts";
import { keyOfPeer, type Peer, sayPeer } from "../wire/line.ts";
import { type IAm, whoHas, whoIs } from "../wire/whois.ts";
import { addressOf, askerOf, gather } from "./gather.ts";

const instances = { from: 0, to: instanceMax };

/**
 * Who is there, by Who-Is, and who has an object, by Who-Has. On a bus with a host only that one is asked, and the networks behind
 * it if it is a router; on one without all that the network reaches.
 */
export const discovery: Discovery<Bus, Device, Hub> = {
  ...{ number: "instance", all: instances, usual: instances, isDisturbing: false },
  // A whole network is looked through only where somebody wants that.
  likely: ({ host }) => (host === undefined ? [] : [instances]),
  async look(bus, env, hub, search) {
    const heard = new Map<string, { readonly told: IAm; readonly peer: Peer }>();
    const lost = await gather(bus, env, hub, search, whoIs, (told, peer) => {
      if (told.kind === "i-am") heard.set(`${told.device} ${keyOfPeer(peer)}`, { told, peer });
    });
    const inOrder = [...heard.values()].sort((a, b) => a.told.device - b.told.device);
    for (const { told, peer } of inOrder) search.found(await introduced(bus, env, hub, search, told, peer));
    return lost;
  },
  async seek(name, bus, env, hub, search) {
    const heard = new Map<string, Owner<Device>>();
    const ask = (low: number, high: number): Buffer => whoHas(low, high, name);
    const lost = await gather(bus, env, hub, search, ask, (told, peer) => {
      if (told.kind !== "i-have") return;
      const { device: instance, object } = told;
      const one = { device: addressOf(bus, instance, peer), at: sayPeer(peer), name: visible(told.name) };
      const said = `${objectName(object.type)} ${object.instance}`;
      heard.set(`${instance} ${keyOfPeer(peer)} ${said}`, { ...one, object: said });
    });
    for (const one of heard.values()) search.found(one);
    return lost;
  },
};

const parts: readonly { readonly name: string; readonly address: Part }[] = [
  { name: "vendor", address: { property: "vendor-name" } },
  { name: "model", address: { property: "model-name" } },
  { name: "revision", address: { property: "firmware-revision" } },
  { name: "name", address: { property: "object-name" } },
];

/** What it tells of itself; of a device that does not answer nothing but that it is there, and whose it is. */
async function introduced(
  bus: Bus,
  env: Env,
  hub: Hub,
  { timeoutMs, signal }: Search<Found<Device>>,
  { device: instance, vendor }: IAm,
  peer: Peer,
): Promise<Found<Device>> {
  const ask = askerOf(hub, peer, timeoutMs, signal);
  const told = await tell({ instance }, parts, ask, { isSingle: false }, deadlineIn(env, timeoutMs));
  const texts = new Map(told.flatMap((one) => ("text" in one ? [[one.part, one.text]] : [])));
  const of = (part: string): string | null => texts.get(part) ?? null;
  return {
    ...{ device: addressOf(bus, instance, peer), at: sayPeer(peer) },
    ...{ vendor: of("vendor") ?? `vendor ${vendor}`, model: of("model"), revision: of("revision"), name: of("name") },
  };
}

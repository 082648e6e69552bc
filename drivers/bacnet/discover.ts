import type { Env } from "../../agent/env.ts";
import { deadlineIn } from "../deadline.ts";
import type { Discovery, Found, Owner, Search } from "../driver.ts";
import { visible } from "../told.ts";
import type { Hub } from "./hub.ts";
import { keyOfPeer, type Peer, sayPeer } from "./line.ts";
import type { Ask } from "./reader.ts";
import { type Bus, type Device, instanceMax, objectName, type Part } from "./schema.ts";
import { tell } from "./self-told.ts";
import { pause, sweep } from "./sweep.ts";
import { type IAm, type IHave, whoHas, whoIs } from "./whois.ts";

/**
 * Who is there, by Who-Is, and who has an object, by Who-Has. On a bus with a host only that one is asked, and the networks behind
 * it if it is a router; on one without all that the network reaches.
 */
const instances = { from: 0, to: instanceMax };
export const discovery: Discovery<Bus, Device, Hub> = {
  ...{ number: "instance", all: instances, usual: instances, isDisturbing: false },
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

/** Asks for all numbers, and waits for the last answers. */
async function gather(
  { host, port }: Bus,
  env: Env,
  hub: Hub,
  { ranges, signal, timeoutMs, tried }: Search<never>,
  question: (low: number, high: number) => Buffer,
  take: (told: IAm | IHave, peer: Peer) => void,
): Promise<string | null> {
  let lost: string | null = null;
  let count = 0;
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const to = host === undefined ? null : { host, port };
  const failed = (error: Error): void => {
    lost = error.message;
    stop.abort();
  };
  const end = hub.onFound((told, peer) => {
    // Others may be introducing themselves, or answering somebody else.
    const isThere = host === undefined || (peer.host === host && peer.port === port);
    if (!isThere || !ranges.some(({ from, to }) => told.device >= from && told.device <= to)) return;
    count++;
    take(told, peer);
  });
  const ask = (low: number, high: number): void => hub.call(question(low, high), to, failed);
  await sweep(env, { ranges, signal: either, ask, answers: () => count, tried });
  await pause(env, timeoutMs, either);
  end();
  return lost;
}

/** In a bus with a host a device is behind its router by network and mac; otherwise Who-Is finds it again. */
const addressOf = ({ host }: Bus, instance: number, { station }: Peer): Device =>
  host === undefined || station === null ? { instance } : { instance, ...station };

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
  const ask: Ask = async (encode, { leftMs }) => {
    const { answer, cancel } = hub.line(peer).ask(encode, leftMs());
    const stop = (): void => cancel("stopped");
    signal.addEventListener("abort", stop);
    return answer.finally(() => signal.removeEventListener("abort", stop));
  };
  const told = signal.aborted ? [] : await tell({ instance }, parts, ask, false, deadlineIn(env, timeoutMs));
  const texts = new Map(told.flatMap((one) => ("text" in one ? [[one.part, one.text]] : [])));
  const of = (part: string): string | null => texts.get(part) ?? null;
  return {
    ...{ device: addressOf(bus, instance, peer), at: sayPeer(peer) },
    ...{ vendor: of("vendor") ?? `vendor ${vendor}`, model: of("model"), revision: of("revision"), name: of("name") },
  };
}

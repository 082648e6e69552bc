import { createSocket } from "node:dgram";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { fromFiles, load } from "../../../agent/config/load.ts";
import { realEnv } from "../../../agent/env.ts";
import { simulate } from "../../../agent/simulate/site.ts";
import { drivers } from "../../../drivers/index.ts";
import { decodeEnvelope } from "../../../drivers/snmp/message.ts";
import { notificationOf } from "../../../drivers/snmp/notification.ts";
import { until } from "../../process.ts";
import { noSecret, storyNamed } from "./demo.ts";

const host = "127.0.0.1";
const onBattery = "1.3.6.1.2.1.33.2.1";
const profile = {
  ...{ profile: "ups", describe: "A UPS.", protocol: "snmp", class: "ups" },
  points: { "output-source": { address: { oid: "1.3.6.1.2.1.33.1.4.1.0" } } },
  traps: { "on-battery": { oid: onBattery, points: ["output-source"] } },
};
const device = (id: string, bus: object) => ({ id, profile: "ups", bus: { protocol: "snmp", host, ...bus } });

test("a simulated UPS says by a trap that its source has changed, from where it answers, and not how it begins", async () => {
  const files = {
    "site.yaml": JSON.stringify({
      ...{ version: 1, site: { id: "s" } },
      devices: [device("asked", {}), device("secret", { version: 3, user: "ops" })],
    }),
    "profiles/ups.yaml": JSON.stringify(profile),
  };
  const { site, problems } = load("site.yaml", fromFiles(files), drivers, noSecret);
  expect(problems).toEqual([]);
  const listener = createSocket("udp4").bind(0, host);
  onTestFinished(() => void listener.close());
  await once(listener, "listening");
  const heard: (readonly [port: number, community: unknown, trap: unknown])[] = [];
  listener.on("message", (bytes, { port }) => {
    const envelope = decodeEnvelope(bytes)!;
    heard.push([port, envelope.community, notificationOf(envelope.body)?.oid]);
  });
  const trapsTo = { address: host, port: listener.address().port };
  const env = realEnv({ logLevel: "silent" });
  const how = { story: storyNamed("outage"), seed: 1, speed: 30, host, anyPort: true, trapsTo };
  const simulated = await simulate(env, site!, how);
  onTestFinished(() => simulated.close());
  // The utility fails after 5 s and is back after 52 s of the story.
  await until(() => (heard.length >= 2 ? true : null));
  const [port] = [...simulated.ports.values()];
  expect(heard.slice(0, 2)).toEqual([
    [port, "public", onBattery],
    [port, "public", onBattery],
  ]);
});

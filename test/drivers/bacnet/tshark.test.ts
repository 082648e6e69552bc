import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { rejection, unicast } from "../../../drivers/bacnet/wire/packet.ts";
import { requireProgram } from "../../interop/programs.ts";
import { device, type Held, hex } from "./device.ts";
import { capture } from "./pcap.ts";

/** All that a simulated device says, as Wireshark reads it: another's reading of the standard. */

const tshark = "/usr/bin/tshark";
const isThere = requireProgram(tshark);
const place = { host: "127.0.0.1", port: 47_808 };
const types = [
  ...["analog-input", "analog-output", "analog-value", "binary-input", "binary-output", "binary-value", "loop"],
  ...["multi-state-input", "multi-state-output", "multi-state-value", "accumulator", "pulse-converter"],
  ...["integer-value", "large-analog-value", "positive-integer-value"],
];
const states = ["event-state", "reliability", "out-of-service"];
const held: Held = [
  ...types.map((object) => [{ object, instance: 1 }, 3] as const),
  ...types.flatMap((object) => states.map((property) => [{ object, instance: 2, property }, 1] as const)),
  ...types.map((object) => [{ object, instance: 2 }, 3] as const),
  [{ object: "analog-value", instance: 1, property: "event-enable" }, 5],
  [{ object: "analog-output", instance: 1, property: "priority-array", index: 8 }, 50],
  [{ events: "active" }, 30],
];
const words = { name: "Größe", unit: "Cel", texts: { 0: "off", 1: "on", 2: "auto", 3: "hand" } };
/** Context tag 0, an object identifier. */
const numbers = [0, 1, 2, 3, 4, 5, 12, 13, 14, 19, 23, 24, 45, 46, 48];
const objectOf = (type: number, instance: number): string => (type * 2 ** 22 + instance).toString(16).padStart(8, "0");

async function everything(): Promise<string[]> {
  const { ask, env, set, simulated, said } = device(held, { describe: () => words });
  ask("1008");
  ask("1007 2c00000001");
  for (const type of numbers)
    for (const instance of [1, 2]) {
      ask(`0005 01 0e 0c${objectOf(type, instance)} 1e 0908 1f`);
      ask(`0005 01 05 0901 1c${objectOf(type, instance)} 29${instance === 1 ? "01" : "00"} 393c`);
    }
  for (const asked of [
    "0c 0c02000001 194c",
    "0c 0c02000001 194c 2900",
    "0e 0c02000001 1e 0908 1f",
    "0c 0c00000009 1955",
  ])
    ask(`0005 01 ${asked}`);
  for (const asked of ["03", "1d", "1d 0c00800001", "0f", "0c"]) ask(`0005 01 ${asked}`);
  ask("0000 01 0e 0c00000001 1e 0908 1f");
  await env.advance(100);
  for (const nth of types.keys()) {
    for (const [now, instance] of [
      [7, 1],
      [1, 1],
      [3, 1],
      [3, 2],
    ] as const) {
      set(nth, now);
      const object = types[nth];
      for (const isConfirming of [false, true])
        simulated.announce({ object, instance }, { address: "127.0.0.1", port: 5000, isConfirming });
    }
  }
  await env.advance(100);
  simulated.misbehave("segmented");
  ask("0005 01 0c 0c00000001 1955");
  const apdus = said.map(({ apdu }) => unicast(hex(apdu), { source: { network: 2001, mac: "07" } }));
  return [...apdus, rejection(1, { network: 2003, mac: "" })].map((octets) => octets.toString("hex"));
}

test.runIf(isThere)("Wireshark decodes whatever a simulated device says, to its last octet", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mepwatch-tshark-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "said.pcap");
  const datagrams = await everything();
  expect(datagrams.length).toBeGreaterThan(200);
  writeFileSync(file, capture(datagrams.map((text) => ({ octets: Buffer.from(text, "hex"), from: place, to: place }))));
  const fields = ["frame.number", "frame.protocols", "_ws.malformed", "_ws.expert.message", "bacapp.type"];
  const args = ["-r", file, "-T", "fields", "-E", "separator=;", ...fields.flatMap((field) => ["-e", field])];
  const lines = execFileSync(tshark, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
    .trim()
    .split("\n");
  expect(lines).toHaveLength(datagrams.length);
  const wrong = lines
    .map((line) => line.split(";"))
    .filter(([, protocols = "", malformed, expert]) => !protocols.includes("bacnet") || malformed || expert)
    .map(([number, ...why]) => [datagrams[Number(number) - 1], ...why]);
  expect(wrong).toEqual([]);
});

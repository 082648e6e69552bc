import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { bus } from "../../drivers/snmp/schema.ts";
import { serveSnmp } from "../../drivers/snmp/simulator.ts";
import { readSnmprec } from "../../drivers/snmp/snmprec.ts";
import { requireProgram } from "./programs.ts";

/** Net-SNMP's tools against our simulator: get, walk and bulk walk, in each version of SNMP. */
const present = ["snmpget", "snmpwalk", "snmpbulkwalk"].every((name) => requireProgram(`/usr/bin/${name}`));

const root = "1.3.6.1.4.1.99999";
/** A scalar, a table of two columns and forty rows, and what stands behind it. */
const rows = Array.from({ length: 40 }, (_, row) => row + 1);
const recording = [
  `${root}.1.0|4|box`,
  ...rows.map((row) => `${root}.2.1.1.${row}|4|outlet ${row}`),
  ...rows.map((row) => `${root}.2.1.2.${row}|66|${100 + row}`),
  `${root}.3.0|70|18446744073709551615`,
].join("\n");
const { objects } = readSnmprec(recording);

const auth = { protocol: "sha256", key: "authpass12" };
const priv = { protocol: "aes128", key: "privpass12" };
const signing = ["-a", "SHA-256", "-A", auth.key];
const v3 = (user: string, ...more: string[]): string[] => ["-v3", "-u", user, ...more];
const spoken: readonly { how: string; options: object; args: string[] }[] = [
  { how: "v1", options: {}, args: ["-v1", "-c", "public"] },
  { how: "v2c", options: {}, args: ["-v2c", "-c", "public"] },
  { how: "v3 noAuthNoPriv", options: { version: 3, user: "ops" }, args: v3("ops", "-l", "noAuthNoPriv") },
  {
    how: "v3 authNoPriv",
    options: { version: 3, user: "ops", auth },
    args: v3("ops", "-l", "authNoPriv", ...signing),
  },
  {
    how: "v3 authPriv in a context",
    options: { version: 3, user: "ops", auth, priv, context: "ups" },
    args: v3("ops", "-l", "authPriv", ...signing, "-x", "AES", "-X", priv.key, "-n", "ups"),
  },
];

async function start(options: object) {
  const parsed = bus.parse({ host: "127.0.0.1", ...options });
  const running = await serveSnmp({ host: "127.0.0.1", port: 0, bus: parsed, objects });
  onTestFinished(() => running.close());
  return running;
}

/** Lines as OID and value, without MIBs: a machine's own differ. */
async function tool(name: string, args: readonly string[], port: number, ...oids: string[]): Promise<string[]> {
  const bare = ["-On", "-Oe", "-OU", "-m", "", "-t", "5", "-r", "3"];
  const all = [...args, ...bare, `127.0.0.1:${port}`, ...oids];
  const { stdout } = await promisify(execFile)(`/usr/bin/${name}`, all);
  return stdout
    .trimEnd()
    .split("\n")
    .filter((line) => !/^End of MIB|No more variables/.test(line));
}

const column = (at: number, value: (row: number) => string) =>
  rows.map((row) => `.${root}.2.1.${at}.${row} = ${value(row)}`);
const table = [...column(1, (row) => `STRING: "outlet ${row}"`), ...column(2, (row) => `Gauge32: ${100 + row}`)];

describe.skipIf(!present).each(spoken)("Net-SNMP's tools, $how", ({ how, options, args }) => {
  test("snmpget", async () => {
    const { port } = await start(options);
    expect(await tool("snmpget", args, port, `${root}.1.0`, `${root}.2.1.2.7`)).toEqual([
      `.${root}.1.0 = STRING: "box"`,
      `.${root}.2.1.2.7 = Gauge32: 107`,
    ]);
  });

  test("snmpwalk", async () => {
    const { port } = await start(options);
    expect(await tool("snmpwalk", args, port, `${root}.2`)).toEqual(table);
  });

  test("a walk to the end of the view", async () => {
    const { port } = await start(options);
    const met = await tool("snmpwalk", args, port, ".1");
    const behind = how === "v1" ? [] : [expect.stringContaining("Counter64: 18446744073709551615")];
    // sysUpTime, which the simulator always has; of SNMPv1 there is no Counter64.
    expect(met).toEqual([expect.stringContaining("Timeticks"), expect.stringContaining("box"), ...table, ...behind]);
  });

  test.skipIf(how === "v1").each([1, 10, 25, 1000])("snmpbulkwalk, %i at a time", async (repetitions) => {
    const { port } = await start(options);
    expect(await tool("snmpbulkwalk", [...args, `-Cr${repetitions}`], port, `${root}.2`)).toEqual(table);
  });
});

test.skipIf(!present)("snmpwalk finds an endless walk out", async () => {
  const running = await start({});
  running.misbehave("endlessWalk");
  await expect(tool("snmpwalk", ["-v2c", "-c", "public"], running.port, root)).rejects.toThrow(/not increasing/);
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { realEnv } from "../../agent/env.ts";
import { bus } from "../../drivers/snmp/schema.ts";
import { SnmpSession } from "../../drivers/snmp/session.ts";
import { type Running, run } from "../process.ts";
import { freePort } from "./mosquitto.ts";
import { requireProgram } from "./programs.ts";

/** Debian's snmpd says who it is. */
const present = requireProgram("/usr/sbin/snmpd");

let folder: string;
let snmpd: Running | undefined;
let session: SnmpSession;
beforeAll(async () => {
  if (!present) return;
  folder = mkdtempSync(join(tmpdir(), "mepwatch-identity-"));
  const port = await freePort();
  const conf = join(folder, "snmpd.conf");
  writeFileSync(
    conf,
    `agentaddress udp:127.0.0.1:${port}\nrocommunity public 127.0.0.1\nsysObjectID .1.3.6.1.4.1.318.1.3.4.6\nsysName rack B2\n`,
  );
  snmpd = run("/usr/sbin/snmpd", ["-f", "-Lo", "-C", "-c", conf, "-p", join(folder, "snmpd.pid")]);
  await snmpd.line(/NET-SNMP version/);
  session = new SnmpSession(bus.parse({ host: "127.0.0.1", port }), realEnv({ logLevel: "silent" }));
});
afterAll(async () => {
  await session?.close();
  await snmpd?.kill("SIGKILL");
  if (folder) rmSync(folder, { recursive: true });
});

test.skipIf(!present)("sysObjectID, a text and what is not there, in one request", async () => {
  const parts = [
    { name: "id", address: { oid: "1.3.6.1.2.1.1.2.0" } },
    { name: "model", address: { oid: "1.3.6.1.2.1.1.5.0" } },
    { name: "serial", address: { oid: "1.3.6.1.4.1.318.1.1.26.2.1.9.1" } },
  ];
  expect(await session.identify({ device: {}, parts }, 5000)).toEqual([
    { part: "id", text: "1.3.6.1.4.1.318.1.3.4.6" },
    { part: "model", text: "rack B2" },
    { part: "serial", fault: "no_such_point", detail: expect.any(String) },
  ]);
});

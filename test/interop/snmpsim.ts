import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { realEnv } from "../../agent/env.ts";
import { bus } from "../../drivers/snmp/schema.ts";
import { SnmpSession } from "../../drivers/snmp/session.ts";
import { run, until } from "../process.ts";
import { freePort } from "./mosquitto.ts";

export const snmpsimd = "/usr/bin/snmpsimd";

/** nobody and nogroup: snmpsimd refuses to be root, and writes an index beside what it serves. */
const [uid, gid] = [65534, 65534];

/** A snmpsim that serves each recording under the community of its name (without .snmprec), on a free loopback port. */
export async function startSnmpsim(recordings: readonly string[]): Promise<{ port: number; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "mepwatch-snmpsim-"));
  const [data, cache] = [join(folder, "data"), join(folder, "cache")];
  for (const path of [data, cache]) mkdirSync(path);
  for (const file of recordings) copyFileSync(file, join(data, basename(file)));
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    chmodSync(folder, 0o755);
    for (const path of [data, cache]) chownSync(path, uid, gid);
  }
  const port = await freePort();
  const args = [
    ...["--v2c-arch", `--data-dir=${data}`, `--cache-dir=${cache}`, `--agent-udpv4-endpoint=127.0.0.1:${port}`],
    `--logging-method=file:${join(cache, "log")}`,
  ];
  const lowered = [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", snmpsimd, ...args];
  const running = isRoot ? run("/usr/bin/setpriv", lowered) : run(snmpsimd, args);
  const community = basename(recordings[0] ?? "", ".snmprec");
  const session = new SnmpSession(bus.parse({ host: "127.0.0.1", port, community }), realEnv({ logLevel: "silent" }));
  const points = [{ id: "up", device: {}, address: { oid: "1.3.6.1.2.1.1.1.0" } }];
  await until(async () => {
    const [reading] = await session.read({ points }, 500);
    return reading !== undefined && (!("fault" in reading) || reading.fault === "wrong_type") ? true : null;
  });
  await session.close();
  return {
    port,
    async stop() {
      await running.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../process.ts";

/** A mosquitto of the test's own, on a free loopback port. */
export async function startMosquitto(port?: number): Promise<{ url: string; port: number; stop(): Promise<void> }> {
  const chosen = port ?? (await freePort());
  const folder = mkdtempSync(join(tmpdir(), "mosquitto-"));
  const config = join(folder, "mosquitto.conf");
  writeFileSync(config, `listener ${chosen} 127.0.0.1\nallow_anonymous true\nlog_dest stderr\n`);
  const broker = run("/usr/sbin/mosquitto", ["-c", config]);
  await broker.line(/running/);
  return {
    url: `mqtt://127.0.0.1:${chosen}`,
    port: chosen,
    async stop() {
      await broker.kill("SIGTERM");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

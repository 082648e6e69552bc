import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort } from "../../interop/mosquitto.ts";
import { requireProgram } from "../../interop/programs.ts";
import { mepwatch } from "../../process.ts";
import { selfSigned, startMailServer } from "../sinks/notify/mail-server.ts";

/** What a facilities engineer does at commissioning, with servers that are there and one that is not. */
const canary = "hunter2-canary";
const siteYaml = `version: 1
site: { id: fra-1 }
devices: [{ id: ups-a, name: UPS-A, profile: ups/rfc1628, bus: { protocol: snmp, host: 127.0.0.1 } }]
`;
let folder: string;
const ends: (() => void)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-notify-"));
  ends.push(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "site.yaml"), siteYaml);
});
afterEach(() => {
  for (const end of ends.splice(0).toReversed()) end();
});

async function tried(environment: Record<string, string>) {
  const running = mepwatch(["notify", "--config", join(folder, "site.yaml"), "--test"], environment);
  const code = await running.ended;
  const said = [...running.stdout, ...running.stderr].join("\n");
  expect(said).not.toContain(canary);
  return { code, said };
}

async function webhook(): Promise<{ url: string; bodies: string[] }> {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    bodies.push(body);
    response.writeHead(202).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(
    () => server.close(),
    () => server.closeAllConnections(),
  );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${canary}`, bodies };
}

const tlsFrom: readonly (readonly [scheme: string, offers: readonly string[]])[] = [
  ["smtps", []],
  ["smtp", ["STARTTLS"]],
];
test.runIf(requireProgram("/usr/bin/openssl")).each(tlsFrom)(
  "one message on each channel, %s with its password over TLS, and what each answered",
  async (scheme, also) => {
    const tls = selfSigned(folder);
    const mail = await startMailServer({ tls, offers: ["AUTH PLAIN", ...also] });
    ends.push(mail.close);
    const { url, bodies } = await webhook();
    const { code, said } = await tried({
      NODE_EXTRA_CA_CERTS: tls.file,
      MEPWATCH_AGENT: "edge-1",
      MEPWATCH_NOTIFY_WEBHOOK_URL: url,
      MEPWATCH_NOTIFY_SMTP_URL: `${scheme}://127.0.0.1:${mail.port}`,
      MEPWATCH_NOTIFY_SMTP_USERNAME: "edge",
      MEPWATCH_NOTIFY_SMTP_PASSWORD: canary,
      MEPWATCH_NOTIFY_SMTP_FROM: "edge-1@example.com",
      MEPWATCH_NOTIFY_SMTP_TO: "ops@example.com",
    });
    expect(said).toBe("webhook  delivered  HTTP 202\nsmtp     delivered  accepted");
    expect(code).toBe(0);
    expect(bodies.map((body) => JSON.parse(body))).toMatchObject([{ site: "fra-1", agent: "edge-1", kind: "test" }]);
    expect(mail.lines).toContain(`AUTH PLAIN ${Buffer.from(`\0edge\0${canary}`).toString("base64")}`);
    expect(mail.mails).toHaveLength(1);
    if (scheme === "smtp") expect(mail.lines.indexOf("STARTTLS")).toBe(1);
  },
);

test("one that fails is named, the others are tried all the same", async () => {
  const { url, bodies } = await webhook();
  const { code, said } = await tried({
    MEPWATCH_NOTIFY_WEBHOOK_URL: url,
    MEPWATCH_NOTIFY_TRAP_TARGET: `127.0.0.1:${await freePort()}`,
    MEPWATCH_NOTIFY_TRAP_COMMUNITY: canary,
  });
  expect(said).toMatch(/^webhook {2}delivered {2}HTTP 202\ntrap {5}FAILED {5}unreachable: .*ECONNREFUSED/);
  expect(code).toBe(69);
  expect(bodies).toHaveLength(1);
});

test("no channel at all is said, and so is a setting that is wrong", async () => {
  expect(await tried({})).toEqual({
    code: 78,
    said: "No channel is set; set notify.webhook.url, notify.smtp.url or notify.trap.target.",
  });
  const wrong = await tried({ MEPWATCH_NOTIFY_WEBHOOK_URL: `ftp://${canary}` });
  expect(wrong).toEqual({ code: 78, said: expect.stringContaining("MEPWATCH_NOTIFY_WEBHOOK_URL: expected https://") });
});

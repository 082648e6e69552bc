import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { realEnv } from "../../../../agent/env.ts";
import { Secret } from "../../../../agent/secret.ts";
import type { News } from "../../../../agent/sinks/notify/notice.ts";
import { openSmtp } from "../../../../agent/sinks/notify/smtp.ts";
import { fakeEnv } from "../../../env.ts";
import { freePort } from "../../../interop/mosquitto.ts";
import { requireProgram } from "../../../interop/programs.ts";
import { until } from "../../../process.ts";
import { type MailServer, selfSigned, startMailServer } from "./mail-server.ts";
import { canary, down, over, raised, speaker } from "./news.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});
async function server(options: Parameters<typeof startMailServer>[0] = {}): Promise<MailServer> {
  const started = await startMailServer(options);
  ends.push(started.close);
  return started;
}

const env = realEnv({ logLevel: "silent" });
const to = ["ops@example.com", "night@example.com"];
function open(port: number, also: { user?: string; scheme?: string; env?: typeof env } = {}) {
  const { user = null, scheme = "smtp" } = also;
  const password = user === null ? null : new Secret(canary);
  const options = { url: `${scheme}://127.0.0.1:${port}`, username: user, password, from: "edge-1@example.com", to };
  return openSmtp(options, also.env ?? env, speaker);
}

/** The headers, unfolded, and the text, decoded. */
function parsed(mail: string): { headers: Record<string, string>; text: string } {
  const [head = "", body = ""] = mail.split(/\r\n\r\n([\s\S]*)/);
  const lines = head.replaceAll(/\r\n[ \t]+/g, " ").split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 2)]),
  );
  const bytes = body
    .replaceAll("=\r\n", "")
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return { headers, text: Buffer.from(bytes, "latin1").toString() };
}

const decoded = (subject = ""): string =>
  subject.replaceAll(/=\?UTF-8\?([BQ])\?(.*?)\?= ?/gi, (_, how: string, text: string) =>
    how.toUpperCase() === "B"
      ? Buffer.from(text, "base64").toString()
      : Buffer.from(
          text
            .replaceAll("_", " ")
            .replaceAll(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
          "latin1",
        ).toString(),
  );

test("a mail to each recipient, which can be understood from its subject", async () => {
  const { port, mails, lines } = await server();
  expect(await open(port).send(raised)).toEqual({ delivered: true, said: "accepted" });
  expect(lines.filter((line) => line.startsWith("RCPT"))).toEqual(to.map((one) => `RCPT TO:<${one}>`));
  const { headers, text } = parsed(mails[0]!);
  expect(decoded(headers.subject)).toBe(`[CRITICAL] ${raised.text}`);
  expect(headers).toMatchObject({ from: "edge-1@example.com", to: to.join(", "), "auto-submitted": "auto-generated" });
  expect(text).toContain(raised.text);
  for (const fact of ["fra-1", "edge-1", raised.conditionKey, raised.incidentId, raised.raisedAt])
    expect(text).toContain(fact);
});

test("the same news has the same Message-ID, and what is of one incident is one thread", async () => {
  const { port, mails } = await server();
  for (const news of [raised, raised, over, down]) await open(port).send(news);
  const [first, again, end, other] = mails.map((mail) => parsed(mail).headers);
  expect(again!["message-id"]).toBe(first!["message-id"]);
  expect(first!["message-id"]).toBe(`<${raised.incidentId}.critical@edge-1.fra-1.mepwatch>`);
  expect(end!["message-id"]).not.toBe(first!["message-id"]);
  expect(end!.references).toBe(first!.references);
  expect(end!.references).toContain(raised.incidentId);
  expect(decoded(end!.subject)).toMatch(/^\[CLEAR\] /);
  expect(decoded(other!.subject)).toBe("[UPLINK_DOWN] Uplink down for 5 min.");
  expect(other).not.toHaveProperty("references");
});

test("a text cannot add headers or recipients", async () => {
  const { port, mails, lines } = await server();
  const news: News = { ...raised, text: "hot\r\nBcc: evil@example.com\r\n\r\n.\r\nRCPT TO:<evil@example.com>" };
  await open(port).send(news);
  expect(mails).toHaveLength(1);
  expect(parsed(mails[0]!).headers).not.toHaveProperty("bcc");
  expect(lines.join("\n")).not.toContain("RCPT TO:<evil");
});

test("one recipient refused: the others have it, and that is said", async () => {
  const { port } = await server({ answers: { "RCPT TO:<night": "550 nobody" } });
  expect(await open(port).send(raised)).toEqual({ delivered: true, said: "accepted, 1 of 2 recipients refused" });
});

test.each([
  ["recipients refused", { "RCPT TO": "550 nobody" }],
  ["the mail refused", { ".": "554 no" }],
  ["come again later", { "MAIL FROM": "451 later" }],
])("%s: not delivered", async (_name, answers) => {
  const { port } = await server({ answers });
  const answer = await open(port).send(raised);
  expect(answer.delivered).toBe(false);
  expect(answer.said).toMatch(/^not accepted \(E\w+ [45]\d\d\)$/);
});

test("nobody listens", async () => {
  const answer = await open(await freePort()).send(raised);
  expect(answer).toEqual({ delivered: false, said: expect.stringMatching(/^not accepted \(E\w+\)$/) });
});

test("a server that says nothing more costs thirty seconds at most", async () => {
  const { port, lines } = await server({ answers: { "MAIL FROM": null } });
  const time = fakeEnv();
  const sent = open(port, { env: time }).send(raised);
  await until(() => (lines.some((line) => line.startsWith("MAIL")) ? true : null));
  await time.advance(30_000);
  expect(await sent).toEqual({ delivered: false, said: "no answer in 30 s" });
});

test("a password never goes out in the clear, also where the server asks for it", async () => {
  const { port, lines, mails } = await server({ offers: ["AUTH PLAIN LOGIN"], answers: { STARTTLS: "502 no" } });
  const answer = await open(port, { user: "edge" }).send(raised);
  expect(answer.delivered).toBe(false);
  expect(lines.filter((line) => line.startsWith("AUTH"))).toEqual([]);
  expect(mails).toEqual([]);
  expect(JSON.stringify(answer)).not.toContain(canary);
});

test.runIf(requireProgram("/usr/bin/openssl"))(
  "a certificate that nobody knows gets neither password nor mail",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "mepwatch-mail-"));
    ends.push(() => rmSync(folder, { recursive: true }));
    const { port, lines, mails } = await server({ tls: selfSigned(folder), offers: ["AUTH PLAIN"] });
    const answer = await open(port, { user: "edge", scheme: "smtps" }).send(raised);
    expect(answer).toEqual({ delivered: false, said: expect.stringMatching(/^not accepted/) });
    expect([...lines, ...mails]).toEqual([]);
  },
);

import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { realEnv } from "../../../../agent/env.ts";
import { Secret } from "../../../../agent/secret.ts";
import { notice } from "../../../../agent/sinks/notify/notice.ts";
import { openWebhook } from "../../../../agent/sinks/notify/webhook.ts";
import { fakeEnv } from "../../../env.ts";
import { freePort } from "../../../interop/mosquitto.ts";
import { canary, down, raised, speaker } from "./news.ts";

interface Heard {
  readonly headers: IncomingMessage["headers"];
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly body: unknown;
}

const servers: Server[] = [];
afterEach(() => {
  for (const one of servers.splice(0)) {
    one.closeAllConnections();
    one.close();
  }
});

/** Answers with the status; null: never. */
async function serve(
  status: number | null,
  headers: Record<string, string> = {},
): Promise<{ url: string; heard: Heard[] }> {
  const heard: Heard[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const part of request) text += part;
    heard.push({ headers: request.headers, method: request.method, url: request.url, body: JSON.parse(text) });
    if (status !== null) response.writeHead(status, headers).end(`you said ${text}`);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/${canary}`, heard };
}

const env = realEnv({ logLevel: "silent" });
const open = (url: string, token: string | null = null) =>
  openWebhook({ url: new Secret(url), token: token === null ? null : new Secret(token) }, env, speaker);

test("a notice is posted as the schema says, with its key and the token", async () => {
  const { url, heard } = await serve(204);
  expect(await open(url, canary).send(raised)).toEqual({ delivered: true, said: "HTTP 204" });
  const { key, ...told } = raised;
  expect(heard).toMatchObject([
    {
      method: "POST",
      url: `/services/${canary}`,
      headers: {
        "content-type": "application/json",
        "idempotency-key": key,
        authorization: `Bearer ${canary}`,
      },
      body: { site: "fra-1", agent: "edge-1", ...told },
    },
  ]);
  expect(notice.parse(heard[0]!.body)).toEqual(heard[0]!.body);
});

test("what is of no incident has a key that is its site's and agent's own; no token, no header", async () => {
  const { url, heard } = await serve(200);
  await open(url).send(down);
  expect(heard[0]!.headers).toMatchObject({ "idempotency-key": `fra-1/edge-1/${down.key}` });
  expect(heard[0]!.headers).not.toHaveProperty("authorization");
  expect(heard[0]!.body).not.toHaveProperty("incidentId");
});

test.each([301, 307, 400, 401, 404, 429, 500, 503])("HTTP %i is not delivered", async (status) => {
  const { url } = await serve(status);
  expect(await open(url).send(raised)).toEqual({ delivered: false, said: `HTTP ${status}` });
});

test("a redirect is followed nowhere: the token would go along", async () => {
  const elsewhere = await serve(200);
  const { url } = await serve(307, { location: elsewhere.url });
  expect(await open(url, canary).send(raised)).toEqual({ delivered: false, said: "HTTP 307" });
  expect(elsewhere.heard).toEqual([]);
});

test("a server that never answers costs ten seconds", async () => {
  const { url, heard } = await serve(null);
  const time = fakeEnv();
  const sent = openWebhook({ url: new Secret(url), token: null }, time, speaker).send(raised);
  while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await time.advance(10_000);
  expect(await sent).toEqual({ delivered: false, said: "no answer in 10 s" });
});

test.each([
  ["a port where nobody listens", async () => [`http://127.0.0.1:${await freePort()}/${canary}`, canary]],
  ["a token that is no header", async () => [(await serve(200)).url, `${canary}\nX: y`]],
  ["an address that is none", async () => [`http://${canary} x/`, canary]],
  ["a name that nobody knows", async () => [`http://${canary}.invalid/`, canary]],
  ["what is no HTTP", async () => [`https://127.0.0.1:${new URL((await serve(200)).url).port}/${canary}`, canary]],
] as const)("%s: not delivered, and no secret in what is said", async (_name, make) => {
  const [url = "", token = ""] = await make();
  const answer = await open(url, token).send(raised);
  expect(answer.delivered).toBe(false);
  expect(answer.said).not.toBe("");
  expect(JSON.stringify(answer)).not.toContain(canary);
});

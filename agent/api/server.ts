import { chmodSync, existsSync, lstatSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { type FastifyInstance, fastify } from "fastify";
import type { Role } from "../core/authority.ts";
import type { Agent } from "../pipeline/agent.ts";
import { doAccept } from "./accept.ts";
import { auditLines } from "./audit.ts";
import { doDeed, silences } from "./deeds.ts";
import { explanations, sayUnknown } from "./explain.ts";
import { type EventsAsked, eventsPage, incidentSnapshot, openSnapshot } from "./incidents.ts";
import { kpiSnapshot } from "./kpi.ts";
import { pointValues, snapshot } from "./status.ts";
import { trapsSnapshot } from "./traps.ts";
import { trendSnapshot } from "./trend.ts";

/**
 * The local API, on a Unix socket: who may open the socket may ask, and do what the role allows that the settings give
 * them. The command line is its client.
 */
export interface Api {
  close(): Promise<void>;
}

/** Of a Unix socket, on Linux (sun_path). */
const pathMax = 107;

/**
 * @param role what whoever may open the socket may do
 * @throws when the socket cannot be made, naming its path
 */
export async function serveApi(agent: Agent, version: string, socket: string, role: Role): Promise<Api> {
  // The defaults wait for ever: a client that sends nothing would hold its connection for good.
  const server = fastify({
    requestTimeout: 5000,
    connectionTimeout: 10_000,
    bodyLimit: 64 * 1024,
    forceCloseConnections: true,
  });
  routes(server, agent, version, role);
  // A longer one is cut off without a word.
  if (Buffer.byteLength(socket) > pathMax) throw new Error(`path longer than ${pathMax} bytes`);
  if (!existsSync(dirname(socket))) mkdirSync(dirname(socket));
  clearWay(socket);
  await server.listen({ path: socket });
  chmodSync(socket, 0o660);
  return { close: () => server.close() };
}

/** Takes away a socket that a killed process left behind, and nothing else. */
function clearWay(path: string): void {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!there.isSocket()) throw new Error("there is something else than a socket at this path");
  rmSync(path);
}

function routes(server: FastifyInstance, agent: Agent, version: string, role: Role): void {
  server.get("/status", () => snapshot(version, agent.status()));
  server.get("/silences", () => silences(agent));
  server.get<{ Querystring: { since?: string } }>("/audit", async ({ query }, reply) => {
    const answer = auditLines(agent, query);
    return "error" in answer ? await reply.code(400).send(answer) : answer;
  });
  server.get("/audit/verify", () => agent.audit.verify());
  server.get("/traps", () => ({ heard: trapsSnapshot(agent) }));
  server.get("/kpi", () => kpiSnapshot(agent));
  server.get("/incidents", () => openSnapshot(agent));
  server.get<{ Params: { "*": string } }>("/incidents/*", async ({ params }, reply) => {
    const answer = incidentSnapshot(agent, params["*"]);
    return "found" in answer ? await reply.code(404).send({ error: sayUnknown(answer) }) : answer;
  });
  server.get<{ Querystring: EventsAsked }>("/events", async ({ query }, reply) => {
    const answer = eventsPage(agent, query);
    return "error" in answer ? await reply.code(400).send(answer) : answer;
  });
  server.get<{ Params: { "*": string }; Querystring: { since?: string; buckets?: string } }>(
    "/trend/*",
    async ({ params, query }, reply) => {
      const answer = trendSnapshot(agent, params["*"], query);
      if ("found" in answer) return await reply.code(404).send({ error: sayUnknown(answer) });
      return "error" in answer ? await reply.code(400).send(answer) : answer;
    },
  );
  server.post("/command", async ({ body }, reply) => {
    const answer = doDeed(agent, role, body);
    return "error" in answer ? await reply.code(400).send(answer) : answer;
  });
  server.post("/accept", async ({ body }, reply) => {
    const answer = doAccept(agent, role, body);
    return "error" in answer ? await reply.code(400).send(answer) : answer;
  });
  server.get<{ Params: { "*": string } }>("/explain/*", async ({ params }, reply) => {
    const answer = agent.explain(params["*"]);
    if (!answer.found) return await reply.code(404).send({ error: sayUnknown(answer) });
    return explanations(agent.status().site, answer);
  });
  server.get<{ Params: { device: string; point?: string } }>("/read/:device/:point?", async ({ params }, reply) => {
    const { devices } = agent.status().site;
    const device = devices.find(({ id }) => id === params.device);
    if (device === undefined)
      return await reply.code(404).send({
        error: missing(
          "device",
          params.device,
          devices.map(({ id }) => id),
        ),
      });
    const points = device.points.filter(({ own }) => params.point === undefined || own === params.point);
    if (points.length === 0) {
      const known = device.points.map(({ own }) => own);
      return await reply.code(404).send({ error: missing(`point of ${device.id}`, params.point ?? "", known) });
    }
    const readings = await agent.read(device, new Set(points.map(({ id }) => id)));
    return pointValues(device, readings);
  });
}

const missing = (what: string, name: string, known: readonly string[]): string =>
  `no ${what} "${name}"; expected one of ${known.join(", ")}`;

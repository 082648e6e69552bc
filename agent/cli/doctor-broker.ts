import type { Site } from "../config/resolved.ts";
import type { Settings } from "../config/settings.ts";
import type { Env } from "../env.ts";
import { protocolChoice } from "../sinks/mqtt/brokers.ts";
import { openLink } from "../sinks/mqtt/link.ts";
import { type Finding, ok, wrong } from "./finding.ts";

/**
 * Whether each broker lets the agent in: with the agent's own connection, under another client id, or the broker would throw out
 * the agent that runs; and as a visitor, of whom nothing stays behind.
 */
export function brokerFindings(
  env: Env,
  { mqtt, agent }: Settings,
  site: Site,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const clientId = `${mqtt.clientId === "" ? `mepwatch-${site.id}-${agent}` : mqtt.clientId}-doctor`;
  return Promise.all(mqtt.urls.map((url) => brokerFinding(env, { ...mqtt, url, clientId }, signal)));
}

async function brokerFinding(env: Env, options: Parameters<typeof openLink>[1], signal: AbortSignal): Promise<Finding> {
  const { url, username } = options;
  const choice = protocolChoice(env);
  let opened = await openLink(env, options, choice.protocol(), null, signal);
  if ("refused" in opened && choice.fallBack(opened.refused))
    opened = await openLink(env, options, choice.protocol(), null, signal);
  if ("link" in opened) {
    await opened.link.end(true);
    const user = username === null ? "without a user" : `as ${username}`;
    return ok("broker", `${url} lets it in ${user}, MQTT ${choice.protocol() === 5 ? "5" : "3.1.1"}`);
  }
  if ("refused" in opened) {
    const remedy = "Check mqtt.username, mqtt.password, and whom the broker lets in; events wait meanwhile.";
    return wrong("broker", `${url} refuses it: ${opened.why}`, remedy);
  }
  const remedy = "Check mqtt.url, the way there, and with mqtts:// mqtt.ca; events wait meanwhile.";
  return wrong("broker", `${url} cannot be had: ${opened.away}`, remedy);
}

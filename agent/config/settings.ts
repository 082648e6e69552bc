import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import convict from "convict";
import { parse } from "yaml";
import { parseDuration } from "../core/duration.ts";
import { Secret } from "../secret.ts";
import { didYouMean } from "./problem.ts";
import { reference, type Secrets } from "./secrets.ts";

/**
 * How the agent runs (what it watches is the site's file): settings.yaml beside the site file, and over it the
 * environment. Strict: an unknown setting is an error, since a misspelt one would silently not count.
 */
export interface Settings {
  readonly agent: string;
  readonly mqtt: {
    readonly url: string;
    readonly prefix: string;
    readonly clientId: string;
    readonly username: string | null;
    readonly password: Secret | null;
    readonly ca: string | null;
    readonly cert: string | null;
    readonly key: Secret | null;
  };
  readonly store: string;
  readonly socket: string;
  readonly logLevel: string;
  readonly heartbeatMs: number;
}

const idFormat = (value: unknown): void => {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(String(value))) throw new Error("expected 1 to 64 letters, digits, _ or -");
};
const durationFormat = (value: unknown): void => {
  if (parseDuration(String(value)) === null) throw new Error('expected a duration such as "30s"');
};
const urlFormat = (value: unknown): void => {
  const url = URL.canParse(String(value)) ? new URL(String(value)) : null;
  if (url === null || !["mqtt:", "mqtts:"].includes(url.protocol))
    throw new Error("expected mqtt://HOST:PORT or mqtts://HOST:PORT");
  if (url.username !== "" || url.password !== "")
    throw new Error("expected no user or password in it; use mqtt.username, mqtt.password");
};

const text = (doc: string, env: string, fallback: string | null = null) => ({
  doc,
  env,
  format: String,
  default: fallback as string,
  nullable: true,
});

const schema = {
  agent: {
    doc: "Name of this agent in topics and events.",
    env: "MEPWATCH_AGENT",
    format: idFormat,
    default:
      hostname()
        .replaceAll(/[^A-Za-z0-9_-]/g, "-")
        .slice(0, 64) || "agent",
  },
  mqtt: {
    url: {
      doc: "Broker, mqtt:// or mqtts://.",
      env: "MEPWATCH_MQTT_URL",
      format: urlFormat,
      default: "mqtt://127.0.0.1:1883",
    },
    prefix: { doc: "First part of every topic.", env: "MEPWATCH_MQTT_PREFIX", format: idFormat, default: "mepwatch" },
    clientId: text("MQTT client id; default: mepwatch-SITE-AGENT.", "MEPWATCH_MQTT_CLIENT_ID"),
    username: text("MQTT user.", "MEPWATCH_MQTT_USERNAME"),
    password: text("MQTT password: ${file:…}, ${env:…} or ${credential:…}.", "MEPWATCH_MQTT_PASSWORD"),
    ca: text("File with the CA certificates that the broker's must come from.", "MEPWATCH_MQTT_CA"),
    cert: text("File with the client certificate.", "MEPWATCH_MQTT_CERT"),
    key: text("File with the client certificate's key.", "MEPWATCH_MQTT_KEY"),
  },
  store: text("File of the store.", "MEPWATCH_STORE", "/var/lib/mepwatch/store.db"),
  socket: text("Unix socket of the local API.", "MEPWATCH_SOCKET", "/run/mepwatch/api.sock"),
  log: {
    level: {
      doc: "Least level that is logged.",
      env: "MEPWATCH_LOG_LEVEL",
      format: ["debug", "info", "warn", "error", "silent"],
      default: "info",
    },
  },
  heartbeat: {
    doc: "How often the agent reports itself.",
    env: "MEPWATCH_HEARTBEAT",
    format: durationFormat,
    default: "30s",
  },
};

export type ReadSettings =
  | { readonly settings: Settings; readonly problems: readonly [] }
  | { readonly settings: null; readonly problems: readonly string[] };

/** `file`: null where there is none. Every problem names the setting and what was expected. */
export function readSettings(
  file: { readonly name: string; readonly text: string } | null,
  environment: Readonly<Record<string, string | undefined>>,
  secrets: Secrets,
): ReadSettings {
  const where = file?.name ?? "environment";
  const config = convict(schema, { env: { ...environment } as NodeJS.ProcessEnv, args: [] });
  try {
    if (file !== null)
      config.load((parse(file.text, { maxAliasCount: 100, prettyErrors: false }) as object | null) ?? {});
    config.validate({ allowed: "strict", output: () => {} });
  } catch (error) {
    return { settings: null, problems: explain(where, error instanceof Error ? error.message : String(error)) };
  }
  const problems: string[] = [];
  const secret = (name: "mqtt.password"): Secret | null => {
    const value = config.get(name) as string | null;
    if (value === null) return null;
    const named = reference(value);
    // The environment is where secrets may stand; a file is not.
    if (named === null && environment.MEPWATCH_MQTT_PASSWORD === value) return new Secret(value);
    const found =
      named === null
        ? { problem: "a secret may not stand in this file; expected ${file:…}, ${env:…} or ${credential:…}" }
        : secrets(named);
    if ("text" in found) return new Secret(found.text);
    problems.push(`${where}: ${name}: ${found.problem}`);
    return null;
  };
  const content = (name: "mqtt.ca" | "mqtt.cert" | "mqtt.key"): string | null => {
    const path = config.get(name) as string | null;
    if (path === null) return null;
    try {
      return readFileSync(path, "utf8");
    } catch {
      problems.push(`${where}: ${name}: cannot read ${path}; expected a PEM file this user may read`);
      return null;
    }
  };
  const key = content("mqtt.key");
  const settings: Settings = {
    agent: config.get("agent"),
    mqtt: {
      url: config.get("mqtt.url"),
      prefix: config.get("mqtt.prefix"),
      clientId: config.get("mqtt.clientId") ?? "",
      username: config.get("mqtt.username") as string | null,
      password: secret("mqtt.password"),
      ca: content("mqtt.ca"),
      cert: content("mqtt.cert"),
      key: key === null ? null : new Secret(key),
    },
    store: config.get("store"),
    socket: config.get("socket"),
    logLevel: config.get("log.level"),
    heartbeatMs: parseDuration(config.get("heartbeat")) ?? 30_000,
  };
  return problems.length > 0 ? { settings: null, problems } : { settings, problems: [] };
}

/** convict lists all problems in one message, a line each, with the value, which may be a secret. */
function explain(where: string, message: string): string[] {
  return message.split("\n").map((told) => {
    const line = told.replace(/: value was .*/, "");
    const [, unknown] = /configuration param '([^']+)' not declared/.exec(line) ?? [];
    return `${where}: ${line.trim()}${unknown === undefined ? "" : `;${didYouMean(unknown, names(schema))}`}`;
  });
}

function names(part: object, prefix = ""): string[] {
  return Object.entries(part).flatMap(([name, inner]: [string, object]) =>
    "default" in inner ? [prefix + name] : names(inner, `${prefix}${name}.`),
  );
}

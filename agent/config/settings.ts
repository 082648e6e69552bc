import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import convict from "convict";
import { type Role, roles } from "../core/authority.ts";
import { parseDuration } from "../core/duration.ts";
import { Secret } from "../secret.ts";
import type { TrustedKeys } from "../sinks/mqtt/gate.ts";
import type { NotifyOptions } from "../sinks/notify/index.ts";
import { readDocument } from "./document.ts";
import { readKeys } from "./keys.ts";
import { addressesFormat, addressFormat, notifyOptions, smtpFormat, targetFormat, webhookFormat } from "./notify.ts";
import { didYouMean, inOrder, sayProblem } from "./problem.ts";
import { type Secrets, secretOf } from "./secrets.ts";

/**
 * How the agent runs (what it watches is the site's file): settings.yaml beside the site file, and over it the
 * environment. Strict: an unknown setting is an error, since a misspelt one would silently not count.
 */
export interface Settings {
  readonly agent: string;
  readonly mqtt: {
    readonly urls: readonly string[];
    readonly prefix: string;
    readonly clientId: string;
    readonly username: string | null;
    readonly password: Secret | null;
    readonly ca: string | null;
    readonly cert: string | null;
    readonly key: Secret | null;
    readonly centre: string | null;
    readonly delivery: "broker" | "centre";
    readonly backfillRate: number;
  };
  /** Whose commands it obeys. */
  readonly commandKeys: TrustedKeys;
  readonly store: string;
  readonly history: { readonly keepMs: number; readonly bytesMax: number };
  /** Null: values are not sent. */
  readonly telemetry: { readonly everyMs: number; readonly beatMs: number } | null;
  readonly storeQuotaMiB: number;
  readonly socket: string;
  readonly localRole: Role;
  readonly logLevel: string;
  readonly heartbeatMs: number;
  readonly notify: NotifySettings;
}

/** What is told past the broker while that cannot be had for `afterMs`, and where; null: not there. */
export interface NotifySettings extends NotifyOptions {
  readonly afterMs: number;
}

const textFormat = (value: unknown): void => {
  if (typeof value !== "string" || value === "") throw new Error('expected a text; put it in "quotes"');
};
const idFormat = (value: unknown): void => {
  if (typeof value !== "string" || !/^[A-Za-z0-9_-]{1,64}$/.test(value))
    throw new Error("expected 1 to 64 letters, digits, _ or -");
};
const durationFormat = (value: unknown): void => {
  const ms = typeof value === "string" ? parseDuration(value) : null;
  if (ms === null || ms < 1000) throw new Error('expected a duration such as "30s", at least 1s');
};
const keepFormat = (value: unknown): void => {
  const ms = typeof value === "string" ? parseDuration(value) : null;
  if (ms === null || ms < 2 * hourMs || ms > 35 * 24 * hourMs)
    throw new Error('expected a duration from "2h" to "35d"');
};
const sizeFormat = (value: unknown): void => {
  if (!/^\d{1,7}$/.test(String(value)) || Number(value) < 16)
    throw new Error("expected a whole number of MiB, at least 16");
};
const hourMs = 3_600_000;
const addresses = (value: unknown): string[] => String(value).split(/\s*,\s*/);
const urlsFormat = (value: unknown): void => {
  for (const address of addresses(value)) {
    const url = URL.canParse(address) ? new URL(address) : null;
    if (url === null || !["mqtt:", "mqtts:"].includes(url.protocol))
      throw new Error("expected mqtt://HOST:PORT or mqtts://HOST:PORT, or several of them with commas");
    if (url.username !== "" || url.password !== "")
      throw new Error("expected no user or password in it; use mqtt.username, mqtt.password");
  }
};
const quotaFormat = (value: unknown): void => {
  if (!/^\d+$/.test(String(value)) || Number(value) < 32 || Number(value) > 65_536)
    throw new Error("expected a number of MiB from 32 to 65536");
};
const roleFormat = (value: unknown): void => {
  if (!(roles as readonly unknown[]).includes(value))
    throw new Error(`expected one of ${roles.join(", ")}.${didYouMean(String(value), roles)}`);
};
const deliveryFormat = (value: unknown): void => {
  if (value !== "broker" && value !== "centre") throw new Error("expected broker or centre");
};
const rateFormat = (value: unknown): void => {
  if (!/^\d{1,6}$/.test(String(value))) throw new Error("expected events a second, or 0 for as many as go");
};
const levels = ["debug", "info", "warn", "error", "silent"];
const levelFormat = (value: unknown): void => {
  if (!levels.includes(String(value)))
    throw new Error(`expected one of ${levels.join(", ")}.${didYouMean(String(value), levels)}`);
};

/** `sensitive`: what was given is never repeated in a message; it may be a secret in the wrong place. */
const setting = (doc: string, env: string, fallback: string, format: (value: unknown) => void = textFormat) => ({
  doc,
  env,
  format,
  default: fallback,
  sensitive: true,
});
const optional = (doc: string, env: string, format = textFormat) => ({
  ...setting(doc, env, "", format),
  default: null as string | null,
  nullable: true,
});

const host =
  hostname()
    .replaceAll(/[^A-Za-z0-9_-]/g, "-")
    .slice(0, 64) || "agent";

const schema = {
  agent: setting("Name of this agent in topics and events; default: the machine's.", "MEPWATCH_AGENT", host, idFormat),
  mqtt: {
    url: setting(
      "Broker, mqtt:// or mqtts://; or several with commas, tried in this order.",
      "MEPWATCH_MQTT_URL",
      "mqtt://127.0.0.1:1883",
      urlsFormat,
    ),
    prefix: setting("First part of every topic.", "MEPWATCH_MQTT_PREFIX", "mepwatch", idFormat),
    clientId: optional("MQTT client id; default: mepwatch-SITE-AGENT.", "MEPWATCH_MQTT_CLIENT_ID"),
    username: optional("MQTT user.", "MEPWATCH_MQTT_USERNAME"),
    password: optional("MQTT password: ${file:…}, ${env:…} or ${credential:…}.", "MEPWATCH_MQTT_PASSWORD"),
    ca: optional("File with the CA certificates that the broker's must come from.", "MEPWATCH_MQTT_CA"),
    cert: optional("File with the client certificate.", "MEPWATCH_MQTT_CERT"),
    key: optional("File with the client certificate's key.", "MEPWATCH_MQTT_KEY"),
    delivery: setting(
      "Whose acknowledgement lets go of an event: broker, or centre (it must then acknowledge).",
      "MEPWATCH_MQTT_DELIVERY",
      "broker",
      deliveryFormat,
    ),
    centre: {
      ...optional(
        "Name of the centre (STATE/NAME): while it says that it is away, events wait.",
        "MEPWATCH_MQTT_CENTRE",
      ),
      format: idFormat,
    },
    backfill: setting(
      "Events a second of those that waited for the line; 0: as many as go.",
      "MEPWATCH_MQTT_BACKFILL",
      "50",
      rateFormat,
    ),
  },
  commands: {
    keys: optional("File with the keys whose commands are obeyed; none: nobody's.", "MEPWATCH_COMMAND_KEYS"),
  },
  store: setting("File of the store.", "MEPWATCH_STORE", "/var/lib/mepwatch/store.db"),
  history: {
    keep: setting(
      "How long samples are kept before they become 15-minute figures.",
      "MEPWATCH_HISTORY_KEEP",
      "72h",
      keepFormat,
    ),
    size: setting("Room for them on the disk, beside the store, MiB.", "MEPWATCH_HISTORY_SIZE", "1024", sizeFormat),
  },
  telemetry: {
    every: {
      ...optional("How often values that tell something new are sent; absent: not at all.", "MEPWATCH_TELEMETRY_EVERY"),
      format: durationFormat,
    },
    beat: setting("How often a value that stays is said again.", "MEPWATCH_TELEMETRY_BEAT", "5m", durationFormat),
  },
  storeQuota: setting("Most that the store takes of the disk, MiB.", "MEPWATCH_STORE_QUOTA", "256", quotaFormat),
  localRole: setting("What whoever may open it may do.", "MEPWATCH_LOCAL_ROLE", "technician", roleFormat),
  socket: setting("Unix socket of the local API.", "MEPWATCH_SOCKET", "/run/mepwatch/api.sock"),
  log: { level: setting("Least level that is logged.", "MEPWATCH_LOG_LEVEL", "info", levelFormat) },
  notify: {
    after: setting("How long the broker must be away.", "MEPWATCH_NOTIFY_AFTER", "5m", durationFormat),
    webhook: {
      url: optional(
        "Where to POST: http:// or https://; or a reference.",
        "MEPWATCH_NOTIFY_WEBHOOK_URL",
        webhookFormat,
      ),
      token: optional("Bearer token: ${file:…}, ${env:…} or ${credential:…}.", "MEPWATCH_NOTIFY_WEBHOOK_TOKEN"),
    },
    smtp: {
      url: optional("Mail server: smtp:// or smtps://.", "MEPWATCH_NOTIFY_SMTP_URL", smtpFormat),
      username: optional("Its user.", "MEPWATCH_NOTIFY_SMTP_USERNAME"),
      password: optional("Its password: ${file:…} …", "MEPWATCH_NOTIFY_SMTP_PASSWORD"),
      from: optional("From whom the mail is.", "MEPWATCH_NOTIFY_SMTP_FROM", addressFormat),
      to: optional("To whom it goes, with commas.", "MEPWATCH_NOTIFY_SMTP_TO", addressesFormat),
    },
    trap: {
      target: optional("Who gets SNMPv2c informs: IP:PORT.", "MEPWATCH_NOTIFY_TRAP_TARGET", targetFormat),
      community: optional("Their community: ${file:…} …", "MEPWATCH_NOTIFY_TRAP_COMMUNITY"),
    },
  },
  heartbeat: setting("How often the agent reports itself.", "MEPWATCH_HEARTBEAT", "30s", durationFormat),
};

interface Named {
  readonly name: string;
  readonly env: string;
}

/** Every setting, by its name in the file and its environment variable. */
const named = (part: object, prefix = ""): Named[] =>
  Object.entries(part).flatMap(([name, inner]: [string, object]) =>
    "env" in inner ? [{ name: prefix + name, env: String(inner.env) }] : named(inner, `${prefix}${name}.`),
  );
export const settingNames: readonly Named[] = named(schema);

/** For tests, which kill the process at a named place. */
const otherVariables = ["MEPWATCH_CRASH"];

export type ReadSettings =
  | { readonly settings: Settings; readonly problems: readonly [] }
  | { readonly settings: null; readonly problems: readonly string[] };

/** `file`: null where there is none. Every problem names the place, the setting and what was expected. */
export function readSettings(
  file: { readonly name: string; readonly text: string } | null,
  environment: Readonly<Record<string, string | undefined>>,
  secrets: Secrets,
): ReadSettings {
  const document = readDocument(file?.name ?? "environment", file?.text ?? "");
  const inFile = [...document.problems];
  const inEnvironment = unknownVariables(environment);
  const tell = (name: string, what: string): void => {
    const variable = settingNames.find((one) => one.name === name)?.env;
    if (variable !== undefined && environment[variable] !== undefined) inEnvironment.push(`${variable}: ${what}`);
    else inFile.push(document.problem(name === "" ? [] : name.split("."), what));
  };
  const config = overlaid(document.value, environment, tell);
  const text = (name: string): string | null => {
    const value: unknown = config.get(name as "agent");
    return typeof value === "string" ? value : null;
  };
  const secret = (name: string, isPlain = false): Secret | null => {
    const value = text(name);
    if (value === null) return null;
    const variable = settingNames.find((one) => one.name === name)?.env ?? "";
    const found = secretOf(value, secrets, isPlain || environment[variable] === value);
    if ("problem" in found) tell(name, found.problem);
    return "secret" in found ? found.secret : null;
  };
  const key = fileOf("mqtt.key", config.get("mqtt.key"), tell);
  const settings: Settings = {
    agent: config.get("agent"),
    mqtt: {
      urls: addresses(config.get("mqtt.url")),
      prefix: config.get("mqtt.prefix"),
      clientId: config.get("mqtt.clientId") ?? "",
      username: config.get("mqtt.username"),
      password: secret("mqtt.password"),
      ca: fileOf("mqtt.ca", config.get("mqtt.ca"), tell),
      cert: fileOf("mqtt.cert", config.get("mqtt.cert"), tell),
      key: key === null ? null : new Secret(key),
      centre: config.get("mqtt.centre"),
      delivery: config.get("mqtt.delivery") as "broker" | "centre",
      backfillRate: Number(config.get("mqtt.backfill")),
    },
    commandKeys: trustedIn(config.get("commands.keys"), tell),
    store: config.get("store"),
    history: {
      keepMs: parseDuration(String(config.get("history.keep"))) ?? 72 * hourMs,
      bytesMax: Number(config.get("history.size")) * 2 ** 20,
    },
    telemetry: telemetryOf(config.get("telemetry.every"), config.get("telemetry.beat")),
    storeQuotaMiB: Number(config.get("storeQuota")),
    socket: config.get("socket"),
    localRole: config.get("localRole") as Role,
    logLevel: config.get("log.level"),
    heartbeatMs: parseDuration(String(config.get("heartbeat"))) ?? 30_000,
    notify: {
      afterMs: parseDuration(String(config.get("notify.after"))) ?? 300_000,
      ...notifyOptions({ text, secret, tell }),
    },
  };
  const problems = [...inEnvironment, ...inOrder(inFile).map(sayProblem)];
  return problems.length > 0 ? { settings: null, problems } : { settings, problems: [] };
}

function telemetryOf(every: string | null, beat: string): Settings["telemetry"] {
  const everyMs = parseDuration(String(every));
  return everyMs === null ? null : { everyMs, beatMs: parseDuration(String(beat)) ?? 300_000 };
}

type Tell = (name: string, what: string) => void;

/** The file's settings, over them the environment's; all that is wrong is told. */
function overlaid(value: unknown, environment: Readonly<Record<string, string | undefined>>, tell: Tell) {
  const config = convict(schema, { env: { ...environment } as NodeJS.ProcessEnv, args: [] });
  if (isMap(value)) config.load(withSections(value, tell));
  else if (value !== null) tell("", expectedMap);
  try {
    config.validate({ allowed: "strict", output: () => {} });
  } catch (error) {
    for (const line of String(error instanceof Error ? error.message : error).split("\n")) explain(line, tell);
  }
  return config;
}

const names = settingNames.map(({ name }) => name);

function nearest(word: string, known: readonly string[]): string {
  const hint = didYouMean(word, known);
  return hint === "" ? `; expected one of ${known.join(", ")}` : `.${hint}`;
}

const expectedMap = "expected settings, as  name: value";
const isMap = (value: unknown): value is object => typeof value === "object" && value !== null && !Array.isArray(value);

/** What convict cannot bear: a section of the schema that is no map. An empty one (null) is as none. */
function withSections(value: object, tell: Tell): object {
  const isSection = (name: string): boolean => names.some((one) => one.startsWith(`${name}.`));
  const kept = Object.entries(value).filter(([name, inner]) => {
    if (!isSection(name) || isMap(inner)) return true;
    if (inner !== null) tell(name, expectedMap);
    return false;
  });
  return Object.fromEntries(kept);
}

/** convict lists all that is wrong in one message, a line each. */
function explain(line: string, tell: Tell): void {
  const [, unknown] = /^configuration param '(.*)' not declared/.exec(line) ?? [];
  const [, name, what] = /^([\w.]+): (.*)$/.exec(line) ?? [];
  if (unknown !== undefined) {
    tell(unknown, `unknown setting "${unknown}"${nearest(unknown, names)}`);
  } else tell(name ?? "", what ?? line);
}

/** A misspelt variable would silently not count. */
function unknownVariables(environment: Readonly<Record<string, string | undefined>>): string[] {
  const known = [...settingNames.map(({ env }) => env), ...otherVariables];
  return Object.keys(environment)
    .filter((name) => name.startsWith("MEPWATCH_") && !known.includes(name))
    .map((name) => `${name}: unknown setting${nearest(name, known)}`);
}

function fileOf(name: string, path: string | null, tell: Tell, what = "a PEM file"): string | null {
  if (typeof path !== "string" || path === "") return null;
  try {
    return readFileSync(path, "utf8");
  } catch {
    tell(name, `cannot be read; expected the name of ${what} this user may read`);
    return null;
  }
}

function trustedIn(path: string | null, tell: Tell): TrustedKeys {
  const { keys, problems } = readKeys(fileOf("commands.keys", path, tell, "a file of trusted keys") ?? "");
  for (const { line, what } of problems) tell("commands.keys", `${path}:${line}: ${what}`);
  return keys;
}

import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, expect, test } from "vitest";
import { machineSecrets, type Secrets } from "../../../agent/config/secrets.ts";
import { type ReadSettings, readSettings, type Settings, settingNames } from "../../../agent/config/settings.ts";

const folder = mkdtempSync(join(tmpdir(), "mepwatch-settings-"));
afterAll(() => rmSync(folder, { recursive: true }));
const pem = join(folder, "file.pem");
writeFileSync(pem, "content");

const publicKey = generateKeyPairSync("ed25519").publicKey.export({ format: "der", type: "spki" }).toString("base64");
for (const kid of ["file", "env"]) writeFileSync(join(folder, `keys-${kid}`), `${kid} engineer ${publicKey}\n`);
writeFileSync(join(folder, "keys-wrong"), `ok viewer ${publicKey}\nhim boss ${publicKey}\n`);

const noSecrets: Secrets = () => ({ problem: "no secrets here" });
const read = (text: string | null, environment: Record<string, string> = {}, secrets = noSecrets): ReadSettings =>
  readSettings(text === null ? null : { name: "settings.yaml", text }, environment, secrets);

function good({ settings, problems }: ReadSettings): Settings {
  expect(problems).toEqual([]);
  return settings as Settings;
}

test("nothing needs to be set", () => {
  for (const text of [null, "", "\n# nothing yet\n", "mqtt:\n  # url: mqtt://broker\n"]) {
    const { logLevel, heartbeatMs, notify, ...rest } = good(read(text));
    const { agent, mqtt, store, history, telemetry, socket, localRole } = rest;
    expect(agent).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    expect({ mqtt, store, history, telemetry, socket, localRole, logLevel, heartbeatMs, notify }).toEqual({
      mqtt: {
        urls: ["mqtt://127.0.0.1:1883"],
        prefix: "mepwatch",
        clientId: "",
        username: null,
        password: null,
        ca: null,
        cert: null,
        key: null,
        centre: null,
        delivery: "broker",
        backfillRate: 50,
      },
      store: "/var/lib/mepwatch/store.db",
      history: { keepMs: 72 * 3_600_000, bytesMax: 2 ** 30 },
      telemetry: null,
      socket: "/run/mepwatch/api.sock",
      localRole: "technician",
      logLevel: "info",
      heartbeatMs: 30_000,
      notify: { afterMs: 300_000, webhook: null, smtp: null, trap: null },
    });
  }
});

const told = (trap: Settings["notify"]["trap"]): string | undefined =>
  trap === null ? undefined : `${trap.host.includes(":") ? `[${trap.host}]` : trap.host}:${trap.port}`;

/** What others need to be there. */
const whole: Readonly<Record<string, string>> = {
  MEPWATCH_NOTIFY_WEBHOOK_URL: "https://chat.example.com/x",
  MEPWATCH_NOTIFY_SMTP_URL: "smtp://mail.example.com",
  MEPWATCH_NOTIFY_SMTP_PASSWORD: "x",
  MEPWATCH_NOTIFY_SMTP_FROM: "x@example.com",
  MEPWATCH_NOTIFY_SMTP_TO: "x@example.com",
  MEPWATCH_NOTIFY_TRAP_TARGET: "10.0.0.9:162",
  MEPWATCH_NOTIFY_TRAP_COMMUNITY: "x",
};

/** Each setting: its place in the file, what is written there and in the variable, and where it arrives. */
const each: readonly [name: string, file: string, variable: string, arrives: (settings: Settings) => unknown][] = [
  ["agent", "in-file", "in-env", ({ agent }) => agent],
  ["mqtt.url", "mqtt://in-file:1883", "mqtts://in-env:8883, mqtt://second", ({ mqtt }) => mqtt.urls.join(", ")],
  ["mqtt.prefix", "in-file", "in-env", ({ mqtt }) => mqtt.prefix],
  ["mqtt.clientId", "in-file", "in-env", ({ mqtt }) => mqtt.clientId],
  ["mqtt.username", "in-file", "in-env", ({ mqtt }) => mqtt.username],
  ["mqtt.password", "${file:in-file}", "in-env", ({ mqtt }) => mqtt.password?.reveal()],
  ["mqtt.ca", join(folder, "in-file"), join(folder, "in-env"), ({ mqtt }) => mqtt.ca],
  ["mqtt.cert", join(folder, "in-file"), join(folder, "in-env"), ({ mqtt }) => mqtt.cert],
  ["mqtt.key", join(folder, "in-file"), join(folder, "in-env"), ({ mqtt }) => mqtt.key?.reveal()],
  ["mqtt.delivery", "centre", "broker", ({ mqtt }) => mqtt.delivery],
  ["mqtt.centre", "in-file", "in-env", ({ mqtt }) => mqtt.centre],
  ["mqtt.backfill", "0", "500", ({ mqtt }) => String(mqtt.backfillRate)],
  [
    "commands.keys",
    join(folder, "keys-file"),
    join(folder, "keys-env"),
    ({ commandKeys }) => join(folder, `keys-${[...commandKeys.keys()].join()}`),
  ],
  ["store", "in-file", "in-env", ({ store }) => store],
  ["history.keep", "2h", "48h", ({ history }) => `${history.keepMs / 3_600_000}h`],
  ["history.size", "16", "512", ({ history }) => String(history.bytesMax / 2 ** 20)],
  ["telemetry.every", "10s", "1m", ({ telemetry }) => `${(telemetry?.everyMs ?? 0) / 1000}s`],
  ["telemetry.beat", "10s", "1m", ({ telemetry }) => `${(telemetry?.beatMs ?? 0) / 1000}s`],
  ["storeQuota", "64", "128", ({ storeQuotaMiB }) => String(storeQuotaMiB)],
  ["localRole", "viewer", "engineer", ({ localRole }) => localRole],
  ["socket", "in-file", "in-env", ({ socket }) => socket],
  ["log.level", "debug", "error", ({ logLevel }) => logLevel],
  ["notify.after", "10s", "1m", ({ notify }) => `${notify.afterMs / 1000}s`],
  ["notify.webhook.url", "https://in-file/x", "http://in-env/x", ({ notify }) => notify.webhook?.url.reveal()],
  ["notify.webhook.token", "${file:in-file}", "in-env", ({ notify }) => notify.webhook?.token?.reveal()],
  ["notify.smtp.url", "smtp://in-file:25", "smtps://in-env", ({ notify }) => notify.smtp?.url],
  ["notify.smtp.username", "in-file", "in-env", ({ notify }) => notify.smtp?.username],
  ["notify.smtp.password", "${file:in-file}", "in-env", ({ notify }) => notify.smtp?.password?.reveal()],
  ["notify.smtp.from", "in-file@example.com", "in-env@example.com", ({ notify }) => notify.smtp?.from],
  ["notify.smtp.to", "in-file@example.com", "in-env@a.b, x@c.d", ({ notify }) => notify.smtp?.to.join(", ")],
  ["notify.trap.target", "10.0.0.5:162", "[fd00::5]:1162", ({ notify }) => told(notify.trap)],
  ["notify.trap.community", "${file:in-file}", "in-env", ({ notify }) => notify.trap?.community.reveal()],
  ["heartbeat", "10s", "1m", ({ heartbeatMs }) => `${heartbeatMs / 1000}s`],
];

test("each setting has a case below", () => {
  expect(each.map(([name]) => name)).toEqual(settingNames.map(({ name }) => name));
});

test.each(each)("%s: from the file, and over it from its variable", (name, file, variable, arrives) => {
  for (const one of ["in-file", "in-env"]) writeFileSync(join(folder, one), one);
  const seen = (written: string): string => (name.startsWith("mqtt.") ? written.replace(`${folder}/`, "") : written);
  const text = name.split(".").reduceRight((inner, key) => `{ "${key}": ${inner} }`, JSON.stringify(file));
  const { env } = settingNames.find((one) => one.name === name)!;
  const secrets: Secrets = () => ({ text: "${file:in-file}" });
  expect(env).toMatch(/^MEPWATCH_[A-Z_]+$/);
  // It counts only beside the other one.
  const on: Record<string, string> = name === "telemetry.beat" ? { MEPWATCH_TELEMETRY_EVERY: "1s" } : {};
  const { [env]: _, ...others }: Record<string, string> = name.startsWith("notify.") ? whole : on;
  expect(arrives(good(read(text, others, secrets)))).toBe(seen(file));
  const over = { ...others, [env]: variable };
  expect(arrives(good(read(text, over, secrets)))).toBe(variable === "1m" ? "60s" : seen(variable));
});

const wrong: readonly [name: string, text: string | null, environment: Record<string, string>, lines: string[]][] = [
  [
    "an unknown setting gets a hint",
    "mqtt:\n  ulr: mqtt://broker\n",
    {},
    ['settings.yaml:2:3: mqtt.ulr: unknown setting "mqtt.ulr". Did you mean "mqtt.url"?'],
  ],
  [
    "one that is like no other is told all there are",
    "colour: blue\n",
    {},
    [
      'settings.yaml:1:1: colour: unknown setting "colour"; expected one of agent, mqtt.url, mqtt.prefix, mqtt.clientId, mqtt.username, mqtt.password, mqtt.ca, mqtt.cert, mqtt.key, mqtt.delivery, mqtt.centre, mqtt.backfill, commands.keys, store, history.keep, history.size, telemetry.every, telemetry.beat, storeQuota, localRole, socket, log.level, notify.after, notify.webhook.url, notify.webhook.token, notify.smtp.url, notify.smtp.username, notify.smtp.password, notify.smtp.from, notify.smtp.to, notify.trap.target, notify.trap.community, heartbeat',
    ],
  ],
  [
    "a misspelt variable",
    null,
    { MEPWATCH_MQTT_ULR: "mqtt://broker", OTHER: "1" },
    ['MEPWATCH_MQTT_ULR: unknown setting. Did you mean "MEPWATCH_MQTT_URL"?'],
  ],
  [
    "a file of trusted keys in which a line is wrong",
    null,
    { MEPWATCH_COMMAND_KEYS: join(folder, "keys-wrong") },
    [
      `MEPWATCH_COMMAND_KEYS: ${join(folder, "keys-wrong")}:2: no such ROLE; expected one of viewer, technician, engineer, supervisor, service behind the KID.`,
    ],
  ],
  [
    "one that is not there",
    "commands: { keys: /nowhere/keys }\n",
    {},
    [
      "settings.yaml:1:13: commands.keys: cannot be read; expected the name of a file of trusted keys this user may read",
    ],
  ],
  [
    "a password in the file",
    "mqtt: { password: hunter2 }\n",
    {},
    [
      "settings.yaml:1:9: mqtt.password: a secret may not stand in this file; expected ${file:…}, ${env:…} or ${credential:…}",
    ],
  ],
  [
    "a password that looks like a number",
    "mqtt: { password: 12345678 }\n",
    {},
    ['settings.yaml:1:9: mqtt.password: expected a text; put it in "quotes"'],
  ],
  [
    "a password in the broker's address",
    "mqtt: { url: mqtt://me:hunter2@broker }\n",
    {},
    ["settings.yaml:1:9: mqtt.url: expected no user or password in it; use mqtt.username, mqtt.password"],
  ],
  [
    "the same from the environment is told of the variable",
    "mqtt: { url: mqtt://broker }\n",
    { MEPWATCH_MQTT_URL: "mqtt://me:hunter2@broker" },
    ["MEPWATCH_MQTT_URL: expected no user or password in it; use mqtt.username, mqtt.password"],
  ],
  [
    "another scheme",
    null,
    { MEPWATCH_MQTT_URL: "https://broker" },
    ["MEPWATCH_MQTT_URL: expected mqtt://HOST:PORT or mqtts://HOST:PORT, or several of them with commas"],
  ],
  [
    "one of several brokers",
    null,
    { MEPWATCH_MQTT_URL: "mqtt://a, b:1883" },
    ["MEPWATCH_MQTT_URL: expected mqtt://HOST:PORT or mqtts://HOST:PORT, or several of them with commas"],
  ],
  ["an empty variable", null, { MEPWATCH_STORE: "" }, ['MEPWATCH_STORE: expected a text; put it in "quotes"']],
  [
    "a secret that is not there",
    "mqtt: { password: '${env:NOBODY}' }\n",
    {},
    ["settings.yaml:1:9: mqtt.password: no secrets here"],
  ],
  [
    "a key pasted instead of its file's name",
    "mqtt: { key: hunter2 }\n",
    {},
    ["settings.yaml:1:9: mqtt.key: cannot be read; expected the name of a PEM file this user may read"],
  ],
  [
    "everything at once, each where it stands",
    'agent: 5\nmqtt: { prefix: "a/b" }\nlog: { level: inof }\nheartbeat: 30\nstore: null\nscoket: x\n',
    {},
    [
      "settings.yaml:1:1: agent: expected 1 to 64 letters, digits, _ or -",
      "settings.yaml:2:9: mqtt.prefix: expected 1 to 64 letters, digits, _ or -",
      'settings.yaml:3:8: log.level: expected one of debug, info, warn, error, silent. Did you mean "info"?',
      'settings.yaml:4:1: heartbeat: expected a duration such as "30s", at least 1s',
      'settings.yaml:5:1: store: expected a text; put it in "quotes"',
      'settings.yaml:6:1: scoket: unknown setting "scoket". Did you mean "socket"?',
    ],
  ],
  [
    "a token in the file",
    "notify: { webhook: { url: 'https://chat/x', token: hunter2 } }\n",
    {},
    [
      "settings.yaml:1:45: notify.webhook.token: a secret may not stand in this file; expected ${file:…}, ${env:…} or ${credential:…}",
    ],
  ],
  [
    "another scheme for the webhook, a user in it, a server that is none",
    "notify: { webhook: { url: 'ftp://hunter2/x' }, smtp: { url: 'smtp://me:hunter2@mail', from: a@b, to: a@b } }\n",
    {},
    [
      "settings.yaml:1:22: notify.webhook.url: expected https://HOST/PATH or http://HOST/PATH, or ${file:…}, ${env:…}, ${credential:…}",
      "settings.yaml:1:56: notify.smtp.url: expected no user or password in it; use notify.smtp.username, notify.smtp.password",
    ],
  ],
  [
    "a reference to what is no address",
    "notify: { webhook: { url: '${env:CHAT}' } }\n",
    { CHAT: "hunter2" },
    ["settings.yaml:1:22: notify.webhook.url: what it refers to is no https:// or http:// address"],
  ],
  [
    "a mail server without anybody to write to",
    "notify: { smtp: { url: 'smtp://mail' } }\n",
    {},
    [
      "settings.yaml:1:19: notify.smtp.url: is set without notify.smtp.from; expected both",
      "settings.yaml:1:19: notify.smtp.url: is set without notify.smtp.to; expected both",
    ],
  ],
  [
    "a user without a password, a target without a community",
    null,
    { MEPWATCH_NOTIFY_SMTP_USERNAME: "me", MEPWATCH_NOTIFY_TRAP_TARGET: "10.0.0.5:162" },
    [
      "MEPWATCH_NOTIFY_SMTP_USERNAME: is set without notify.smtp.password; expected both",
      "MEPWATCH_NOTIFY_TRAP_TARGET: is set without notify.trap.community; expected both",
    ],
  ],
  ...["host:162", "10.0.0.5", "10.0.0.5:0", "10.0.0.5:65536", "300.0.0.5:162", "fd00::5:162", "[10.0.0.5]:162"].map(
    (target): (typeof wrong)[number] => [
      `${target} for a target`,
      null,
      { MEPWATCH_NOTIFY_TRAP_TARGET: target },
      ["MEPWATCH_NOTIFY_TRAP_TARGET: expected IP:PORT, such as 10.0.0.5:162 or [fd00::5]:162"],
    ],
  ),
  ...["ops", "ops@example.com, night", "ops@example.com;night@example.com", "Ops <ops@example.com>", "a@b\nc@d"].map(
    (to): (typeof wrong)[number] => [
      `${JSON.stringify(to)} for recipients`,
      null,
      { MEPWATCH_NOTIFY_SMTP_TO: to },
      ["MEPWATCH_NOTIFY_SMTP_TO: expected mail addresses, NAME@DOMAIN, separated by commas"],
    ],
  ),
  [
    "a setting given twice",
    "agent: a\nagent: b\n",
    {},
    ["settings.yaml:2:1: this key is there twice; expected it once"],
  ],
  ["a text", "hello\n", {}, ["settings.yaml:1:1: expected settings, as  name: value"]],
  ["a list", "- agent: a\n", {}, ["settings.yaml:1:1: expected settings, as  name: value"]],
  ["a text where settings belong", "log: info\n", {}, ["settings.yaml:1:1: log: expected settings, as  name: value"]],
];

test.each(wrong)("%s", (_name, text, environment, lines) => {
  const { settings, problems } = read(text, environment, environment.CHAT ? machineSecrets(environment) : noSecrets);
  expect(settings).toBeNull();
  expect(problems).toEqual(lines);
});

test("no message repeats a secret", () => {
  for (const [, text, environment] of wrong)
    expect(read(text, environment).problems.join("\n")).not.toMatch(/hunter2|12345678/);
});

test("settings can be printed: secrets are not in it", () => {
  const notify = Object.fromEntries(
    Object.entries(whole).map(([name, value]) => [name, value === "x" ? "hunter2" : value]),
  );
  const environment = {
    ...{ MEPWATCH_MQTT_PASSWORD: "hunter2", MEPWATCH_MQTT_KEY: pem, ...notify },
    ...{ MEPWATCH_NOTIFY_WEBHOOK_URL: "https://chat/hunter2", MEPWATCH_NOTIFY_WEBHOOK_TOKEN: "hunter2" },
  };
  const settings = good(read(null, environment, machineSecrets(environment)));
  expect(settings.mqtt.password?.reveal()).toBe("hunter2");
  for (const printed of [
    JSON.stringify(settings),
    inspect(settings, { depth: 9, showHidden: true }),
    `${settings.mqtt.password}`,
  ]) {
    expect(printed).not.toMatch(/hunter2|content/);
    expect(printed).toContain("[secret]");
  }
});

test("the variable by which the tests kill the process is no unknown setting", () => {
  good(read(null, { MEPWATCH_CRASH: "before-commit:1" }));
});

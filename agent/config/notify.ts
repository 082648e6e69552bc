import { isIP } from "node:net";
import type { Secret } from "../secret.ts";
import type { NotifyOptions } from "../sinks/notify/index.ts";
import { reference } from "./secrets.ts";

/** The settings of what is told past the broker, each with what may stand in it. */
type Format = (value: unknown) => void;

const urlOf = (value: unknown, protocols: readonly string[]): URL | null => {
  const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : null;
  return url !== null && protocols.includes(url.protocol) && url.hostname !== "" ? url : null;
};
const noUserIn = (url: URL, instead: string): void => {
  if (url.username !== "" || url.password !== "") throw new Error(`expected no user or password in it; use ${instead}`);
};

/** Also a reference: who knows the address of a chat service can write there. */
export const webhookFormat: Format = (value) => {
  if (reference(value) !== null) return;
  const url = urlOf(value, ["http:", "https:"]);
  if (url === null)
    throw new Error("expected https://HOST/PATH or http://HOST/PATH, or ${file:…}, ${env:…}, ${credential:…}");
  noUserIn(url, "notify.webhook.token");
};
export const smtpFormat: Format = (value) => {
  const url = urlOf(value, ["smtp:", "smtps:"]);
  if (url === null) throw new Error("expected smtp://HOST:PORT (STARTTLS) or smtps://HOST:PORT");
  noUserIn(url, "notify.smtp.username, notify.smtp.password");
};
const address = /^[^\s@<>,;"]{1,64}@[^\s@<>,;"]{1,255}$/;
const addressesOf = (value: unknown): string[] => String(value).split(/\s*,\s*/);
export const addressFormat: Format = (value) => {
  if (!address.test(String(value))) throw new Error("expected a mail address, NAME@DOMAIN");
};
export const addressesFormat: Format = (value) => {
  if (!addressesOf(value).every((one) => address.test(one)))
    throw new Error("expected mail addresses, NAME@DOMAIN, separated by commas");
};
export const targetFormat: Format = (value) => {
  if (targetOf(value) === null) throw new Error("expected IP:PORT, such as 10.0.0.5:162 or [fd00::5]:162");
};

function targetOf(value: unknown): { readonly host: string; readonly port: number } | null {
  const [, v6, v4, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(String(value)) ?? [];
  const host = v6 ?? v4 ?? "";
  const port = Number(digits);
  return isIP(host) === (v6 === undefined ? 4 : 6) && port >= 1 && port <= 65_535 ? { host, port } : null;
}

/** How the settings are read: as text, or, by reference, as secrets; null: not set. */
export interface Given {
  text(name: string): string | null;
  /** `isPlain`: the text itself may stand in the file. */
  secret(name: string, isPlain?: boolean): Secret | null;
  tell(name: string, what: string): void;
}

/** A channel is there where its address is set. */
export function notifyOptions({ text, secret, tell }: Given): NotifyOptions {
  const url = secret("notify.webhook.url", true);
  const token = secret("notify.webhook.token");
  const password = secret("notify.smtp.password");
  const community = secret("notify.trap.community");
  const smtp = text("notify.smtp.url");
  const username = text("notify.smtp.username");
  const target = text("notify.trap.target");
  const at = target === null ? null : targetOf(target);
  if (url !== null && reference(text("notify.webhook.url")) !== null) {
    try {
      webhookFormat(url.reveal());
    } catch {
      tell("notify.webhook.url", "what it refers to is no https:// or http:// address");
    }
  }
  const need = (name: string, set: string): string => {
    const value = text(name);
    if (value === null) tell(set, `is set without ${name}; expected both`);
    return value ?? "";
  };
  if (username !== null && password === null) need("notify.smtp.password", "notify.smtp.username");
  if (at !== null && community === null) need("notify.trap.community", "notify.trap.target");
  const mail =
    smtp === null ? null : ["notify.smtp.from", "notify.smtp.to"].map((name) => need(name, "notify.smtp.url"));
  return {
    webhook: url === null ? null : { url, token },
    smtp:
      smtp === null || mail === null
        ? null
        : { url: smtp, username, password, from: mail[0] ?? "", to: addressesOf(mail[1]) },
    trap: at === null || community === null ? null : { ...at, community },
  };
}

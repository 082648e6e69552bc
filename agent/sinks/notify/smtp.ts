import { createTransport } from "nodemailer";
import { type Env, within } from "../../env.ts";
import type { Secret } from "../../secret.ts";
import { type Answer, keyOf, type News, type Notifier, type Speaker } from "./notice.ts";

export interface SmtpOptions {
  /** smtp://HOST:PORT or smtps://HOST:PORT */
  readonly url: string;
  readonly username: string | null;
  readonly password: Secret | null;
  readonly from: string;
  readonly to: readonly string[];
}

const deadlineMs = 30_000;
const ports: Readonly<Record<string, number>> = { "smtp:": 587, "smtps:": 465 };

/** One mail a notice, on a connection of its own. A password goes over TLS only; without one, TLS is used where it is offered. */
export function openSmtp({ url, username, password, from, to }: SmtpOptions, env: Env, speaker: Speaker): Notifier {
  const { protocol, hostname, port } = new URL(url);
  const options = {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? ports[protocol] : Number(port),
    secure: protocol === "smtps:",
    requireTLS: username !== null,
    ...(username === null ? {} : { auth: { user: username, pass: password?.reveal() ?? "" } }),
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 10_000,
    dnsTimeout: 10_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
  return {
    channel: "smtp",
    send(news) {
      const transport = createTransport(options);
      const sent = transport
        .sendMail({ from, to: [...to], ...mailOf(speaker, news) })
        .then(({ accepted, rejected }): Answer => {
          const refused = rejected.length === 0 ? "" : `, ${rejected.length} of ${to.length} recipients refused`;
          return { delivered: accepted.length > 0, said: `accepted${refused}` };
        }, answerOf)
        .finally(() => transport.close());
      return within(env, deadlineMs, sent, () => {
        transport.close();
        return { delivered: false, said: "no answer in 30 s" };
      });
    },
  };
}

/** All that is of one incident is one thread. */
function mailOf(speaker: Speaker, news: News) {
  const { kind, severity, text, incidentId, conditionKey, raisedAt, at } = news;
  const idOf = (key: string): string =>
    `<${key.replaceAll(/[^A-Za-z0-9.-]/g, ".")}@${speaker.agent}.${speaker.site}.mepwatch>`;
  const facts = [
    ["site", speaker.site],
    ["agent", speaker.agent],
    ["kind", kind],
    ["severity", severity],
    ["condition", conditionKey],
    ["incident", incidentId],
    ["raised", raisedAt],
    ["told", at],
  ].flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  const thread = incidentId === undefined ? {} : { inReplyTo: idOf(incidentId), references: [idOf(incidentId)] };
  return {
    subject: `[${(kind === "raise" || kind === "digest" ? severity : kind).toUpperCase()}] ${text}`,
    text: `${text}\n\n${facts.join("\n")}\n`,
    messageId: idOf(keyOf(speaker, news)),
    ...thread,
    headers: { "Auto-Submitted": "auto-generated" },
  };
}

/** Codes only: what a server says may repeat what it was told. */
function answerOf(error: unknown): Answer {
  const { code, responseCode } = error as { readonly code?: unknown; readonly responseCode?: unknown };
  const parts = [code, responseCode].filter((part) => typeof part === "string" || typeof part === "number");
  return {
    delivered: false,
    said: parts.length === 0 ? "the mail cannot be made" : `not accepted (${parts.join(" ")})`,
  };
}

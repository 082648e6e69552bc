import type { Env } from "../../env.ts";
import type { Secret } from "../../secret.ts";
import { type Answer, keyOf, type Notifier, noticeOf, type Speaker } from "./notice.ts";

/** `url` is a secret: that of a chat service is all that is needed to write there. */
export interface WebhookOptions {
  readonly url: Secret;
  readonly token: Secret | null;
}

const deadlineMs = 10_000;

/** POSTs each notice as JSON. Only 2xx is delivered: a redirect is followed nowhere, since the token would go along. */
export function openWebhook({ url, token }: WebhookOptions, env: Env, speaker: Speaker): Notifier {
  return {
    channel: "webhook",
    async send(news) {
      const deadline = new AbortController();
      const cancel = env.after(deadlineMs, () => deadline.abort());
      try {
        const response = await fetch(url.reveal(), {
          method: "POST",
          redirect: "manual",
          signal: deadline.signal,
          headers: {
            "content-type": "application/json",
            "idempotency-key": keyOf(speaker, news),
            ...(token === null ? {} : { authorization: `Bearer ${token.reveal()}` }),
          },
          body: JSON.stringify(noticeOf(speaker, news)),
        });
        // Nobody reads it; unread it would hold the connection.
        void response.body?.cancel().catch(() => {});
        return { delivered: response.ok, said: `HTTP ${response.status}` };
      } catch (error) {
        return { delivered: false, said: deadline.signal.aborted ? "no answer in 10 s" : whyOf(error) };
      } finally {
        cancel();
      }
    },
  };
}

/** Codes only: the message may repeat the address or a header. */
function whyOf(error: unknown): Answer["said"] {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? `not reachable (${code})` : "the request cannot be made; check address and token";
}

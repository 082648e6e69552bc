import type { Env } from "../../env.ts";
import type { Notifier, Speaker } from "./notice.ts";
import { openSmtp, type SmtpOptions } from "./smtp.ts";
import { openTrap, type TrapOptions } from "./trap.ts";
import { openWebhook, type WebhookOptions } from "./webhook.ts";

/** The channels past the uplink; null: not this one. */
export interface NotifyOptions {
  readonly webhook: WebhookOptions | null;
  readonly smtp: SmtpOptions | null;
  readonly trap: TrapOptions | null;
}

export const openNotifiers = ({ webhook, smtp, trap }: NotifyOptions, env: Env, speaker: Speaker): Notifier[] => [
  ...(webhook === null ? [] : [openWebhook(webhook, env, speaker)]),
  ...(smtp === null ? [] : [openSmtp(smtp, env, speaker)]),
  ...(trap === null ? [] : [openTrap(trap, env, speaker)]),
];

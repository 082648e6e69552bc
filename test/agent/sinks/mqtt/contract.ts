import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { builtInConfig } from "../../../../agent/config/load.ts";
import type { MessageName } from "../../../../agent/sinks/mqtt/contract.ts";

/** The contract as a centre has it: its files, and nothing of the agent's. */
export const contractFile = (name: string): string => readFileSync(join(builtInConfig(), "contract", name), "utf8");

const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
const checks = new Map<MessageName, ReturnType<typeof ajv.compile>>();

/** What is wrong with a message by the JSON Schema that is shipped; "": nothing. */
export function wrongWith(name: MessageName, message: unknown): string {
  const check = checks.get(name) ?? ajv.compile(JSON.parse(contractFile(`${name}.schema.json`)));
  checks.set(name, check);
  return check(message) ? "" : ajv.errorsText(check.errors);
}

const spoken: Readonly<Record<string, MessageName>> = {
  ...{
    event: "event",
    backfill: "event",
    active: "event",
    heartbeat: "heartbeat",
    silences: "silences",
    blind: "blind",
  },
  ...{ diag: "diag", telemetry: "telemetry", reply: "result" },
};

/** By which of its schemas what an agent says on a topic must be right; undefined: it may say nothing there. */
export function nameOf(topic: string, message: unknown): MessageName | undefined {
  const [, , , , channel = ""] = topic.split("/");
  const { online, type } = (message ?? {}) as { online?: boolean; type?: string };
  if (type === "mepwatch.gap") return "gap";
  return channel === "status" ? (online ? "birth" : "death") : spoken[channel];
}

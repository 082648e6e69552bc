import type { Refusal } from "../core/command.ts";
import type { CommandMessage } from "../sinks/mqtt/commands.ts";
import type { Refused } from "../sinks/mqtt/gate.ts";
import type { Answer } from "../sinks/orders.ts";
import { type Audit, type AuditEntry, openAudit, type Verified } from "../store/audit.ts";
import type { Acceptance, Accepted } from "./acceptance.ts";
import type { AgentOptions } from "./agent.ts";
import type { Deed, Done } from "./deeds.ts";
import type { Unknown } from "./explain.ts";
import { refusalsOf } from "./refusals.ts";

/** Writes down who did what, and tells the centre. What cannot be written down is done all the same, and reported. */
export interface Auditor {
  noteDeed(deed: Deed, done: readonly Done[] | Unknown | string, preview: boolean): void;
  noteAcceptance(acceptance: Acceptance, done: Accepted | Refusal): void;
  /** A command of the centre that is no deed, or came to none. */
  noteOrder(command: CommandMessage, answer: Answer): void;
  /** One that was not even begun; of many alike a few lines tell. */
  noteRefused(refused: NotDone): void;
  noteEnd(): void;
  since: Audit["since"];
  verify(): Verified;
}

/** `duplicate`: it was done before. */
type NotDone = Omit<Refused, "code"> & { readonly code: Refused["code"] | "duplicate" };

const none: Audit = {
  note: () => {},
  since: () => [],
  newest: () => null,
  verify: () => ({ lines: 0, first: null, head: "", broken: [] }),
};

/** Begins with the start itself, and by which configuration. */
export function auditorOf({ env, site, diag, configRejected, audit: folder }: AgentOptions): Auditor {
  const attempt = <T>(work: () => T, instead: T): T => {
    try {
      return work();
    } catch (error) {
      env.report("audit.failed", { error: error instanceof Error ? error.message : String(error) });
      return instead;
    }
  };
  const audit = attempt(() => (folder === null ? none : openAudit(folder)), none);
  const note = (entry: AuditEntry): void => {
    attempt(() => audit.note(entry, env.clock.wall()), undefined);
    const { what, by, target, reason = null, facts } = entry;
    diag.tell({ level: "info", code: "audit", text: `${by}: ${what} ${target}`, facts: { ...facts, reason } });
  };
  const before = audit.newest("start")?.facts.configHash ?? null;
  const { configHash } = site;
  const config = { configHash, before, isChanged: configHash !== before, configRejected };
  note({ what: "start", by: "agent", target: site.id, facts: config });
  const refusals = refusalsOf(env, (one: NotDone, count) => note(refusedEntry(one, count)));
  return {
    noteDeed({ name, target, by, reason, forMs, mode = null, order = {} }, done, preview) {
      const who = { role: by.role, second: by.second ?? null, breakGlass: by.breakGlass === true };
      const facts = { ...who, mode, forMs, ...(preview ? { preview } : {}), ...order };
      note({ what: name, by: by.user, target, reason, facts: { ...facts, ...outcomeOf(done) } });
    },
    noteAcceptance({ device, by, reason }, done) {
      const said = "was" in done ? { was: JSON.stringify(done.was), is: JSON.stringify(done.is) } : refused(done);
      note({ what: "accept", by: by.user, target: device, reason, facts: { role: by.role, ...said } });
    },
    noteOrder: (command, answer) => note(orderEntry(command, answer)),
    noteRefused: (one) => refusals.note(one.code, one),
    noteEnd() {
      refusals.stop();
      note({ what: "stop", by: "agent", target: site.id, facts: { configHash } });
    },
    since: audit.since,
    verify: audit.verify,
  };
}

function orderEntry({ name, issuedBy, args, target, kid, cmdId }: CommandMessage, answer: Answer): AuditEntry {
  const { status, code = null, detail } = answer;
  const { point, reason } = args as { readonly point?: string; readonly reason?: string };
  const of = Object.values(target ?? {})[0] ?? point ?? "";
  const facts = { role: issuedBy.role, kid, cmdId, status, code, detail };
  return { what: name, by: issuedBy.user, target: String(of), ...(reason === undefined ? {} : { reason }), facts };
}

/** Who is not named whom nobody has signed for. */
function refusedEntry({ code, detail, topic, cmdId, name, kid, by }: NotDone, count: number): AuditEntry {
  const facts = { code, detail, count, name, kid, cmdId, role: by?.role ?? null };
  return { what: "command refused", by: by?.user ?? "unknown", target: topic, facts };
}

type Outcome = AuditEntry["facts"];

const refused = ({ code, detail }: Refusal): Outcome => ({ refused: code, detail });

function outcomeOf(done: readonly Done[] | Unknown | string): Outcome {
  if (typeof done === "string") return { obeyed: 0, detail: done };
  if ("found" in done) return { obeyed: 0, detail: `no ${done.what} "${done.name}"` };
  const obeyed = done.filter((one) => one.refused === null);
  const codes = [...new Set(done.flatMap((one) => one.refused?.code ?? []))].join(", ");
  const one = done.length === 1 ? { condition: done[0]?.key ?? null } : {};
  return { obeyed: obeyed.length, refused: done.length - obeyed.length, ...(codes === "" ? {} : { codes }), ...one };
}

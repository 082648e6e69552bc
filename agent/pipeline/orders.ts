import type { Site } from "../config/resolved.ts";
import { lacking } from "../core/authority.ts";
import type { Refusal } from "../core/command.ts";
import type { Env } from "../env.ts";
import {
  type CommandMessage,
  type CommandName,
  isUntargeted,
  type RefusalCode,
  type Untargeted,
} from "../sinks/mqtt/commands.ts";
import type { Answer, Orders } from "../sinks/orders.ts";
import type { EventRecord } from "../sinks/record.ts";
import type { Sink } from "../sinks/sink.ts";
import type { CommandMemory } from "../store/commands.ts";
import { version } from "../version.ts";
import type { Agent } from "./agent.ts";
import type { Auditor } from "./auditor.ts";
import type { Deed, Done } from "./deeds.ts";
import type { Unknown } from "./explain.ts";
import type { Forwarder } from "./forwarder.ts";
import type { Ingest } from "./ingest.ts";
import type { Trust } from "./trust.ts";

/** By what the centre's commands are done: those of people by the very deeds of the local API. None writes to equipment. */
interface Means {
  readonly env: Env;
  readonly site: Site;
  readonly store: { readonly commands: CommandMemory };
  readonly door: Pick<Ingest, "openIncidents" | "replaced">;
  readonly trust: Pick<Trust, "now">;
  readonly audit: Pick<Auditor, "noteOrder" | "noteRefused">;
  readonly answers: Pick<Agent, "command">;
  forward(): Pick<Forwarder, "replay">;
  sink(): Pick<Sink, "snapshot">;
}

type Deeds = Exclude<CommandName, Untargeted>;
const deedNames: Readonly<Record<Deeds, Deed["name"]>> = {
  ack: "ack",
  unack: "unack",
  reset: "reset",
  shelve: "shelve",
  unshelve: "unshelve",
  out_of_service: "out_of_service",
  in_service: "in_service",
  "maintenance.start": "maintenance",
  "maintenance.end": "maintenance_end",
  "mode.start": "maintenance",
  "mode.end": "maintenance_end",
};

/** Most conditions that a result names. */
const namedMax = 200;

export function ordersOf(means: Means): Orders {
  const { env, store, door, trust, audit } = means;
  const began = env.clock.mono();
  const others: { readonly [N in Untargeted]: (command: CommandMessage<N>) => Answer } = {
    sensor_replaced: (command) => replaced(means, command),
    snapshot: () =>
      means.sink().snapshot()
        ? {
            status: "accepted",
            detail: `says anew the ${door.openIncidents().length} open incidents, silences, blind points`,
          }
        : rejected("busy", "it says everything anew already; wait for that"),
    replay: ({ args: { epoch, from, to } }) => {
      if (from > to) return rejected("invalid_args", `from ${from} to ${to}; expected from ≤ to`);
      const found = means.forward().replay(epoch, from, to);
      if (found === null) return rejected("busy", "too much is asked for already; ask again when it has come");
      const rest = found.lost.length === 0 ? "" : "; the others are gone";
      return { status: "accepted", detail: `says once more what is there of ${from} to ${to}${rest}`, ...found };
    },
    ping: () => {
      const seconds = Math.round((env.clock.mono() - began) / 1000);
      return { status: "ok", detail: `mepwatch ${version()}, up for ${seconds} s` };
    },
  };
  return {
    memory: store.commands,
    synced: () => trust.now().synced,
    obey(command) {
      const { name } = command;
      if (!isUntargeted(name)) return done(means, command as CommandMessage<Deeds>);
      const answer = (others[name] as (command: CommandMessage) => Answer)(command);
      audit.noteOrder(command, answer);
      return answer;
    },
    refused: audit.noteRefused,
    repeated({ cmdId, name, kid, issuedBy: by }) {
      const detail = "was done before, and is not done again";
      audit.noteRefused({ code: "duplicate", detail, topic: name, cmdId, name, kid, by });
    },
  };
}

function done(means: Means, command: CommandMessage<Deeds>): Answer {
  const deed = deedOf(means.site, command);
  const refuse = (code: RefusalCode, detail: string): Answer => {
    const answer = rejected(code, detail);
    means.audit.noteOrder(command, answer);
    return answer;
  };
  if ("code" in deed) return refuse(deed.code, deed.detail);
  const preview = command.preview === true;
  const answer = means.answers.command(deed, preview);
  if (typeof answer === "string") return rejected("invalid_args", answer);
  if ("found" in answer) return rejected("not_found", sayUnknown(answer));
  return told(answer, means.door.openIncidents(), command, preview);
}

/** What people ask for has one vocabulary, whatever they ask for. */
type Asked = Partial<Record<"comment" | "reason" | "second" | "mode", string>> & {
  readonly duration_s?: number;
  readonly breakGlass?: boolean;
};

function deedOf(site: Site, command: CommandMessage<Deeds>): Deed | Refusal {
  const { name, issuedBy, expectedRev: rev, kid, cmdId } = command;
  const { comment = "", reason = comment, second, mode, duration_s, breakGlass } = command.args as Asked;
  const { user, role } = issuedBy;
  if (role === "service") return refusal("forbidden", "a program may only ask for snapshot, replay and ping");
  const target = targetOf(site, command);
  if (typeof target !== "string") return target;
  return {
    ...{ name: deedNames[name], target, by: { user, role, second, breakGlass }, reason, mode, rev },
    forMs: duration_s === undefined ? null : duration_s * 1000,
    order: { kid, cmdId },
  };
}

/** As people name it to the local API; but what is called a condition is one, and not a device of that name. */
function targetOf(site: Site, { target = { selector: "" }, expectedRev }: CommandMessage<Deeds>): string | Refusal {
  if ("incidentId" in target) return target.incidentId;
  if ("conditionKey" in target) {
    const { conditionKey } = target;
    return site.model.conditions.has(conditionKey)
      ? conditionKey
      : refusal("not_found", `there is no condition ${conditionKey}`);
  }
  if (!target.selector.includes("="))
    return refusal("invalid_args", "target.selector: expected terms such as zone=hall-2 class=crac");
  return expectedRev === undefined
    ? target.selector
    : refusal("invalid_args", "expectedRev: is of one incident; expected target.incidentId or target.conditionKey");
}

function told(all: readonly Done[], open: readonly EventRecord[], { name }: CommandMessage, preview: boolean): Answer {
  const revs = new Map(open.map(({ conditionKey, rev }) => [conditionKey, rev]));
  const refusals = all.flatMap(({ refused }) => refused ?? []);
  const obeyed = all.length - refusals.length;
  const conditions = all.slice(0, namedMax).map(({ key, refused }) => {
    const rev = revs.get(key);
    const is = { conditionKey: key, ...(rev === undefined ? {} : { rev }) };
    if (refused === null) return { ...is, result: preview ? ("preview" as const) : ("ok" as const) };
    return { ...is, result: "rejected" as const, code: refused.code, detail: refused.detail };
  });
  if (all.length === 0 && name !== "mode.end")
    return rejected("not_found", "nothing to do it to: no open incident there");
  const [first] = refusals;
  if (obeyed === 0 && first !== undefined) return { ...rejected(first.code, first.detail), conditions };
  const many = `${obeyed} ${obeyed === 1 ? "condition" : "conditions"}`;
  const rest = first === undefined ? "" : `; refused for ${refusals.length}, such as: ${first.detail}`;
  return { status: "ok", detail: `${preview ? "would be done" : "done"} for ${many}${rest}`, conditions };
}

function replaced({ site, door }: Means, { issuedBy, args }: CommandMessage<"sensor_replaced">): Answer {
  const { point } = args;
  const not = issuedBy.role === "service" ? "a program may not" : lacking("sensor_replaced", issuedBy.role);
  if (not !== null) return rejected("forbidden", not);
  if (!site.devices.some(({ points }) => points.some(({ id }) => id === point)))
    return rejected("not_found", `there is no point ${point}; expected DEVICE/POINT`);
  const refused = door.replaced(point);
  if (refused !== null) return rejected(refused.code, refused.detail);
  return { status: "ok", detail: `rates and windows of ${point} begin anew` };
}

const refusal = (code: Refusal["code"], detail: string): Refusal => ({ code, detail });
const rejected = (code: RefusalCode, detail: string): Answer => ({ status: "rejected", code, detail });

const sayUnknown = ({ what, name, hint }: Unknown): string => `there is no ${what} ${name}.${hint}`;

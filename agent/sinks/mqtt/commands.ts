import * as z from "zod";
import { roles } from "../../core/authority.ts";
import { range, sessionId, timestamp } from "./messages.ts";

/**
 * What the centre has the agent do, one schema a name, and what it answers. A command is signed: `sig` is Ed25519 over the
 * RFC 8785 form of the message without `sig`, by a key that the agent knows under `kid`.
 */
const comment = z.string().max(500);
const reason = comment.min(1);
const duration_s = z
  .int()
  .min(1)
  .max(90 * 86_400);
const second = z.string().min(1).max(100).optional().describe("Who else agreed: what lasts over 8 h needs two.");
const mode = z.string().min(1).max(64);

/** What each takes. `target`: whether it is about incidents or conditions. */
export const commandArgs = {
  ack: z.strictObject({ comment: comment.optional() }),
  unack: z.strictObject({ comment: comment.optional() }),
  reset: z.strictObject({ comment: comment.optional() }),
  shelve: z.strictObject({
    duration_s: duration_s.optional().describe("Absent: until the condition clears."),
    reason,
    second,
    breakGlass: z
      .boolean()
      .optional()
      .describe("In an emergency a technician may shelve what is critical for an hour."),
  }),
  unshelve: z.strictObject({ comment: comment.optional() }),
  out_of_service: z.strictObject({ reason }),
  in_service: z.strictObject({ comment: comment.optional() }),
  "maintenance.start": z.strictObject({ duration_s, reason, second }),
  "maintenance.end": z.strictObject({ comment: comment.optional() }),
  "mode.start": z.strictObject({ mode, duration_s, reason, second }),
  "mode.end": z.strictObject({ mode, comment: comment.optional() }),
  sensor_replaced: z.strictObject({
    point: z.string().min(3).max(130).describe("DEVICE/POINT. Rates and windows begin anew."),
    reason,
  }),
  snapshot: z.strictObject({}).describe("Says anew what is open, silenced and not seen."),
  replay: z
    .strictObject({ epoch: z.uuid(), from: z.int().min(1), to: z.int().min(1) })
    .describe("Says events once more, on backfill."),
  ping: z.strictObject({}),
} as const;
export type CommandName = keyof typeof commandArgs;
export const commandNames = Object.keys(commandArgs) as CommandName[];

/** Those that are about no condition, and have no target. */
export const untargeted = ["sensor_replaced", "snapshot", "replay", "ping"] as const satisfies readonly CommandName[];
export type Untargeted = (typeof untargeted)[number];
export const isUntargeted = (name: CommandName): name is Untargeted => (untargeted as readonly string[]).includes(name);

/** Who speaks: a person through the centre, or one of its programs. */
export const commandRoles = [...roles, "service"] as const;
export type CommandRole = (typeof commandRoles)[number];

const name = z.string().min(1).max(1000);
export const commandTarget = z
  .union([
    z.strictObject({ incidentId: z.uuid() }),
    z.strictObject({ conditionKey: name }),
    z.strictObject({ selector: name.describe("As in mepwatch shelve: zone=hall-2 class=crac") }),
  ])
  .describe("One of these three.");

/** Longest life of a command, ms. */
export const lifeMax = 60_000;

const frame = {
  cmdId: z.uuid().describe("The same again is answered as the first time, and not done again."),
  site: z.string(),
  agent: z.string(),
  issuedBy: z.strictObject({ user: z.string().min(1).max(100), role: z.enum(commandRoles) }),
  issuedAt: timestamp,
  exp: timestamp.describe(`Void after it; at most ${lifeMax / 1000} s after issuedAt.`),
  nonce: z
    .string()
    .regex(/^[A-Za-z0-9_-]{16,64}$/)
    .describe("Taken once."),
  kid: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .describe("Name of the key that it is signed with."),
  sig: z
    .string()
    .regex(/^[A-Za-z0-9_-]{86}$/)
    .describe("Ed25519, base64url, over the RFC 8785 canonical JSON of this message without sig."),
};

const targeted = {
  target: commandTarget,
  expectedRev: z.int().min(1).optional().describe("The newest event of the incident that whoever asks has seen."),
  preview: z.boolean().optional().describe("True: nothing is done, the answer says what would be."),
};

const schemaOf = (one: CommandName) =>
  z.strictObject({
    name: z.literal(one),
    ...frame,
    args: commandArgs[one],
    ...(isUntargeted(one) ? {} : targeted),
  });

export const commandSchemas = Object.fromEntries(commandNames.map((one) => [one, schemaOf(one)])) as unknown as {
  readonly [N in CommandName]: z.ZodType<CommandMessage<N>>;
};

/** A command as it is signed, but for the signature. */
export interface Unsigned<N extends CommandName = CommandName> {
  readonly name: N;
  readonly cmdId: string;
  readonly site: string;
  readonly agent: string;
  readonly issuedBy: { readonly user: string; readonly role: CommandRole };
  readonly issuedAt: string;
  readonly exp: string;
  readonly nonce: string;
  readonly kid: string;
  readonly args: z.output<(typeof commandArgs)[N]>;
  readonly target?: z.output<typeof commandTarget> | undefined;
  readonly expectedRev?: number | undefined;
  readonly preview?: boolean | undefined;
}
export type CommandMessage<N extends CommandName = CommandName> = Unsigned<N> & { readonly sig: string };

export const refusalCodes = [
  "not_found",
  "invalid_state",
  "stale_rev",
  "forbidden",
  "bad_signature",
  "expired",
  "retained",
  "invalid_args",
  "limit_exceeded",
  "busy",
] as const;
export type RefusalCode = (typeof refusalCodes)[number];

const status = z.enum(["ok", "accepted", "rejected"]);

export const resultMessage = z.strictObject({
  cmdId: z.uuid(),
  at: timestamp,
  name: z.string(),
  status: z
    .enum([...status.options, "duplicate"])
    .describe("accepted: it goes on, as a replay does. duplicate: it was done before; `first` says how that ended."),
  first: status.optional(),
  code: z.enum(refusalCodes).optional().describe("Why it was rejected."),
  detail: z.string().describe("For people: what was done, or what is in the way."),
  conditions: z
    .array(
      z.strictObject({
        conditionKey: z.string(),
        result: z.enum(["ok", "rejected", "preview"]),
        rev: z.int().optional().describe("Of its incident, afterwards."),
        code: z.enum(refusalCodes).optional(),
        detail: z.string().optional(),
      }),
    )
    .optional()
    .describe("Each condition that was meant, the first 200."),
  available: z.array(range).optional().describe("Of a replay: what will come."),
  lost: z.array(range).optional().describe("Of a replay: what is gone."),
});
export type ResultMessage = z.output<typeof resultMessage>;

/** From the centre: everything up to `upTo` has arrived for good, but for `except`. Retained. */
export const ackMessage = z.object({
  epoch: z.uuid(),
  upTo: z.int().min(0),
  except: z.array(range).max(1000).describe("What is missing below upTo."),
  host: z.string(),
  at: timestamp,
});
export type AckMessage = z.output<typeof ackMessage>;

/** Whether the centre is there; also its Will. Retained. An offline older than the last online is void. */
export const stateMessage = z.object({ online: z.boolean(), timestamp, sessionId });
export type StateMessage = z.output<typeof stateMessage>;

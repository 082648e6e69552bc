/**
 * `mepwatch/consumer`: the core of a consumer of what agents publish, for programs that bring their own MQTT client. Feed
 * `centre` with each message below PREFIX/v1/ (subscribe before `link` up, to event, backfill, active/+, status, heartbeat,
 * silences, blind, reply/+, ack and diag of all agents) and a tick each second; tell its notices; carry out its effects: `ack` is
 * published, retained, on the topic ack; `replay` and `snapshot` are commands, signed with `signCommand`, each told back as
 * `sent`. `mepwatch centre` is made of just this.
 */

export type { Range, Ranges } from "../core/ranges.ts";
export type { Unsigned } from "../sinks/mqtt/commands.ts";
export { signCommand } from "../sinks/mqtt/signature.ts";
export { topicsOf } from "../sinks/mqtt/topics.ts";
export type { AgentState } from "./agent.ts";
export { type CentreOptions, type CentreState, centre, type Input, initial, isStale, type Step } from "./centre.ts";
export type { Blind, Silences, ToldEvent } from "./decode.ts";
export type { AgentLost, Effect, Notice } from "./notices.ts";
export { type Incident, worstFirst } from "./picture.ts";
export { missingIn, type Reception } from "./reception.ts";

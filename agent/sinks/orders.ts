import type { Ranges } from "../core/ranges.ts";
import type { CommandMemory } from "../store/commands.ts";
import type { CommandMessage, RefusalCode, ResultMessage } from "./mqtt/commands.ts";
import type { Refused } from "./mqtt/gate.ts";

/** What a sink through which the centre commands asks of its agent. */
export interface Orders {
  readonly memory: CommandMemory;
  /** Whether the system says that the wall clock is right; null: it does not say. */
  synced(): boolean | null;
  /** Does it, whoever it is from: that was looked at before. */
  obey(command: CommandMessage): Answer;
  /** Was not done, by what the message itself is; also in great number. */
  refused(refused: Refused): void;
  /** Was done before, and is not done again. */
  repeated(command: CommandMessage): void;
}

/** What became of it. */
export interface Answer extends Pick<ResultMessage, "detail" | "conditions"> {
  readonly status: "ok" | "accepted" | "rejected";
  readonly code?: RefusalCode;
  /** Of a replay: what will come, and what is gone. */
  readonly available?: Ranges;
  readonly lost?: Ranges;
}

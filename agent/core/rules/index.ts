import type { RuleType } from "../rule.ts";
import { bits } from "./bits.ts";
import { comm } from "./comm.ts";
import { excursion } from "./excursion.ts";
import { level } from "./level.ts";
import { roc } from "./roc.ts";
import { stale } from "./stale.ts";
import { state } from "./state.ts";

export const ruleTypes: readonly RuleType[] = [level, roc, excursion, state, bits, stale, comm];

import type { RuleType } from "../rule.ts";
import { bits } from "./bits.ts";
import { comm } from "./comm.ts";
import { deviation } from "./deviation.ts";
import { excursion } from "./excursion.ts";
import { expression } from "./expression.ts";
import { flatline } from "./flatline.ts";
import { group } from "./group.ts";
import { identity } from "./identity.ts";
import { level } from "./level.ts";
import { redundancy } from "./redundancy.ts";
import { roc } from "./roc.ts";
import { disagreement, same } from "./same.ts";
import { stale } from "./stale.ts";
import { state } from "./state.ts";
import { ttl } from "./ttl.ts";
import { vote } from "./vote.ts";

export const ruleTypes: readonly RuleType[] = [
  level,
  roc,
  excursion,
  deviation,
  ttl,
  flatline,
  state,
  bits,
  vote,
  expression,
  group,
  stale,
  comm,
  identity,
];

/** Types of rule that nobody writes: they are made of `sameAs`, and of the topology. */
export const madeTypes: readonly RuleType[] = [same, disagreement, redundancy];

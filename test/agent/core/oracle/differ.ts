import { runVectors } from "../../../../agent/simulate/vectors.ts";
import { expected, type Vector } from "./oracle.ts";

/** Where the engine tells something else than the oracle expects, for a reader; null: nowhere. */
export function differ(vector: Vector): string | null {
  const [verdict] = runVectors({ dsl: "alarm-vectors/1", vectors: [{ ...vector, expect: expected(vector) }] });
  return verdict?.failure ? `${JSON.stringify(vector)}\n${verdict.failure}` : null;
}

import type * as z from "zod";
import { phrase, written } from "../language.ts";
import { bySide, defineRule, exactly, levels, type Measure, unknown } from "../rule.ts";
import { goodValue } from "../window.ts";

interface Config {
  readonly levels: z.output<typeof levels>;
  readonly onDelay?: number;
  readonly offDelay?: number;
}

const nothing: readonly Measure[] = [unknown()];

export const level = defineRule<Config, null>({
  type: "level",
  describe: "The value itself against one or more limits on either side.",
  options: { levels },
  inputs: (_config, { point }) => ({ value: point }),
  conditions: (config) => bySide(config.levels, config),
  empty: null,
  measure(_config, memory, { sample }) {
    const value = goodValue(sample);
    return { memory, measures: value === null ? nothing : [exactly(value)], wakeAt: null };
  },
  say: (_config, { value, limit, language }) =>
    phrase(language, "limit", { said: value, limit: written(limit, language) }),
});

import { compileRule, type Rule } from "../core/model.ts";
import { plainPoint } from "../core/quality.ts";
import type { RuleType } from "../core/rule.ts";
import { ruleTypes } from "../core/rules/index.ts";
import { type About, configPoint, type Device, floodPoint, selfId } from "./resolved.ts";
import { ruleSchema } from "./rules.ts";

/** What the agent raises about itself: rules like any others, on points that the shell feeds. */
const self: Device = {
  id: selfId,
  name: "mepwatch",
  class: "agent",
  profile: "",
  bus: "",
  protocol: "internal",
  address: null,
  location: {},
  labels: {},
  points: [],
};

const own = [
  {
    id: "config_rejected",
    point: configPoint,
    config: { normal: [0], map: { "1": "medium" } },
    say: {
      what: "configuration refused",
      cause: "the newest site file has errors",
      action: "Run mepwatch validate.",
      consequence: "the site is watched by the last accepted configuration",
    },
  },
  {
    id: "flood",
    point: floodPoint,
    config: { normal: [0], map: { "1": "medium" } },
    say: {
      what: "alarm flood",
      cause: "more alarms than can be followed",
      action: "Look for the common cause.",
      consequence: "what is below high calls in a digest each minute",
    },
  },
] as const;

export function selfRules(site: string): { rules: readonly Rule[]; about: ReadonlyMap<string, About> } {
  const type = ruleTypes.find((one) => one.type === "state") as RuleType;
  const about = new Map<string, About>();
  const rules = own.map(({ id, point, config, say }) => {
    const key = `${site}/${selfId}/-/${id}`;
    const scope = {
      point,
      device: selfId,
      definition: plainPoint(point),
      pollMs: 1000,
      rule: `${selfId}/${id}`,
      unreachableWhen: [],
    };
    about.set(key, {
      rule: id,
      type: "state",
      version: "1",
      device: self,
      point: null,
      options: {},
      say,
      runbook: null,
      companions: [],
      impacted: null,
      members: [],
      shared: null,
    });
    return compileRule(type, ruleSchema(type).parse(config), scope, key);
  });
  return { rules, about };
}

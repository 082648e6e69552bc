import type { Language } from "../core/language.ts";
import { compileRule, type Rule } from "../core/model.ts";
import { plainPoint } from "../core/quality.ts";
import type { RuleType } from "../core/rule.ts";
import { ruleTypes } from "../core/rules/index.ts";
import {
  type About,
  configPoint,
  type Device,
  floodPoint,
  selfId,
  storagePoint,
  storageResetPoint,
} from "./resolved.ts";
import { ruleSchema, sayIn } from "./rules.ts";

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
      what: { en: "configuration refused", de: "Konfiguration abgelehnt" },
      cause: { en: "the newest site file has errors", de: "die neueste Site-Datei hat Fehler" },
      action: { en: "Run mepwatch validate.", de: "mepwatch validate ausführen." },
      consequence: {
        en: "the site is watched by the last accepted configuration",
        de: "der Standort läuft mit der letzten gültigen Konfiguration",
      },
    },
  },
  {
    id: "flood",
    point: floodPoint,
    config: { normal: [0], map: { "1": "medium" } },
    say: {
      what: { en: "alarm flood", de: "Alarmflut" },
      cause: { en: "more alarms than can be followed", de: "mehr Alarme, als man verfolgen kann" },
      action: { en: "Look for the common cause.", de: "Nach der gemeinsamen Ursache suchen." },
      consequence: {
        en: "what is below high calls in a digest each minute",
        de: "was unter high liegt, kommt jede Minute gesammelt",
      },
    },
  },
  {
    id: "storage_degraded",
    point: storagePoint,
    // A disk that comes and goes is one incident.
    config: { normal: [0], map: { "1": "high" }, offDelay: "60s" },
    say: {
      what: { en: "store is not on disk", de: "Speicher nicht auf der Platte" },
      cause: { en: "disk full or failing", de: "Platte voll oder defekt" },
      action: { en: "Free space, check the disk.", de: "Platz schaffen, Platte prüfen." },
      consequence: {
        en: "incidents are told from memory and would not outlive a restart",
        de: "Störungen kommen aus dem Arbeitsspeicher und überstünden keinen Neustart",
      },
    },
  },
  {
    id: "storage_reset",
    point: storageResetPoint,
    config: { normal: [0], map: { "1": "high" }, ackRequired: true },
    say: {
      what: { en: "store was damaged", de: "Speicher war beschädigt" },
      cause: {
        en: "unsent events, delays, silences, last accepted configuration may be lost",
        de: "Ungesendetes, Fristen, Stilllegungen, letzte Konfiguration evtl. verloren",
      },
      action: { en: "Check the disk; ack.", de: "Platte prüfen; quittieren." },
      consequence: {
        en: "a new epoch has begun; what is wrong now is raised anew; the damaged file is kept beside the store",
        de: "eine neue Epoche hat begonnen; was jetzt gestört ist, wird neu gemeldet; die beschädigte Datei liegt daneben",
      },
    },
  },
] as const;

export function selfRules(
  site: string,
  language: Language,
): { rules: readonly Rule[]; about: ReadonlyMap<string, About> } {
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
      say: sayIn(say, language),
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

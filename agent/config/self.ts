import type { Language, Wording } from "../core/language.ts";
import { compileRule, type Rule } from "../core/model.ts";
import { modes } from "../core/modes.ts";
import { plainPoint } from "../core/quality.ts";
import type { RuleType } from "../core/rule.ts";
import { ruleTypes } from "../core/rules/index.ts";
import type { PointId } from "../core/sample.ts";
import type { Severity } from "../core/severity.ts";
import {
  type About,
  configPoint,
  type Device,
  floodPoint,
  modePoint,
  overduePoint,
  selfId,
  storagePoint,
  storageResetPoint,
  trapStormPoint,
  unregisteredPoint,
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

interface Own {
  readonly id: string;
  readonly point: PointId;
  readonly severity: Severity;
  readonly options?: Readonly<Record<string, unknown>>;
  /** It calls nobody. */
  readonly mute?: boolean;
  readonly say: Readonly<Record<string, Wording>>;
}

const own: readonly Own[] = [
  {
    id: "config_rejected",
    point: configPoint,
    severity: "medium",
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
    severity: "medium",
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
    severity: "high",
    options: { offDelay: "60s" },
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
    severity: "high",
    options: { ackRequired: true },
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
  {
    id: "mode_overdue",
    point: overduePoint,
    severity: "medium",
    say: {
      what: { en: "mode not completed in time", de: "Betriebsart nicht rechtzeitig beendet" },
      action: { en: "Bring the plant back, or begin it anew.", de: "Anlage zurückschalten oder neu beginnen." },
      consequence: { en: "what belonged to it calls again", de: "was dazu gehörte, wird wieder gemeldet" },
    },
  },
  {
    id: "trap_storm",
    point: trapStormPoint,
    severity: "low",
    options: { name: { en: "under way", de: "im Gange" } },
    say: {
      what: { en: "trap storm", de: "Trap-Sturm" },
      cause: { en: "more traps come than are read", de: "mehr Traps, als gelesen werden" },
      action: { en: "See mepwatch traps; mend the sender.", de: "mepwatch traps zeigt den Absender; dort beheben." },
      consequence: {
        en: "those over the budget are dropped; what they tell of is seen by polling",
        de: "was darüber liegt, wird verworfen; worum es geht, zeigt die Abfrage",
      },
    },
  },
  {
    id: "unregistered",
    point: unregisteredPoint,
    severity: "medium",
    say: {
      what: { en: "BACnet registration lost", de: "BACnet-Anmeldung verloren" },
      cause: { en: "the BBMD does not confirm it", de: "der BBMD bestätigt sie nicht" },
      action: { en: "Check the BBMD and the way to it.", de: "BBMD und den Weg dorthin prüfen." },
      consequence: {
        en: "broadcasts of its network do not come: no device is found there, no event heard",
        de: "Broadcasts seines Netzes kommen nicht: dort wird kein Gerät gefunden, kein Ereignis gehört",
      },
    },
  },
  ...modes.map(
    ({ name, said }): Own => ({ id: name, point: modePoint(name), severity: "info", mute: true, say: { what: said } }),
  ),
];

export function selfRules(
  site: string,
  language: Language,
): { rules: readonly Rule[]; about: ReadonlyMap<string, About> } {
  const type = ruleTypes.find((one) => one.type === "state") as RuleType;
  const about = new Map<string, About>();
  const rules = own.map(({ id, point, severity, options = {}, mute = false, say }) => {
    const key = `${site}/${selfId}/-/${id}`;
    const scope = {
      point,
      device: selfId,
      definition: plainPoint(point),
      pollMs: 1000,
      rule: `${selfId}/${id}`,
      unreachableWhen: [],
      mute,
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
      witnesses: [],
      fact: null,
    });
    const config = { normal: [0], map: { "1": severity }, ...options };
    return compileRule(type, ruleSchema(type).parse(config), scope, key);
  });
  return { rules, about };
}

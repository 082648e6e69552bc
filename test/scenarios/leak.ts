import { fromDisk, load } from "../../agent/config/load.ts";
import type { Site } from "../../agent/config/resolved.ts";
import type { Command } from "../../agent/core/command.ts";
import type { Event, State } from "../../agent/core/engine.ts";
import type { Language } from "../../agent/core/language.ts";
import { meantBy } from "../../agent/pipeline/deeds.ts";
import type { Rehearsal } from "../../agent/simulate/rehearsal.ts";
import type { EventRecord } from "../../agent/sinks/record.ts";
import { drivers } from "../../drivers/index.ts";
import { recordsOf } from "../agent/pipeline/night-site.ts";
import { play } from "./night.ts";

/** A leak that its controller tells over Modbus, and the building system over BACnet. */
const bms = `profile: bms/test
describe: A building system.
protocol: bacnet
class: bms
interval: 2s
points:
  water-east: { address: { object: binary-input, instance: 1 } }
rules:
  water-east: { use: leak/leak, point: water-east, normal: [0], alarm: [1], onDelay: 0s }
`;

export interface Asked {
  readonly language?: Language;
  /** Further options of the controller's rule, which names the other. */
  readonly leak?: string;
  /** Further options of the building system's. */
  readonly water?: string;
  /** What people call the two devices. */
  readonly names?: readonly [leak: string, bms: string];
  /** Further devices, and what else the site says. */
  readonly also?: string;
}

const siteYaml = ({
  language = "en",
  leak = "",
  water = "",
  names = ["leak-1", "BMS"],
  also = "",
}: Asked): string => `version: 1
site: { id: hall, language: ${language}, timeZone: UTC }
devices:
  - id: leak-1
    name: ${names[0]}
    profile: leak/rle-ld2100
    bus: { protocol: modbus, host: 127.0.0.1 }
    location: { room: Hall 1, zone: east }
    rules: { leak: { onDelay: 0s, sameAs: [bms/water-east], ${leak} } }
  - id: bms
    name: ${names[1]}
    profile: bms/test
    bus: { protocol: bacnet, host: 127.0.0.1 }
    address: { instance: 1 }
    location: { room: Plant room }
    rules: { water-east: { ${water} } }
${also}`;

export function loadLeak(asked: Asked = {}) {
  const disk = fromDisk("/nowhere/site.yaml");
  const files: Record<string, string> = { "site.yaml": siteYaml(asked), "profiles/bms/test.yaml": bms };
  return load(
    "site.yaml",
    (name) => files[name] ?? disk(name),
    drivers,
    () => ({ problem: "none" }),
  );
}

export function leakSite(asked: Asked = {}): Site {
  const { site, problems } = loadLeak(asked);
  if (site === null) throw new Error(JSON.stringify(problems));
  return site;
}

/** From one second to before another. */
type Span = readonly [from: number, to: number];

export interface Night {
  readonly site?: Site;
  readonly seconds: number;
  readonly leak?: readonly Span[];
  readonly bms?: readonly Span[];
  /** What other points say; undefined: normal. */
  value?(device: string, point: string, second: number): number | undefined;
  /** When they do not answer. */
  readonly silent?: Readonly<Record<string, readonly Span[]>>;
  /** What people do, as they type it. */
  readonly deeds?: readonly (readonly [second: number, name: Command["name"], target: string, forS?: number])[];
  readonly restarts?: readonly number[];
  /** Sees how it stands when each instant is over, before people do anything at the next one. */
  each?(state: State): void;
}

const within = (second: number, spans: readonly Span[] = []): boolean =>
  spans.some(([from, to]) => second >= from && second < to);

export function night({
  site = leakSite(),
  seconds,
  leak,
  bms,
  silent = {},
  deeds = [],
  restarts = [],
  each,
  value,
}: Night): Told {
  let open: readonly EventRecord[] = [];
  const events: Event[] = [];
  const refused: string[] = [];
  const meanwhile = (rehearsal: Rehearsal, second: number, soFar: readonly Event[]): void => {
    each?.(rehearsal.state);
    if (restarts.includes(second)) rehearsal.restart(second * 1000);
    for (const [, name, target, forS = 3600] of deeds.filter(([at]) => at === second)) {
      const newest = new Map(recordsOf(site, soFar).map((one) => [one.conditionKey, one]));
      open = [...newest.values()].filter((one) => one.open);
      const by = { user: "tech", role: "supervisor" } as const;
      const meant = meantBy(site, open, { name, target, by, reason: "works", forMs: forS * 1000 });
      if (typeof meant === "string" || "found" in meant) throw new Error(`${name} ${target}: ${JSON.stringify(meant)}`);
      for (const { key, command } of meant) {
        const answer = rehearsal.command(key, command, second * 1000);
        if (answer !== null) refused.push(`${name} ${key}: ${answer.code}`);
      }
    }
  };
  const all = play(site, {
    seconds,
    value: (device, point, second) => {
      if (device === "leak-1" && point === "status") return within(second, leak) ? 1 : 0;
      if (device === "bms" && point === "water-east") return Number(within(second, bms));
      return value?.(device, point, second);
    },
    silent: (device, second) => within(second, silent[device]),
    onEvent: (event) => events.push(event),
    meanwhile: (rehearsal, second) => meanwhile(rehearsal, second, events),
  });
  return { events: all, records: recordsOf(site, all), refused };
}

interface Told {
  readonly events: readonly Event[];
  readonly records: readonly EventRecord[];
  readonly refused: readonly string[];
}

/** Events of one device: second, kind or reason, severity; in capitals if somebody is to be called. */
export const linesOf = ({ events }: Told, device: string, rule?: string): string[] =>
  events
    .filter(
      ({ condition: { key } }) => key.startsWith(`hall/${device}/`) && (rule === undefined || key.endsWith(`/${rule}`)),
    )
    .map(({ now, kind, reason, level, annunciate }) => {
      const what = kind === "update" ? (reason ?? "") : kind;
      return `${now.at / 1000} ${annunciate ? what.toUpperCase() : what} ${level.severity}`;
    });

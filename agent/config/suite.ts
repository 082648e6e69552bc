import type { Command } from "../core/command.ts";
import type { Change } from "../core/incident.ts";
import type { Model } from "../core/model.ts";
import { type Point, plainPoint } from "../core/quality.ts";
import { commPoint, type Mono, type PointId } from "../core/sample.ts";
import type { Severity } from "../core/severity.ts";
import { type About, type Device, selfId } from "./resolved.ts";
import type { Series } from "./series.ts";

/** Tests with nothing left open, and the rules they are about. */
export interface Suite extends Subject {
  readonly tests: readonly Test[];
}

/** Rules as tests know them: by the names that people write. */
export interface Subject {
  readonly model: Model;
  /** By name: in a profile POINT, in a site DEVICE/POINT. */
  readonly points: ReadonlyMap<string, NamedPoint>;
  /** By key; only those of devices, not those by which the agent watches itself. */
  readonly conditions: ReadonlyMap<string, NamedCondition>;
  /** Between the entries of a series, where a test does not say. */
  readonly intervalMs: number;
}

export interface NamedPoint {
  /** As a series gives its values: scaled already. */
  readonly definition: Point;
  readonly unit: string;
  readonly texts: Readonly<Record<string, string>>;
}

export interface NamedCondition {
  /** In a profile RULE, in a site DEVICE/RULE. */
  readonly rule: string;
  /** Its place in the model. */
  readonly index: number;
  readonly which: Which;
  /** Of a witness, or of that itself: the key of the one incident that people attend to. */
  readonly fact: string | null;
}

/** What tells the conditions of a rule apart, where it has several. */
export interface Which {
  readonly side?: "high" | "low" | undefined;
  readonly bit?: number | undefined;
  readonly point?: string | undefined;
}

export interface Test {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly intervalMs: number;
  readonly endMs: Mono;
  readonly series: readonly { readonly point: Point; readonly entries: Series }[];
  readonly deeds: readonly Deed[];
  /** Rules whose events count, by their place in the model. */
  readonly rules: ReadonlySet<number>;
  readonly expected: readonly Expected[];
}

/** What people do: a command to the conditions of a rule, or a new sensor for a point. */
export type Deed = { readonly at: Mono } & (
  | { readonly command: Command; readonly rule: string; readonly keys: readonly string[] }
  | { readonly command: null; readonly replaced: PointId }
);

export interface Expected {
  readonly at: Mono;
  readonly kind: Change["kind"];
  readonly rule: string;
  readonly which: Which;
  /** Any of these conditions will do. */
  readonly keys: ReadonlySet<string>;
  /** null: any. */
  readonly severity: Severity | null;
  readonly reason: string | null;
  readonly annunciate: boolean;
}

/** `prefix`: what people leave away before names, such as a profile's only device. */
export function subjectOf(
  { model, about, devices }: { model: Model; about: ReadonlyMap<string, About>; devices: readonly Device[] },
  prefix: string,
  intervalMs: number,
): Subject {
  const points = devices.flatMap((device): [PointId, NamedPoint][] => [
    ...device.points.map(({ id, definition, unit, texts }): [PointId, NamedPoint] => [
      id,
      { definition: { ...definition, scale: 1, offset: 0, notAvailable: [] }, unit, texts },
    ]),
    [commPoint(device.id), { definition: plainPoint(commPoint(device.id)), unit: "1", texts: answers }],
  ]);
  const conditions = model.rules.flatMap((rule, index) =>
    rule.conditions.flatMap(({ key, side, slot }): [string, NamedCondition][] => {
      const one = about.get(key);
      if (one === undefined || one.device.id === selfId) return [];
      const which = { side, bit: slot === "" ? undefined : Number(slot), point: one.point?.own };
      const name = `${one.device.id}/${one.rule}`;
      return [
        [key, { rule: name.startsWith(prefix) ? name.slice(prefix.length) : name, index, which, fact: one.fact }],
      ];
    }),
  );
  return {
    model,
    points: new Map(points.map(([id, point]) => [id.slice(prefix.length), point])),
    conditions: new Map(conditions),
    intervalMs,
  };
}

const answers = { 0: "did not answer", 1: "answered" };

/** As much of `which` as is needed among the conditions of its rule. */
export function apart({ conditions }: Subject, { rule, which }: NamedCondition): Which {
  const siblings = [...conditions.values()].filter((one) => one.rule === rule).map((one) => one.which);
  const differs = (name: keyof Which): boolean => new Set(siblings.map((one) => one[name])).size > 1;
  return Object.fromEntries(
    (["side", "bit", "point"] as const).filter(differs).map((name) => [name, which[name]]),
  ) as Which;
}

export const sayWhich = (which: Which): string =>
  Object.entries(which)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}`)
    .join(", ");

const units = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 };

/** A duration as people write it: 90s, 5m, 1.5s. */
export function writeDuration(ms: number): string {
  const [unit, size] = Object.entries(units).find(([, size]) => ms >= size && ms % size === 0) ?? ["s", 1000];
  return `${ms / size}${unit}`;
}

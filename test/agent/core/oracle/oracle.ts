import { add, divide, exact, multiply } from "./exact.ts";
import { type Counter, type Entry, samplesOf } from "./history.ts";
import { type Condition, elapse, forget, hear, lapse, lapsesAt, latch, obey, type Told, waitsUntil } from "./life.ts";
import { type Level, measure, severities, type Verdict, type Written } from "./measures.ts";

/** A vector in the language of test/vectors; times in seconds. */
export interface Vector {
  readonly id: string;
  readonly poll?: number;
  readonly points?: Readonly<Record<string, Written>>;
  readonly devices?: Readonly<Record<string, { readonly points: readonly string[] }>>;
  readonly rules: readonly Written[];
  readonly samples: readonly (readonly (number | string)[])[];
  readonly ops?: readonly (readonly [number, string, Written])[];
  readonly end?: number;
  readonly expect?: readonly unknown[];
}

interface Rule {
  readonly written: Written;
  readonly inputs: readonly string[];
  readonly conditions: readonly Condition[];
}

/** The point on which exchanges with a device are told; and the one by which a rule hears of another. */
const commPoint = (device: string): string => `${device}/$comm`;
const rulePoint = (rule: string): string => `@${rule}`;
const isRule = (point: string): boolean => point.startsWith("@");

/** The events that the text asks for. */
export function expected(vector: Vector): Told[] {
  const told: Told[] = [];
  const tell = (one: Told): void => void told.push(one);
  const poll = (vector.poll ?? 10) * 1000;
  const rules = vector.rules.map((written): Rule => ruleOf(plainly(written), vector));
  let history: Entry[] = [];
  let began = 0;
  let newestSource = new Map<string, number>();

  const isActive = (name: string): Verdict => {
    const conditions = rules.filter(({ written }) => written.id === name).flatMap((one) => one.conditions);
    const latches = conditions.flatMap((one) => one.latches);
    if (latches.some(({ active }) => active)) return true;
    return latches.every(({ said }) => said.raise !== null) ? false : null;
  };
  /** Whether it is active, and how severely. */
  const wordOf = ({ written, conditions }: Rule): number | Verdict => {
    const actives = conditions.flatMap(({ latches }) => latches.findLastIndex(({ active }) => active));
    return isActive(written.id) === true ? Math.max(...actives) : isActive(written.id);
  };
  const judge = (rule: Rule, point: string, now: number): void => {
    const { written } = rule;
    const { counter, counterBits: bits, maxRate } = vector.points?.[written.point] ?? {};
    const known: Counter | undefined = counter ?? (bits === undefined ? undefined : { bits, maxRate });
    const word =
      written.type === "stale"
        ? ageWord(rule, history)
        : measure(written, { history, now, poll, point, counter: known, isActive });
    for (const condition of rule.conditions) hear(condition, word, now, tell);
  };
  /** Rules that changed are heard of by those that name them, after all that the sample itself reached. */
  const noticing = (change: () => void, now: number): void => {
    const before = rules.map(wordOf);
    change();
    const changed = vector.rules.filter((_, i) => wordOf(rules[i] as Rule) !== before[i]).map(({ id }) => id);
    if (changed.length === 0) return;
    noticing(() => {
      for (const rule of rules) {
        const heard = changed.map(rulePoint).find((one) => rule.inputs.includes(one));
        if (heard !== undefined) judge(rule, heard, now);
      }
    }, now);
  };
  const sample = (point: string, now: number, value: Entry & { what: "sample" }, source?: number): void => {
    const newest = newestSource.get(point);
    if (source !== undefined && newest !== undefined && source <= newest) return;
    if (source !== undefined) newestSource.set(point, source);
    history = [...history, value];
    noticing(() => {
      for (const rule of rules) if (rule.inputs.includes(point)) judge(rule, point, now);
    }, now);
  };
  const staleAt = (rule: Rule): number[] => {
    if (rule.written.type !== "stale" || rule.conditions[0]?.latches[0]?.active) return [];
    const lastGood = samplesOf(history, rule.written.point).findLast(({ value }) => value !== null);
    return [Math.max(lastGood?.at ?? began, began) + rule.written.after * 1000];
  };
  const dueOf = (rule: Rule): number =>
    Math.min(...staleAt(rule), ...rule.conditions.flatMap((one) => [...lapsesAt(one), ...waitsUntil(one)]));
  /** What a rule tells at an instant is a sample to those that read it, and comes before their timers. */
  const depthOf = ({ inputs }: Rule): number =>
    Math.max(
      0,
      ...rules.filter(({ written }) => inputs.includes(rulePoint(written.id))).map((one) => 1 + depthOf(one)),
    );
  /** Timers due before `limit`; they run at their time, or at `now` if that is later. */
  const runTimers = (isDue: (at: number) => boolean, now = 0): void => {
    for (;;) {
      const next = Math.min(...rules.map(dueOf));
      if (!Number.isFinite(next) || !isDue(next)) return;
      const at = Math.max(next, now);
      noticing(() => {
        const due = rules.filter((one) => dueOf(one) <= at && isDue(dueOf(one)));
        const first = Math.min(...due.map(depthOf));
        for (const rule of due.filter((one) => depthOf(one) === first)) {
          const isStale = staleAt(rule).some((due) => due <= at);
          for (const condition of rule.conditions) {
            lapse(condition, at, tell);
            if (isStale) hear(condition, { to: () => ({ raise: true, clear: false }) }, at, tell);
            else elapse(condition, at, tell);
          }
        }
      }, at);
    }
  };
  const operate = (now: number, name: string, args: Written): void => {
    if (name === "poll") {
      const point = commPoint(args.device);
      sample(point, now, { what: "sample", at: now, point, value: exact(args.ok ? 1 : 0) });
    } else if (name === "sensor_replaced") {
      history = [...history, { what: "replaced", at: now, point: args.point }];
    } else if (name === "restart") {
      began = now + args.down * 1000;
      [history, newestSource] = [[], new Map()];
      for (const condition of rules.flatMap((one) => one.conditions)) forget(condition);
      runTimers((at) => at < began, began);
      // Rules that are active still are so after a restart, which those hear that read them.
      for (const rule of rules) if (rule.inputs.some(isRule)) judge(rule, "", began);
    } else {
      const keys: string[] = name === "maintenance" ? args.rules : [args.key];
      const conditions = rules.flatMap((one) => one.conditions).filter(({ key }) => keys.includes(key));
      const forMs = args.oneShot === true ? null : args.duration * 1000;
      noticing(() => {
        for (const condition of conditions) obey(condition, name, forMs, now, tell);
      }, now);
    }
  };

  const { samples, ops = [] } = vector;
  const times = [...new Set([...samples.map(([t]) => Number(t)), ...ops.map(([t]) => t)])].sort((a, b) => a - b);
  for (const t of times) {
    const now = t * 1000;
    runTimers((at) => at < now);
    for (const [at, name, args] of ops) if (at === t) operate(now, name, args);
    for (const [at, raw, quality = "good", point = vector.rules[0]?.point, source = t] of samples) {
      if (at !== t) continue;
      const value = believed(Number(raw), String(quality), vector.points?.[String(point)] ?? {});
      sample(String(point), now, { what: "sample", at: now, point: String(point), value }, Number(source));
    }
    runTimers((at) => at <= now);
  }
  const end = (vector.end ?? times.at(-1) ?? 0) * 1000;
  runTimers((at) => at <= end);
  return told;
}

/** The keys of a vector's conditions, in rule order. */
export const keysOf = (vector: Vector): string[] =>
  vector.rules.flatMap((written) => ruleOf(plainly(written), vector).conditions.map(({ key }) => key));

/** 1.7: at its deadline it is stale; so many good samples, none later than that after the other, end it. Others say nothing. */
function ageWord({ written }: Rule, history: readonly Entry[]) {
  const samples = samplesOf(history, written.point);
  const latest = samples.at(-1);
  if (latest === undefined || latest.value === null) return { to: () => ({ raise: null, clear: null }) };
  const good = samples.filter(({ value }) => value !== null);
  const late = good.findLastIndex(({ at }, i) => i > 0 && at - (good[i - 1]?.at ?? 0) > written.after * 1000);
  const inTime = good.length - Math.max(late, 0);
  return { to: () => ({ raise: false, clear: inTime >= (written.clearCount ?? 1) ? true : null }) };
}

/** 1.1: what can be believed of a sample; null: nothing. */
function believed(raw: number, quality: string, point: Written) {
  if (quality === "bad" || (quality === "uncertain" && point.uncertainAs !== "good")) return null;
  if (!Number.isFinite(raw) || (point.notAvailable ?? []).includes(raw)) return null;
  const value = add(multiply(exact(raw), exact(point.scale ?? 1)), exact(point.offset ?? 0));
  const plain = Number(value.over) / Number(value.under);
  if ((point.sentinels ?? []).includes(plain)) return null;
  if (point.range !== undefined && (plain < point.range[0] || plain > point.range[1])) return null;
  return value;
}

/** Who a device is: 0 the same, 1 untold, which raises after two minutes more, 2 another one. */
function plainly(written: Written): Written {
  if (written.type !== "identity") return written;
  const { device, severity = "high", onDelay = 0 } = written;
  const levels = [
    { limit: 1, op: "ge", severity, onDelay: onDelay + 120 },
    { limit: 2, op: "ge", severity },
  ];
  return { ...written, type: "level", point: `${device}/$identity`, levels };
}

function ruleOf(written: Written, vector: Vector): Rule {
  const { type, id } = written;
  const ms = (seconds: number | undefined): number => (seconds ?? 0) * 1000;
  const inputs = inputsOf(written, vector);
  const timed = written.delayMode === "timer" || type === "stale" || inputs.some(isRule);
  const policy = {
    ackRequired: written.ackRequired,
    latch: written.latch ?? false,
    reAlarm: written.reAlarm === undefined ? null : ms(written.reAlarm),
    maxShelve: 8 * 3600_000,
    flap:
      written.flap === undefined
        ? null
        : { count: written.flap.count, window: ms(written.flap.window), quiet: ms(written.flap.quiet) },
    maxGap: timed ? Number.POSITIVE_INFINITY : ms(written.maxGap ?? 3 * (vector.poll ?? 10)),
    timed,
  };
  const parts = partsOf(written);
  const conditions = parts.map(({ slot, side, levels }) => ({
    key: slot !== "" ? `${id}#${slot}` : parts.some((one) => one.side !== side) ? `${id}/${side}` : id,
    slot,
    side,
    levels,
    policy,
    latches: levels.map(latch),
    mark: undefined,
    incident: null,
    shelf: null,
    maintenanceUntil: null,
    raises: [],
    flappingSince: null,
  }));
  return { written, inputs, conditions };
}

function inputsOf(written: Written, { points }: Vector): string[] {
  const { point, type, ref = {}, activity, inputs = [], device } = written;
  if (type === "comm") return [commPoint(device)];
  if (type === "vote") return inputs.map((one: Written) => ("rule" in one ? rulePoint(one.rule) : one.point));
  const uptime = points?.[point]?.counter?.uptime;
  return [
    point,
    ...("point" in ref ? [ref.point] : (ref.peers ?? [])),
    ...(activity === undefined ? [] : [activity.point]),
    ...(type === "roc" && uptime !== undefined ? [uptime] : []),
  ];
}

interface Part {
  readonly slot: string;
  readonly side: "high" | "low";
  readonly levels: readonly Level[];
}

/** The conditions of a rule, each with its levels, least severe first. */
function partsOf(written: Written): Part[] {
  const level = (also: Written): Level => {
    const per = exact({ s: 1, min: 60, h: 3600 }[written.per as "s"] ?? 1);
    return {
      severity: also.severity,
      limit: divide(exact(also.limit ?? 0), per),
      deadband: divide(exact(also.deadband ?? 0), per),
      op: also.op ?? "gt",
      onDelay: (also.onDelay ?? written.onDelay ?? 0) * 1000,
      offDelay: (also.offDelay ?? written.offDelay ?? 0) * 1000,
    };
  };
  const one = (severity: string, slot = ""): Part => ({ slot, side: "high", levels: [level({ severity })] });
  const usual: Record<string, string> = { flatline: "low", comm: "high", vote: "high", stale: "medium" };
  switch (written.type) {
    case "bits":
      if (written.bits === undefined) return [one(written.severity, String(written.bit))];
      return Object.entries(written.bits as Written).map(([slot, { severity }]) => one(severity, slot));
    case "state": {
      const used = [...Object.values(written.map ?? {}), ...(written.alarm === undefined ? [] : [written.severity])];
      const levels = severities.filter((severity) => used.includes(severity)).map((severity) => level({ severity }));
      return [{ slot: "", side: "high", levels }];
    }
    case "flatline":
    case "comm":
    case "vote":
    case "stale":
      return [one(written.severity ?? usual[written.type])];
    default:
      return (["high", "low"] as const).flatMap((side) => {
        const own = (written.levels as Written[]).filter((each) => (each.side ?? "high") === side);
        const levels = own.map(level).sort((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
        return own.length === 0 ? [] : [{ slot: "", side, levels }];
      });
  }
}

import { sayDuration } from "../core/duration.ts";
import { type Language, phraseWhole } from "../core/language.ts";
import type { Instant, Mono } from "../core/sample.ts";
import { rank, type Severity, severities } from "../core/severity.ts";
import type { News } from "../sinks/notify/notice.ts";

/**
 * What is told past the centre while the uplink is down. Pure: what is seen, and the time, go in; messages to send, and
 * what is to be remembered, come out. Each incident that calls, is high or critical, and of which the centre does not
 * know, is told once for each severity on each channel, and its end once; none that the centre gets by itself, and of
 * more than a person can read only how many.
 */
export interface SecondPath {
  /** Since when nothing goes out: not connected, or the same event waits first; null: the uplink is well. */
  readonly since: Instant | null;
  /** Position of the event that waited first when that was last looked at; null: none did, or nobody looked. */
  readonly head: number | null;
  /** Whether it has been down for long enough. */
  readonly isDown: boolean;
  readonly toldDown: boolean;
  /** Incidents told of while it is down. */
  readonly count: number;
  /** By incident: what was told, until it is over. */
  readonly told: Readonly<Record<string, Telling>>;
  readonly channels: Readonly<Record<string, Channel>>;
}

interface Telling extends Pick<News, "conditionKey" | "severity" | "raisedAt"> {
  /** The channels that took it. */
  readonly on: readonly string[];
}

export interface Channel {
  /** Not yet taken, oldest first. */
  readonly queue: readonly Queued[];
  /** When the last ones were taken. */
  readonly taken: readonly Mono[];
  /** What is too much to be told one by one, or could not be told so; null: nothing. */
  readonly more: More | null;
  /** When that was last told. */
  readonly moreAt: Mono | null;
  /** Whether it took anything since the uplink is down. */
  readonly spoke: boolean;
  /** What it answered last, if it did not take that. */
  readonly trouble: string | null;
}

interface Queued {
  readonly news: News;
  readonly tries: number;
  readonly nextAt: Mono;
}

interface More {
  readonly since: Mono;
  readonly raised: Partial<Record<Severity, number>>;
  readonly cleared: number;
  /** The texts of the worst. */
  readonly worst: readonly { readonly severity: Severity; readonly text: string }[];
}

/** How an incident stands. */
export interface Standing extends Pick<News, "conditionKey" | "severity" | "raisedAt" | "text"> {
  readonly incidentId: string;
  /** Whether it goes on, or waits for a reset. */
  readonly active: boolean;
  /** Whether a person is to be called for it. */
  readonly calls: boolean;
  /** Whether the centre has been told that it calls, as severe as it is. */
  readonly isKnown: boolean;
}

export interface Uplink {
  readonly connected: boolean;
  /** Position of the event that waits first; null: none does. */
  readonly head: number | null;
}

/** Messages a channel takes in a while; the last of them are kept for what is critical, and for what sums up. */
const perWhile = 20;
const perWhileUsual = 15;
const whileMs = 600_000;
/** Before it is tried again; after the last it is given up, and counted. Some 30 min. */
const waitsMs = [10_000, 30_000, 60_000, 120_000, 240_000, 480_000, 900_000];
const longestMs = 900_000;
/** How long what is too much is collected, and how far apart that is told. */
const collectMs = 60_000;
const apartMs = 300_000;
const worstTold = 3;

const quiet: Channel = { queue: [], taken: [], more: null, moreAt: null, spoke: false, trouble: null };

/**
 * @param saved what was kept of it; null: nothing. Engine time may have gone back a little since
 * @param names the channels that there are now
 */
export function secondPath(saved: SecondPath | null, names: readonly string[], now: Mono): SecondPath {
  const none = { since: null, isDown: false, toldDown: false, count: 0, told: {}, channels: {} };
  const path: SecondPath = { ...none, head: null, ...saved };
  const since = path.since && { ...path.since, at: Math.min(path.since.at, now) };
  const channelOf = (name: string): Channel => {
    const { queue, more, moreAt, ...channel } = path.channels[name] ?? quiet;
    return {
      ...channel,
      queue: queue.map((one) => ({ ...one, nextAt: Math.min(one.nextAt, now + longestMs) })),
      more: more && { ...more, since: Math.min(more.since, now) },
      moreAt: moreAt && Math.min(moreAt, now),
    };
  };
  return { ...path, since, head: null, channels: Object.fromEntries(names.map((name) => [name, channelOf(name)])) };
}

/** Nothing goes out, from the last time on that something did; down: for `afterMs`, and then until it is well. */
export function seen(path: SecondPath, { connected, head }: Uplink, now: Instant, afterMs: number): SecondPath {
  const isWell = connected && (head === null || (path.head !== null && head > path.head));
  const since = isWell ? null : (path.since ?? now);
  return { ...path, since, head, isDown: since !== null && (path.isDown || now.at - since.at >= afterMs) };
}

/** What is to be told, after `seen`. `incidents`: all that are open, and those in `told` also if they are over. */
export function judged(
  { was, path }: { readonly was: SecondPath; readonly path: SecondPath },
  incidents: readonly Standing[],
  now: Instant,
  language: Language,
): SecondPath {
  if (!path.isDown)
    return was.isDown ? backAgain(forgotten(path, incidents), was, now, language) : forgotten(path, incidents);
  let after = was.isDown ? path : begun(path);
  for (const one of incidents.toSorted((a, b) => rank(b.severity) - rank(a.severity))) {
    const told = after.told[one.incidentId];
    if (told !== undefined && !one.active) after = cleared(after, one, told, now);
    else if (isToBeTold(one, told)) after = raised(after, one, told, now);
  }
  return withMore(criticalWhileDown(after, incidents, now, language), now, language);
}

/** What a channel is to send now, and that it was tried, which is kept before it is sent; null: nothing. */
export function next(
  path: SecondPath,
  name: string,
  now: Mono,
): { readonly path: SecondPath; readonly news: News } | null {
  const channel = path.channels[name] ?? quiet;
  const first = channel.queue.find(({ nextAt }) => nextAt <= now);
  if (first === undefined || recent(channel, now).length >= perWhile) return null;
  const tried = { ...first, tries: first.tries + 1, nextAt: now + (waitsMs[first.tries] ?? longestMs) };
  const queue = channel.queue.map((one) => (one === first ? tried : one));
  return { path: withChannel(path, name, { ...channel, queue }), news: first.news };
}

/** `trouble`: why it was not taken; null: it was. */
export function answered(path: SecondPath, name: string, news: News, trouble: string | null, now: Mono): SecondPath {
  const channel = path.channels[name] ?? quiet;
  if (trouble !== null) return withChannel(path, name, refused({ ...channel, trouble }, news, now));
  const { incidentId = "" } = news;
  const told = path.told[incidentId];
  const on = told && { [incidentId]: { ...told, on: [...new Set([...told.on, name])] } };
  return withChannel({ ...path, told: { ...path.told, ...on } }, name, {
    ...channel,
    queue: channel.queue.filter((one) => one.news.key !== news.key),
    taken: [...recent(channel, now), now],
    spoke: true,
    trouble: null,
  });
}

/** What is not news any more once the uplink is well. */
function forgotten(path: SecondPath, incidents: readonly Standing[]): SecondPath {
  const open = new Set(incidents.flatMap(({ incidentId, active }) => (active ? [incidentId] : [])));
  const told = Object.entries(path.told);
  const left = told.filter(([id]) => open.has(id));
  return left.length === told.length ? path : { ...path, told: Object.fromEntries(left) };
}

/** The centre gets the rest by itself; whoever was told anything is told so. */
function backAgain(path: SecondPath, was: SecondPath, now: Instant, language: Language): SecondPath {
  const time = sayDuration(now.at - (was.since?.at ?? now.at));
  const follow = was.count === 0 ? "" : phraseWhole(language, "uplinkFollow", { count: String(was.count) });
  const text = phraseWhole(language, "uplinkBack", { time, follow });
  const news: News = {
    key: keyOf("uplink_back", was.since ?? now),
    kind: "uplink_back",
    severity: "info",
    text,
    at: iso(now.wall),
  };
  const channels = Object.entries(path.channels).map(([name, channel]) => [
    name,
    { ...channel, queue: channel.spoke ? [{ news, tries: 0, nextAt: now.at }] : [], more: null, spoke: false },
  ]);
  return { ...path, toldDown: false, count: 0, channels: Object.fromEntries(channels) };
}

/** That it was back is no news when it is down again. */
const begun = (path: SecondPath): SecondPath =>
  everywhere(path, (channel) => ({ ...channel, queue: [], spoke: false }));

const isToBeTold = (one: Standing, told: Telling | undefined): boolean =>
  one.active &&
  one.calls &&
  !one.isKnown &&
  rank(one.severity) >= rank("high") &&
  (told === undefined || rank(told.severity) < rank(one.severity));

function raised(path: SecondPath, one: Standing, told: Telling | undefined, now: Instant): SecondPath {
  const { incidentId, conditionKey, severity, raisedAt, text } = one;
  const about = { incidentId, conditionKey, severity, raisedAt };
  const news: News = { key: `${incidentId}:${severity}`, kind: "raise", ...about, text, at: iso(now.wall) };
  const telling: Telling = { conditionKey, severity, raisedAt, on: told?.on ?? [] };
  const after = everywhere(path, (channel) => enqueued(without(channel, incidentId), news, now.at));
  return { ...after, count: path.count + (told === undefined ? 1 : 0), told: { ...path.told, [incidentId]: telling } };
}

/** Where nobody heard that it began, nobody need hear that it is over. */
function cleared(path: SecondPath, one: Standing, { severity, on }: Telling, now: Instant): SecondPath {
  const { incidentId, conditionKey, raisedAt, text } = one;
  const about = { incidentId, conditionKey, severity, raisedAt };
  const news: News = { key: `${incidentId}:clear`, kind: "clear", ...about, text, at: iso(now.wall) };
  const channels = Object.entries(path.channels).map(([name, channel]) => {
    const wasTried = channel.queue.some(({ news: of, tries }) => of.incidentId === incidentId && tries > 0);
    const left = without(channel, incidentId);
    return [name, on.includes(name) || wasTried ? enqueued(left, news, now.at) : left];
  });
  const { [incidentId]: _, ...told } = path.told;
  return { ...path, told, channels: Object.fromEntries(channels) };
}

/** Once while it is down: the centre cannot see how what is critical goes on, also where it knows of it. */
function criticalWhileDown(
  path: SecondPath,
  incidents: readonly Standing[],
  now: Instant,
  language: Language,
): SecondPath {
  const critical = incidents.filter(({ severity, active, calls }) => severity === "critical" && active && calls);
  if (path.toldDown || path.since === null || critical.length === 0) return path;
  const text = phraseWhole(language, "uplinkDown", {
    time: sayDuration(now.at - path.since.at),
    count: String(critical.length),
    texts: critical
      .slice(0, worstTold)
      .map((one) => one.text)
      .join(" "),
  });
  const news: News = {
    key: keyOf("uplink_down", path.since),
    kind: "uplink_down",
    severity: "critical",
    text,
    at: iso(now.wall),
  };
  return { ...everywhere(path, (channel) => enqueued(channel, news, now.at)), toldDown: true };
}

/** What is too much, once it was collected for a while. */
function withMore(path: SecondPath, now: Instant, language: Language): SecondPath {
  return everywhere(path, (channel) => {
    const { more, moreAt, queue: before } = channel;
    const isTooEarly =
      moreAt !== null && (now.at - moreAt < apartMs || before.some(({ news }) => news.kind === "digest"));
    if (more === null || now.at - more.since < collectMs || isTooEarly) return channel;
    const at = iso(now.wall);
    const counts = severities
      .toReversed()
      .flatMap((severity) => (more.raised[severity] === undefined ? [] : [`${more.raised[severity]} ${severity}`]));
    const ends = more.cleared === 0 ? [] : [phraseWhole(language, "floodCleared", { count: String(more.cleared) })];
    const text = phraseWhole(language, "uplinkMore", {
      counts: [...counts, ...ends].join(", "),
      texts: more.worst.map((one) => one.text).join(" "),
    });
    const news: News = { key: `digest:${at}`, kind: "digest", severity: more.worst[0]?.severity ?? "info", text, at };
    const queue = [...before, { news, tries: 0, nextAt: now.at }];
    return { ...channel, queue, more: null, moreAt: now.at };
  });
}

function enqueued(channel: Channel, news: News, now: Mono): Channel {
  const room = news.severity === "critical" && news.kind !== "clear" ? perWhile : perWhileUsual;
  if (channel.queue.length + recent(channel, now).length >= room) return counted(channel, news, now);
  return { ...channel, queue: [...channel.queue, { news, tries: 0, nextAt: now }] };
}

/** One that was tried often enough is only counted; that sum itself is tried for as long as it is news. */
function refused(channel: Channel, news: News, now: Mono): Channel {
  const queued = channel.queue.find((one) => one.news.key === news.key);
  if (queued === undefined || queued.tries <= waitsMs.length || news.kind === "digest") return channel;
  return counted({ ...channel, queue: channel.queue.filter((one) => one !== queued) }, news, now);
}

/** Only its number is told, later. */
function counted(channel: Channel, { kind, severity, text }: News, now: Mono): Channel {
  const more = channel.more ?? { since: now, raised: {}, cleared: 0, worst: [] };
  if (kind === "clear") return { ...channel, more: { ...more, cleared: more.cleared + 1 } };
  if (kind === "uplink_back") return channel;
  const worst = [...more.worst, { severity, text }].toSorted((a, b) => rank(b.severity) - rank(a.severity));
  const raised = { ...more.raised, [severity]: (more.raised[severity] ?? 0) + 1 };
  return { ...channel, more: { ...more, raised, worst: worst.slice(0, worstTold) } };
}

const recent = ({ taken }: Channel, now: Mono): Mono[] => taken.filter((at) => at <= now && now - at < whileMs);

const without = (channel: Channel, incidentId: string): Channel => ({
  ...channel,
  queue: channel.queue.filter(({ news }) => news.incidentId !== incidentId),
});

const withChannel = (path: SecondPath, name: string, channel: Channel): SecondPath => ({
  ...path,
  channels: { ...path.channels, [name]: channel },
});

const everywhere = (path: SecondPath, change: (channel: Channel) => Channel): SecondPath => ({
  ...path,
  channels: Object.fromEntries(Object.entries(path.channels).map(([name, one]) => [name, change(one)])),
});

const keyOf = (kind: string, since: Instant): string => `${kind}:${iso(since.wall)}`;
const iso = (wall: number): string => new Date(wall).toISOString();

/**
 * Proves a run of the chaos suite. It reads what every viewer was told, and every request that the
 * simulated provider got. Pure: it knows nothing of how the logs were made.
 *
 * | rule        | holds                                                                             |
 * | ----------- | --------------------------------------------------------------------------------- |
 * | `overlap`   | an instance has one request under way: it has one poller                          |
 * | `spacing`   | requests to an instance start at least `MIN_SPACING_MS` apart                     |
 * | `versions`  | each viewer is told strictly rising versions                                      |
 * | `truth`     | one version says one thing, to whomever it is told                                |
 * | `late-code` | after `connected` nobody is shown anything but `connected`                        |
 * | `stale-code`| no code is told when it may not be shown any more                                 |
 * | `connected` | a login ends as `connected` at every viewer                                       |
 * | `agreement` | all viewers end on the state and version that the API answers                     |
 */

import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import type { WireSession } from '@qrcast/core/wire';

/** All times of a log are Unix ms of one monotonic clock. */
export interface Request {
  readonly method: string;
  readonly startedAt: number;
  /** Null while it is open. */
  readonly endedAt: number | null;
}

export interface Told {
  readonly at: number;
  readonly version: number;
  /** Null if only `fresh` was told: the state is the one before. */
  readonly session: WireSession | null;
}

export interface ViewerLog {
  readonly name: string;
  readonly told: readonly Told[];
}

export interface SessionLog {
  readonly sessionId: string;
  /** When the session was there. A version counts ms from then. */
  readonly createdAt: number;
  readonly requests: readonly Request[];
  readonly viewers: readonly ViewerLog[];
  /** Somebody scanned the code, and the provider took it. */
  readonly isLoggedIn: boolean;
  /** What the API answered when all was over. */
  readonly final: Pick<WireSession, 'state' | 'version'>;
  /** What else happened. No rule looks at it; it is for whoever reads the log. */
  readonly notes: readonly { readonly at: number; readonly what: string }[];
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** What Redis lost of what was written in a time. */
export interface Loss extends Span {
  /**
   * It went back at the end of the time. Else another server took over at an unknown moment in it, and
   * perhaps both took writes meanwhile.
   */
  readonly wentBack: boolean;
}

/** What happened to the processes, and what the rules therefore cannot ask. */
export interface Circumstances {
  /**
   * A worker was stopped (SIGSTOP). It cannot end the request that it has under way, and its lease
   * passes to another one.
   */
  readonly stopped: readonly Span[];
  /** A worker or the simulator had no processor, so that what it did came late. */
  readonly stalls: readonly Span[];
  /** A session may end twice, and an instance whose claim was lost may be asked once more. */
  readonly losses: readonly Loss[];
}

export type Rule = keyof typeof RULES;

export interface Violation {
  readonly rule: Rule;
  readonly sessionId: string;
  readonly what: string;
}

/** Between the moment that a worker notes and the arrival at the provider. */
const TRANSIT_MS = 100;
/**
 * Between a claim and the arrival of its request: the worker reads the session first, and for that it
 * may have to connect to the new master.
 */
const CLAIMED_BEFORE_MS = 3_000;
/** A worker extends its leases of 6 s every 2 s or so. */
const LEAST_LEASE_MS = 3_000;

type Check = (log: SessionLog, circumstances: Circumstances) => readonly string[];

const RULES = {
  overlap: overlaps,
  spacing: closeRequests,
  versions: fallingVersions,
  truth: contradictions,
  'late-code': lateCodes,
  'stale-code': staleCodes,
  connected: missedLogins,
  agreement: disagreements,
} as const satisfies Record<string, Check>;

export const RULE_NAMES = Object.keys(RULES) as readonly Rule[];

export function check(log: SessionLog, circumstances: Circumstances): readonly Violation[] {
  return RULE_NAMES.flatMap((rule) => RULES[rule](log, circumstances).map((what) => ({ rule, sessionId: log.sessionId, what })));
}

function overlaps({ requests }: SessionLog, { stopped, losses }: Circumstances): readonly string[] {
  let longest: Request | undefined;
  return byStart(requests).flatMap((next) => {
    const one = longest;
    const isExcused = one !== undefined && isClaimLost(losses, one, next);
    if (one === undefined || isExcused || endOf(next) > endOf(one)) longest = next;
    if (one === undefined || endOf(one) <= next.startedAt + TRANSIT_MS) return []; // its end may arrive later than a next beginning
    if (isExcused || stopped.some((span) => passedOn(span, one, next))) return [];
    return [`${next.method} began at ${time(next.startedAt)}, while ${one.method} of ${time(one.startedAt)} was open`];
  });
}

/**
 * The claim of the first was lost, and that of the next was made when Redis had lost it. If another
 * server took over, the claim may be there, and only its extension lost. `lateMs`: so much later than
 * it was sent the first may have come.
 */
function isClaimLost(losses: readonly Loss[], one: Request, next: Request, lateMs = 0): boolean {
  return losses.some(({ from, to, wentBack }) =>
    wentBack
      ? one.startedAt >= from && one.startedAt - lateMs <= to + TRANSIT_MS && next.startedAt >= to - TRANSIT_MS
      : endOf(one) >= from && one.startedAt <= to + CLAIMED_BEFORE_MS && next.startedAt >= from,
  );
}

/** How many requests came too early because a claim was lost. */
export function countDoubled(log: SessionLog, circumstances: Circumstances): number {
  const unexcused = { ...circumstances, losses: [] };
  const count = (found: Check): number => found(log, unexcused).length - found(log, circumstances).length;
  return Math.max(count(overlaps), count(closeRequests)); // an overlap is mostly a close request, too
}

function endOf({ endedAt }: Request): number {
  return endedAt ?? Number.POSITIVE_INFINITY;
}

function closeRequests({ requests }: SessionLog, circumstances: Circumstances): readonly string[] {
  const from = Math.min(...requests.map(({ startedAt }) => startedAt)) - MIN_SPACING_MS;
  const late = union([...circumstances.stopped, ...circumstances.stalls].filter(({ to }) => to > from)); // a long run has many
  return pairs(byStart(requests)).flatMap(([one, next]) => {
    const gapMs = next.startedAt - one.startedAt;
    const before = { from: one.startedAt - MIN_SPACING_MS, to: one.startedAt }; // what came late may be followed sooner
    const lateMs = lengthWithin(late, before);
    const leastMs = MIN_SPACING_MS - TRANSIT_MS - lateMs;
    if (gapMs >= leastMs || isClaimLost(circumstances.losses, one, next, lateMs)) return [];
    return [
      `${next.method} at ${time(next.startedAt)} came ${Math.round(gapMs)} ms after ${one.method}, and ${Math.round(lateMs)} ms of it may be late`,
    ];
  });
}

function fallingVersions({ viewers }: SessionLog): readonly string[] {
  return viewers.flatMap(({ name, told }) =>
    pairs(told).flatMap(([one, next]) =>
      next.version > one.version ? [] : [`${name} was told version ${next.version} after ${one.version}, at ${time(next.at)}`],
    ),
  );
}

function contradictions({ viewers }: SessionLog, { losses }: Circumstances): readonly string[] {
  const meanings = new Map<number, { readonly meaning: string; readonly at: number }>();
  return viewers.flatMap(({ name, told }) =>
    told.flatMap(({ version, session, at }) => {
      if (session === null) return [];
      const meaning = meaningOf(session);
      const known = meanings.get(version);
      meanings.set(version, known ?? { meaning, at });
      if (known === undefined || known.meaning === meaning || isForked(losses, known.at, at)) return [];
      return [`version ${version} is ${meaning} to ${name}, and ${known.meaning} to another`];
    }),
  );
}

/**
 * Both were told while two masters took writes. Each may have numbered a change of the same
 * millisecond. Who was told the one that is lost is told a higher version as soon as one is left.
 */
function isForked(losses: readonly Loss[], ...times: readonly number[]): boolean {
  return losses.some(({ from, to, wentBack }) => !wentBack && times.every((at) => at >= from && at <= to + TRANSIT_MS));
}

/** What a viewer shows. Times are left out: `fresh` brings them with a version of its own. */
function meaningOf({ state, code, notice, end, account }: WireSession): string {
  return [state, code?.issuedAt, notice?.code, end?.reason, account?.phone].filter((part) => part !== undefined && part !== null).join(' ');
}

function lateCodes(log: SessionLog, { losses }: Circumstances): readonly string[] {
  const { viewers } = log;
  const isLogin = (one: Told): boolean => one.session?.state === 'connected' && !isLost(log, losses, one);
  const logins = viewers.flatMap(({ told }) => told.filter(isLogin));
  const connectedAt = Math.min(...logins.map(({ version }) => version));
  return viewers.flatMap(({ name, told }) => {
    let isConnected = false;
    return told.flatMap((one) => {
      const { version, session } = one;
      const isLate = (isConnected || version > connectedAt) && session?.state !== 'connected';
      isConnected ||= isLogin(one);
      return isLate ? [`${name} was told ${session?.state ?? 'fresh'} (version ${version}) after connected`] : [];
    });
  });
}

function staleCodes({ viewers }: SessionLog): readonly string[] {
  return viewers.flatMap(({ name, told }) =>
    told.flatMap(({ version, session }) =>
      session !== null && session.code !== null && session.code.staleAt <= session.serverNow
        ? [`${name} was told a code that was stale by then (version ${version})`]
        : [],
    ),
  );
}

function missedLogins({ viewers, isLoggedIn }: SessionLog): readonly string[] {
  if (!isLoggedIn) return [];
  return viewers.flatMap(({ name, told }) => {
    const last = told.findLast(({ session }) => session !== null)?.session;
    return last?.state === 'connected' ? [] : [`${name} ended as ${last?.state ?? 'told nothing'}`];
  });
}

function disagreements(log: SessionLog, { losses }: Circumstances): readonly string[] {
  const { viewers, final, isLoggedIn } = log;
  const wrong = isLoggedIn && final.state !== 'connected' ? [`the API says ${final.state}`] : [];
  return [
    ...wrong,
    ...viewers.flatMap(({ name, told }) => {
      const last = told.at(-1);
      const state = told.findLast(({ session }) => session !== null)?.session?.state;
      if (last === undefined) return [];
      const isOlder = last.version < final.version && losses.some(({ to }) => to >= log.createdAt - TRANSIT_MS);
      if (state === final.state && (last.version === final.version || isOlder || isLost(log, losses, last))) return [];
      return [`${name} ended on ${state} ${last.version}, and the API says ${final.state} ${final.version}`];
    }),
  ];
}

/** Redis may have forgotten what was told then, or what was made then and told later. */
function isLost({ createdAt }: SessionLog, losses: readonly Loss[], { at, version }: Told): boolean {
  return [at, createdAt + version].some((time) => losses.some(({ from, to }) => time >= from - TRANSIT_MS && time <= to + TRANSIT_MS));
}

function byStart(requests: readonly Request[]): readonly Request[] {
  return requests.toSorted((a, b) => a.startedAt - b.startedAt);
}

function pairs<T>(all: readonly T[]): readonly (readonly [T, T])[] {
  return all.slice(1).map((next, i) => [all[i] as T, next] as const); // all[i] precedes it
}

/** The lease of a stopped worker's request has ended by then, so that another worker began the next. */
function passedOn(stopped: Span, one: Request, next: Request): boolean {
  return stopped.to > one.startedAt && next.startedAt >= stopped.from + LEAST_LEASE_MS;
}

/** The same times, none of them twice. */
function union(spans: readonly Span[]): readonly Span[] {
  const joined: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last === undefined || span.from > last.to) joined.push(span);
    else if (span.to > last.to) joined[joined.length - 1] = { from: last.from, to: span.to };
  }
  return joined;
}

function lengthWithin(spans: readonly Span[], { from, to }: Span): number {
  return spans.reduce((sum, span) => sum + Math.max(0, Math.min(span.to, to) - Math.max(span.from, from)), 0);
}

function time(at: number): string {
  return new Date(at).toISOString().slice(11, 23);
}

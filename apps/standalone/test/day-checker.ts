/**
 * Proves a day: no login was lost, no code was promised longer than it may be shown, and the board
 * tells what has happened. Pure: it knows nothing of how its inputs were made.
 */

import { ATTEMPT_STEPS } from '@qrcast/core/attempt-progress';
import { type Circumstances, check } from '../chaos/checker.ts';
import type { DayLog, DayRequest, LoginLog } from './day-log.ts';
import { answersOf, type Bounds, boundsOf, type Expected, pollsIn, stepsOf } from './day-truth.ts';

/** What panels of the board show, by the values of their labels. */
export interface Shown {
  /** As `watched`, which each attempt begins with. */
  readonly attempts: Counts;
  readonly steps: Counts;
  readonly ends: Counts;
  readonly answers: Counts;
  readonly tries: Counts;
  readonly refusals: Counts;
}
export type Counts = Readonly<Record<string, number>>;

export interface AlertsOfDay {
  /** Those that have fired at any time, and that fire now. */
  readonly fired: readonly string[];
  readonly firing: readonly string[];
  readonly must: readonly string[];
  /** Those that an act of the day, or a slow machine, can fire. */
  readonly may: readonly string[];
}

const STEPS: ReadonlySet<string> = new Set(ATTEMPT_STEPS);
/** Between the moment that a process notes and the arrival elsewhere. */
const TRANSIT_MS = 100;
/** Viewers are refused, too, while a gateway stops or Redis is full, and cannot tell how often. */
const REFUSED_UNSEEN: ReadonlySet<string> = new Set(['unavailable']);

/** What is wrong with the people's day. */
export function checkLogins(day: DayLog, circumstances: Circumstances, codeTtlMs: number): readonly string[] {
  const calledBack = new Set(day.calledBack);
  const polled = day.logins.map((login) => ({ ...login, requests: pollsIn(login.requests) }));
  return polled.flatMap((login) => [
    ...check(withoutLeft(login), circumstances).map(({ rule, what }) => `${login.sessionId}: ${rule}: ${what}`),
    ...unbackedPromises(login, codeTtlMs).map((what) => `${login.sessionId}: promise: ${what}`),
    ...(login.isLoggedIn && !calledBack.has(login.sessionId) ? [`${login.sessionId}: callback: nobody was told of the login`] : []),
    ...(login.isNotificationLost && login.notifications > 0 ? [`${login.sessionId}: notification: it was not lost`] : []),
  ]);
}

/** Viewers who have left are not told the end. */
const withoutLeft = (login: LoginLog): LoginLog => (login.final.state === 'idle' ? { ...login, viewers: [] } : login);

/** What the board says wrongly. */
export function checkBoard(day: DayLog, shown: Shown): readonly string[] {
  const { unscraped } = day;
  const taken = day.logins.flatMap(stepsOf);
  const of = (fits: (name: string) => boolean): Expected =>
    boundsOf(
      taken.filter(({ name }) => fits(name)),
      unscraped,
    );
  const answers = boundsOf(
    day.logins.flatMap(({ requests }) => answersOf(requests)),
    unscraped,
  );
  return [
    ...compare(
      'attempts',
      shown.attempts,
      of((name) => name === 'watched'),
    ),
    ...compare(
      'steps',
      shown.steps,
      of((name) => STEPS.has(name)),
    ),
    ...compare(
      'ends',
      shown.ends,
      of((name) => !STEPS.has(name)),
    ),
    ...compare('answers', shown.answers, answers),
    ...compare('tries', shown.tries, boundsOf(day.tries, unscraped)),
    ...compare('refusals', shown.refusals, openAbove(boundsOf(day.refusals, unscraped))),
  ];
}

export function checkAlerts({ fired, firing, must, may }: AlertsOfDay): readonly string[] {
  return [
    ...must.filter((name) => !fired.includes(name)).map((name) => `${name} has not fired`),
    ...fired.filter((name) => !must.includes(name) && !may.includes(name)).map((name) => `${name} has fired without cause`),
    ...firing.map((name) => `${name} fires still`),
  ];
}

/** How many of the countable things nobody can ask for, as a process ended or began with them. */
export function countUncertain(day: DayLog): number {
  const taken = [...day.logins.flatMap((login) => [...stepsOf(login), ...answersOf(login.requests)]), ...day.tries];
  return Object.values(boundsOf(taken, day.unscraped)).reduce((sum, { least, most }) => sum + most - least, 0);
}

function compare(panel: string, shown: Counts, expected: Expected): readonly string[] {
  const names = new Set([...Object.keys(shown), ...Object.keys(expected)]);
  return [...names].flatMap((name) => {
    const value = shown[name] ?? 0;
    const { least, most } = expected[name] ?? { least: 0, most: 0 };
    const wanted = least === most ? `${most}` : `${least} to ${most}`;
    return value >= least && value <= most ? [] : [`${panel}: ${name} is ${value}, and was ${wanted}`];
  });
}

function openAbove(expected: Expected): Expected {
  const unseen = [...REFUSED_UNSEEN].map((name): [string, Bounds] => [
    name,
    { least: expected[name]?.least ?? 0, most: Number.POSITIVE_INFINITY },
  ]);
  return { ...expected, ...Object.fromEntries(unseen) };
}

/** A code may be shown until so long after an answer that brought it: none promise is later. */
function unbackedPromises({ viewers, requests }: LoginLog, codeTtlMs: number): readonly string[] {
  const answered = requests.toSorted((a, b) => a.startedAt - b.startedAt);
  return viewers.flatMap(({ name, told }) =>
    told.flatMap(({ version, staleAt }) =>
      staleAt === null || isBacked(answered, staleAt - codeTtlMs)
        ? []
        : [`${name} was promised a code until ${codeTtlMs} ms after no answer (version ${version})`],
    ),
  );
}

/** Whether the provider gave a code, and was not asked again before `confirmedAt`. */
function isBacked(requests: readonly DayRequest[], confirmedAt: number): boolean {
  const last = requests.findLast(({ endedAt }) => endedAt !== null && endedAt <= confirmedAt + TRANSIT_MS);
  const next = last === undefined ? undefined : requests[requests.indexOf(last) + 1];
  const isCode = last?.method === 'qr' && last.status === 200;
  return isCode && (next === undefined || next.startedAt >= confirmedAt - TRANSIT_MS);
}

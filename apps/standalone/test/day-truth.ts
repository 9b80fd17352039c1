/**
 * Says how the board has to show a day, by what is known without it. Pure.
 *
 * Prometheus loses the counts between the last scrape of a process and its end. Counts before its first
 * scrape are no growth. Nobody can know which of two processes has counted an event. So an event of
 * such a time may be missing, and every other must be there.
 */

import type { Span } from '../chaos/checker.ts';
import type { Countable, DayRequest, DayTold, LoginLog } from './day-log.ts';

/** How much a panel may show of something. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
}

export type Expected = Readonly<Record<string, Bounds>>;

/** By name. */
export function boundsOf(countable: readonly Countable[], unscraped: readonly Span[]): Expected {
  const bounds: Record<string, Bounds> = {};
  for (const { name, from, to } of countable) {
    const { least, most } = bounds[name] ?? { least: 0, most: 0 };
    const isCertain = !unscraped.some((span) => span.from <= to && span.to >= from);
    bounds[name] = { least: isCertain ? least + 1 : least, most: most + 1 };
  }
  return bounds;
}

/** How the classes of answers are named: the log of the provider has their status alone. */
export const ANSWER_CLASSES = ['answered', 'refused', 'failed', 'unanswered'] as const;
export type AnswerClass = (typeof ANSWER_CLASSES)[number];

const CLASS_OF_OUTCOME: Readonly<Record<string, AnswerClass>> = {
  credentials_rejected: 'refused',
  provider_error: 'failed',
  provider_timeout: 'unanswered',
  provider_unreachable: 'unanswered',
};

/** @param outcome as `qrcast_provider_answers_total` names it */
export const classOfOutcome = (outcome: string): AnswerClass => CLASS_OF_OUTCOME[outcome] ?? 'answered';

function classOfStatus(status: number | null): AnswerClass {
  if (status === null) return 'unanswered';
  if (status >= 500) return 'failed';
  return status === 401 ? 'refused' : 'answered';
}

/** The methods that polls ask, as the provider names them. */
const POLLED: ReadonlySet<string> = new Set(['qr', 'getStateInstance', 'getAccountSettings', 'logout']);

/** A password that a person sends is none, and is sent at once. */
export const pollsIn = (requests: readonly DayRequest[]): readonly DayRequest[] => requests.filter(({ method }) => POLLED.has(method));

/** Counted when the answer is there. */
export function answersOf(requests: readonly DayRequest[]): readonly Countable[] {
  const polls = pollsIn(requests);
  return polls.map(({ status, startedAt, endedAt }) => ({ name: classOfStatus(status), from: startedAt, to: endedAt ?? startedAt }));
}

/**
 * The steps of a login's attempts, as its viewers were told them. `ended` has the reason alone. A
 * version says when its change was stored: so many ms after the session was there. A viewer may have
 * missed versions, so a step was taken after the version before it.
 */
export function stepsOf(log: LoginLog): readonly Countable[] {
  const steps: Countable[] = [];
  const taken = new Set<string>();
  let before = 0;
  for (const { version, session } of inOrder(log)) {
    if (session === null) continue;
    const attempt = session.startedAt;
    for (const name of stepsIn(session)) {
      if (taken.has(`${attempt} ${name}`)) continue;
      taken.add(`${attempt} ${name}`);
      steps.push({ name, from: name === 'watched' ? attempt : log.createdAt + before, to: log.createdAt + version });
    }
    before = version;
  }
  const { state, version } = log.final;
  if (state === 'idle' && taken.size > 0) steps.push({ name: 'unwatched', from: log.createdAt + before, to: log.createdAt + version });
  return steps;
}

function inOrder({ viewers }: LoginLog): readonly DayTold[] {
  const whole = viewers.flatMap(({ told }) => told.filter(({ session }) => session !== null));
  return whole.toSorted((a, b) => a.version - b.version);
}

/** What a state says of its attempt. Each step is named at its first sign. */
function stepsIn({ state, code, notice, end }: NonNullable<DayTold['session']>): readonly string[] {
  const isScanned = state === 'password' || state === 'connected' || notice?.code === 'login_finishing';
  return [
    ...(state === 'idle' ? [] : ['watched']),
    ...(code === null ? [] : ['code_shown']),
    ...(isScanned ? ['scanned'] : []),
    ...(state === 'password' || state === 'connected' ? [state] : []),
    ...(end === null ? [] : [end.reason]),
  ];
}

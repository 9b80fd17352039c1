/**
 * How far attempts come: the steps of a login, as an operator counts them. Each is counted once for
 * an attempt, by whoever stores the change.
 */

import type { EndReason, Session } from './session.ts';
import { isPolled } from './session.ts';

/** In the order in which a login takes them. Only the first and the last of an attempt always come. */
export const ATTEMPT_STEPS = ['watched', 'code_shown', 'scanned', 'password', 'connected', 'ended'] as const;

export type AttemptStep = (typeof ATTEMPT_STEPS)[number];

/** `unwatched`: nobody looked any more, so the attempt was given up without an end of the session. */
export type AttemptEnd = EndReason | 'unwatched';

export interface StepTaken {
  readonly step: AttemptStep;
  /** Of `ended` only. */
  readonly reason?: AttemptEnd;
  /**
   * How long it took, ms: of `code_shown` since the attempt began, of `connected` since the scan was
   * seen. Left out if it is not known.
   */
  readonly tookMs?: number;
}

type Progress = Pick<Session, 'codes' | 'scannedAt' | 'wantedPassword'>;

export const NO_PROGRESS: Progress = { codes: 0, scannedAt: null, wantedPassword: false };

/** The session with its progress after the change. The same reference if that is as it was. */
export function noteProgress(before: Session, after: Session, at: number): Session {
  const { codes, scannedAt, wantedPassword } = begins(before, after) ? NO_PROGRESS : before;
  const progress = {
    codes: isNewCode(before, after) ? codes + 1 : codes,
    scannedAt: scannedAt ?? (isScanned(after) ? at : null),
    wantedPassword: wantedPassword || (isPolled(after) && after.login === 'password'),
  };
  const isSame =
    progress.codes === after.codes && progress.scannedAt === after.scannedAt && progress.wantedPassword === after.wantedPassword;
  return isSame ? after : { ...after, ...progress };
}

/** The steps that the change took. `at`: of its event, Unix ms. */
export function stepsTaken(before: Session, after: Session, at: number): readonly StepTaken[] {
  const isNew = begins(before, after);
  const known = isNew ? NO_PROGRESS : before;
  const steps: StepTaken[] = [];
  if (isNew && isPolled(before)) steps.push(endOf(before.isUnwatched ? 'unwatched' : 'deadline')); // time has ended it
  if (isNew) steps.push({ step: 'watched' });
  if (known.codes === 0 && after.codes > 0) steps.push({ step: 'code_shown', tookMs: Math.max(0, at - after.startedAt) });
  if (known.scannedAt === null && after.scannedAt !== null) steps.push({ step: 'scanned' });
  if (!known.wantedPassword && after.wantedPassword) steps.push({ step: 'password' });
  const { state } = after;
  if (state.kind === 'connected' && before.state.kind !== 'connected') {
    steps.push({ step: 'connected', ...(known.scannedAt === null ? {} : { tookMs: Math.max(0, at - known.scannedAt) }) });
  } else if (isPolled(before) && !isPolled(after)) {
    steps.push(endOf(state.kind === 'ended' ? state.reason : 'unwatched'));
  }
  return steps;
}

/**
 * How long an attempt has taken, ms, if this change shows that it needs no code: it asks for its
 * password, is logged in, or ends, and has shown no code. Null for any other change.
 */
export function codelessAfterMs(before: Session, after: Session, at: number): number | null {
  const known = begins(before, after) ? NO_PROGRESS : before;
  if (after.codes > 0 || known.wantedPassword) return null;
  const isDecided = isPolled(after) ? after.wantedPassword : isPolled(before);
  return isDecided ? Math.max(0, at - after.startedAt) : null;
}

const endOf = (reason: AttemptEnd): StepTaken => ({ step: 'ended', reason });

/** Time may have ended an attempt, and the same event begun the next. */
function begins(before: Session, after: Session): boolean {
  return isPolled(after) && (!isPolled(before) || after.startedAt !== before.startedAt);
}

function isNewCode({ state: before }: Session, { state: after }: Session): boolean {
  return after.kind === 'showing' && (before.kind !== 'showing' || before.code.issuedAt !== after.code.issuedAt);
}

function isScanned(session: Session): boolean {
  const { state } = session;
  const isUnderWay = isPolled(session) && (session.login === 'finishing' || session.login === 'password');
  const isOver = state.kind === 'connected' || (state.kind === 'ended' && state.reason === 'account_mismatch');
  return isUnderWay || isOver; // by another account, too: somebody has scanned
}

/**
 * The course of one login, from the first state to its end: gives the password when it is wanted, begins a new attempt when one took its
 * time, and ends when the session does, the time is up, or somebody stops it.
 */

import type { SessionWatch } from '@qrcast/client/types';
import { type Ending, endFor, endingOf, refusedEnding, timedOut } from './ending.ts';
import { givePassword } from './password.ts';
import type { Passwords } from './secrets.ts';
import type { LoginView } from './view.ts';

export interface FollowDeps {
  readonly watch: Pick<SessionWatch, 'snapshot' | 'on' | 'sendPassword' | 'resume' | 'startOver'>;
  readonly view: Pick<LoginView, 'password'>;
  readonly passwords: Passwords;
  /** Rejects when aborted. */
  readonly delay: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface FollowOptions {
  readonly timeoutSeconds: number;
  /** When the time is up, by this machine's clock. */
  readonly endsAt: number;
  readonly signal: AbortSignal;
}

/** A resume that was not decided is tried again after so long, if nobody named a time, until the time is up. */
const RETRY_MS = 2_000;

/** Rejects with the signal's reason, and with a {LoginError} where no password will help. */
export async function followLogin({ watch, view, passwords, delay }: FollowDeps, options: FollowOptions): Promise<Ending> {
  const over = Promise.withResolvers<Ending>();
  const done = new AbortController();
  const ended = AbortSignal.any([options.signal, done.signal]);
  let passwordStep: AbortController | null = null;
  let resumed = 0; // version of the end that a new attempt was last begun after

  const look = (): void => {
    const { session, connection } = watch.snapshot;
    if (connection.status === 'refused') over.resolve(refusedEnding(connection.code, connection.detail));
    if (session === null) return;
    const ending = endingOf(session);
    if (ending !== null) over.resolve(ending);
    if (session.state === 'password') beginPassword();
    else endPassword();
    if (session.end?.reason === 'deadline') beginResume(session.version);
  };

  function beginPassword(): void {
    if (passwordStep !== null) return;
    passwordStep = new AbortController();
    const signal = AbortSignal.any([ended, passwordStep.signal]);
    givePassword({ watch, passwords, delay, show: (turn) => view.password(turn) }, signal).then(
      (ending) => (ending === null ? undefined : over.resolve(ending)),
      (error: unknown) => (signal.aborted ? undefined : over.reject(error)),
    );
  }

  function endPassword(): void {
    if (passwordStep === null) return;
    passwordStep.abort();
    passwordStep = null;
    view.password(null);
  }

  function beginResume(version: number): void {
    if (version === resumed) return;
    resumed = version;
    resume(version).catch((error: unknown) => (ended.aborted ? undefined : over.reject(error)));
  }

  async function resume(version: number): Promise<void> {
    for (;;) {
      const result = await watch.resume();
      if (result.ok || ended.aborted) return;
      await delay(result.error.retryAfterMs ?? RETRY_MS, ended);
      if (watch.snapshot.session?.version !== version) return; // somebody else has resumed it
      if (!result.error.retryable) return over.resolve(endFor('deadline'));
    }
  }

  const stop = (): void => over.reject(options.signal.reason);
  const timer = setTimeout(() => over.resolve(timedOut(options.timeoutSeconds)), Math.max(0, options.endsAt - Date.now()));
  const undos = [watch.on('session', look), watch.on('connection', look)];
  options.signal.addEventListener('abort', stop, { once: true });
  if (options.signal.aborted) stop();
  try {
    look();
    return await over.promise;
  } finally {
    for (const undo of undos) undo();
    clearTimeout(timer);
    options.signal.removeEventListener('abort', stop);
    done.abort();
    endPassword();
  }
}

/**
 * Follows one login from its first state to its end. Gives the password when the session wants it,
 * and begins a new attempt when one has passed its deadline. The login ends with its session, when
 * its time is up, or when somebody stops the command.
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
  /** Rejects when the signal aborts. */
  readonly delay: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface FollowOptions {
  readonly timeoutSeconds: number;
  /** When the login's time is up, by this machine's clock. */
  readonly endsAt: number;
  readonly signal: AbortSignal;
}

/**
 * How long to wait before resuming again, if the gateway names no time. The login's own time ends
 * the tries.
 */
const RETRY_MS = 2_000;

/**
 * Rejects with the signal's reason. It has more than 40 lines because its listeners share one
 * outcome.
 *
 * @throws {LoginError} if no password can help
 */
export async function followLogin(deps: FollowDeps, options: FollowOptions): Promise<Ending> {
  const { watch } = deps;
  const over = Promise.withResolvers<Ending>();
  const done = new AbortController();
  const ended = AbortSignal.any([options.signal, done.signal]);
  const passwordStep = createPasswordStep(deps, ended, over);
  let resumed = 0; // version of the end that the last new attempt followed

  const look = (): void => {
    const { session, connection } = watch.snapshot;
    if (connection.status === 'refused') over.resolve(refusedEnding(connection.code, connection.detail));
    if (session === null) return;
    const ending = endingOf(session);
    if (ending !== null) over.resolve(ending);
    if (session.state === 'password') passwordStep.begin();
    else passwordStep.end();
    if (session.end?.reason === 'deadline') beginResume(session.version);
  };

  function beginResume(version: number): void {
    if (version === resumed) return;
    resumed = version;
    resume(deps, version, ended).then(
      (ending) => (ending === null ? undefined : over.resolve(ending)),
      (error: unknown) => (ended.aborted ? undefined : over.reject(error)),
    );
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
    passwordStep.end();
  }
}

interface PasswordStep {
  /** Does nothing if it has begun. */
  begin(): void;
  /** Does nothing if it has ended. */
  end(): void;
}

function createPasswordStep(
  { watch, view, passwords, delay }: FollowDeps,
  ended: AbortSignal,
  over: PromiseWithResolvers<Ending>,
): PasswordStep {
  let current: AbortController | null = null;
  return {
    begin() {
      if (current !== null) return;
      current = new AbortController();
      const signal = AbortSignal.any([ended, current.signal]);
      givePassword({ watch, passwords, delay, show: (prompt) => view.password(prompt) }, signal).then(
        (ending) => (ending === null ? undefined : over.resolve(ending)),
        (error: unknown) => (signal.aborted ? undefined : over.reject(error)),
      );
    },
    end() {
      if (current === null) return;
      current.abort();
      current = null;
      view.password(null);
    },
  };
}

/** @returns null once a new attempt has begun, or else the login's end */
async function resume({ watch, delay }: FollowDeps, version: number, ended: AbortSignal): Promise<Ending | null> {
  for (;;) {
    const result = await watch.resume();
    if (result.ok || ended.aborted) return null;
    await delay(result.error.retryAfterMs ?? RETRY_MS, ended);
    if (watch.snapshot.session?.version !== version) return null; // somebody else has resumed it
    if (!result.error.retryable) return endFor('deadline');
  }
}

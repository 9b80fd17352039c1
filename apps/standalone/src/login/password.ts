/**
 * The password step of a protected account. Asks for the password and sends it, until the session
 * no longer wants one. A person who has none, or who scanned with another account, leaves the step
 * with two empty lines. No other input is free: every other line may be a password, and Ctrl-C
 * stops the command. One empty line is easily typed by accident, so the second one confirms.
 */

import type { SessionWatch } from '@qrcast/client/types';
import { type Ending, EXITS, LoginError, passwordMissing } from './ending.ts';
import type { Passwords } from './secrets.ts';
import type { PasswordPrompt } from './view.ts';

export interface PasswordStepDeps {
  readonly watch: Pick<SessionWatch, 'sendPassword' | 'startOver'>;
  readonly passwords: Passwords;
  readonly show: (prompt: PasswordPrompt) => void;
  /** Rejects when the signal aborts. */
  readonly delay: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** How long to wait before sending the password again, if the gateway names no time. */
const RESEND_MS = 2_000;
/** A refusal for longer than this is final: the session allows no more new codes. */
const SPENT_MS = 120_000;

/**
 * Resolves to null once a password was accepted, a new code was requested, or the session no longer
 * waits for a password. Resolves to the end of the login if nobody gives another password.
 *
 * @param signal aborts once the session no longer wants a password; the promise rejects with its
 * reason
 * @throws {LoginError} if no password can help
 */
export async function givePassword(deps: PasswordStepDeps, signal: AbortSignal): Promise<Ending | null> {
  const { passwords, show } = deps;
  let mistake: string | null = null;
  let isLeaving = false;
  for (;;) {
    let password = passwords.given();
    if (password === null) {
      passwords.prepare();
      show(isLeaving ? { kind: 'leaving' } : { kind: 'wanted', mistake });
      password = await passwords.next(signal);
    }
    if (password === null) return passwordMissing(mistake !== null);
    const wasLeaving: boolean = isLeaving;
    isLeaving = password === '' && !wasLeaving;
    if (isLeaving) continue;
    mistake = password === '' ? await startOver(deps, signal) : await send(deps, password, signal);
    if (mistake === null) return null;
    passwords.forgetGiven();
  }
}

/** @returns what to show to the person, or null if a new code is on its way */
async function startOver({ watch, show }: PasswordStepDeps, signal: AbortSignal): Promise<string | null> {
  show({ kind: 'startingOver' });
  const result = await watch.startOver();
  signal.throwIfAborted();
  if (result.ok || result.error.code === 'not_waiting_for_password') return null;
  const { code, retryable, retryAfterMs = 0 } = result.error;
  if (code === 'too_many_requests' && retryAfterMs > SPENT_MS) return 'There are no more new codes for this login.';
  return retryable ? 'There is no new code right now. Try again in a moment.' : 'This login allows no new code.';
}

/**
 * Repeats a refusal that passes with the same password, so only a wrong password is asked for
 * again.
 *
 * @returns what to show to the person, or null if the password was accepted
 */
async function send({ watch, show, delay }: PasswordStepDeps, password: string, signal: AbortSignal): Promise<string | null> {
  for (;;) {
    show({ kind: 'checking' });
    const result = await watch.sendPassword(password);
    signal.throwIfAborted();
    if (result.ok || result.error.code === 'not_waiting_for_password') return null;
    const { code, detail, retryable, retryAfterMs = RESEND_MS } = result.error;
    if (code === 'password_rejected') return 'The password was not accepted. Check it and try again.';
    if (code === 'invalid_request') return 'A password has 1 to 256 characters. Try again.';
    if (!retryable) throw new LoginError(code, `the password could not be sent: ${detail}`, EXITS.fault.code);
    show({ kind: 'waiting', seconds: Math.ceil(retryAfterMs / 1_000) });
    await delay(retryAfterMs, signal);
  }
}

/**
 * The step of a protected account: asks for the password and hands it over, until the session wants none any more. A person who has none,
 * or who scanned with another account, leaves the step by two empty lines. Nothing else on the keyboard is free: every other line may be a
 * password, and Ctrl-C stops the command. One empty line is easily typed unseen, so the second one confirms.
 */

import type { SessionWatch } from '@qrcast/client/types';
import { type Ending, EXITS, LoginError, passwordMissing } from './ending.ts';
import type { Passwords } from './secrets.ts';
import type { PasswordTurn } from './view.ts';

export interface PasswordStepDeps {
  readonly watch: Pick<SessionWatch, 'sendPassword' | 'startOver'>;
  readonly passwords: Passwords;
  readonly show: (turn: PasswordTurn) => void;
  /** Rejects when aborted. */
  readonly delay: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** What was not decided is sent again after so long, if nobody named a time. */
const RESEND_MS = 2_000;
/** A refusal for longer than this is one for good: the session allows no more new codes. */
const SPENT_MS = 120_000;

/**
 * Resolves to null when a password was taken, a new code is on its way or no password is waited for any more, and to the login's end when nobody gives another. The signal
 * says that the session wants none any more; then it rejects with the signal's reason.
 * @throws {LoginError} where no password will help.
 */
export async function givePassword({ watch, passwords, show, delay }: PasswordStepDeps, signal: AbortSignal): Promise<Ending | null> {
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
    mistake = password === '' ? await startOver() : await send(password);
    if (mistake === null) return null;
    passwords.forgetGiven();
  }

  async function startOver(): Promise<string | null> {
    show({ kind: 'startingOver' });
    const result = await watch.startOver();
    signal.throwIfAborted();
    if (result.ok || result.error.code === 'not_waiting_for_password') return null;
    const { code, retryable, retryAfterMs = 0 } = result.error;
    if (code === 'too_many_requests' && retryAfterMs > SPENT_MS) return 'There are no more new codes for this login.';
    return retryable ? 'No new code could be had. Try again in a moment.' : 'This login allows no new code.';
  }

  /** A mistake is for the person to mend; everything that passes is waited for, with the password at hand. */
  async function send(password: string): Promise<string | null> {
    for (;;) {
      show({ kind: 'checking' });
      const result = await watch.sendPassword(password);
      signal.throwIfAborted();
      if (result.ok || result.error.code === 'not_waiting_for_password') return null;
      const { code, detail, retryable, retryAfterMs = RESEND_MS } = result.error;
      if (code === 'password_rejected') return 'The password was not accepted. Check it and try again.';
      if (code === 'invalid_request') return 'A password has 1 to 256 characters. Try again.';
      if (!retryable) throw new LoginError(code, `the password could not be handed over: ${detail}`, EXITS.fault.code);
      show({ kind: 'waiting', seconds: Math.ceil(retryAfterMs / 1_000) });
      await delay(retryAfterMs, signal);
    }
  }
}

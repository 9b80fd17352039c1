/** How a login ends: the exit codes of `qrcast login`, and the sentence for the person. */

import type { EndReason, RefusalCode, Session } from '@qrcast/client/types';
import type { ConnectionCause } from '@qrcast/core/connection-cause';

/**
 * Every status that the command exits with, and what `--help` says about it. A signal gives 128 +
 * its number.
 */
export const EXITS = {
  connected: { code: 0, means: 'connected: the instance is linked' },
  fault: { code: 1, means: 'an unexpected fault' },
  usage: { code: 2, means: 'wrong use: an option, a file or a setting' },
  credentials: { code: 3, means: 'credentials rejected, or the instance is deleted or not paid for' },
  timeout: { code: 4, means: 'not connected in time (--timeout)' },
  providerDown: { code: 5, means: 'the provider does not answer' },
  mismatch: { code: 6, means: 'another phone than --expected-phone was linked' },
  blocked: { code: 7, means: 'the messenger has blocked the account' },
  cancelled: { code: 8, means: 'the session was cancelled or has expired' },
  passwordMissing: { code: 9, means: "the account's password is wanted and there is none to give" },
  keysLeft: { code: 10, means: 'rotate-keys: another key than the first is still needed' },
  webhookNotSet: { code: 11, means: 'webhook: not set, or it could not be told' },
  toMend: { code: 12, means: 'doctor: a fault is to be mended' },
} as const;

export interface Ending {
  readonly exitCode: number;
  /**
   * For programs: `connected`, an end of the protocol, a refusal's code, `timeout`,
   * `password_required` or `interrupted`.
   */
  readonly reason: string;
  readonly account: Session['account'];
  /** For the person. */
  readonly sentence: string;
}

/** A failure outside the session, with a text for the person who typed the command. */
export class LoginError extends Error {
  override readonly name = 'LoginError';
  readonly code: string;
  readonly exitCode: number;
  /** Why no gateway answered, if the code is `unreachable`. */
  readonly connection: ConnectionCause | null;

  constructor(code: string, detail: string, exitCode: number, connection: ConnectionCause | null = null) {
    super(detail);
    this.code = code;
    this.exitCode = exitCode;
    this.connection = connection;
  }
}

/** A signal or a key stopped the command. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  readonly exitCode: number;

  constructor(exitCode: number) {
    super('Stopped.');
    this.exitCode = exitCode;
  }
}

type Exit = (typeof EXITS)[keyof typeof EXITS];

const ENDS: Readonly<Record<EndReason, readonly [Exit, string]>> = {
  deadline: [EXITS.timeout, 'Nobody scanned the code in time.'],
  provider_down: [EXITS.providerDown, 'The provider does not answer. Try again in a few minutes.'],
  cancelled: [EXITS.cancelled, 'The login was cancelled: the session was deleted, or another one with another token took its place.'],
  credentials_rejected: [
    EXITS.credentials,
    'The provider does not accept this id and token. Compare both with its console; an instance on another host needs --api-url.',
  ],
  instance_deleted: [EXITS.credentials, 'The provider says that the instance is deleted.'],
  instance_expired: [EXITS.credentials, 'The provider says that the instance is not paid for any more.'],
  instance_blocked: [EXITS.blocked, 'MAX has blocked this account. MAX on the phone tells why.'],
  account_mismatch: [
    EXITS.mismatch,
    'Another phone than --expected-phone scanned the code, and is linked now. Run the command again with --relink.',
  ],
  expired: [EXITS.cancelled, 'The session has expired.'],
};

/** @returns null while the login goes on, and after a deadline, because a new attempt follows it */
export function endingOf({ state, account, end }: Session): Ending | null {
  if (state === 'connected') {
    const sentence = account?.phone == null ? 'Connected.' : `Connected: +${account.phone}.`;
    return { exitCode: EXITS.connected.code, reason: 'connected', account, sentence };
  }
  return end === null || end.reason === 'deadline' ? null : endFor(end.reason);
}

export function endFor(reason: EndReason): Ending {
  // The gateway may be newer than this command.
  const [{ code }, sentence] = Object.hasOwn(ENDS, reason) ? ENDS[reason] : [EXITS.cancelled, `The login has ended (${reason}).`];
  return { exitCode: code, reason, account: null, sentence };
}

export function timedOut(seconds: number): Ending {
  const sentence = `Not connected within ${seconds} s. --timeout gives more time.`;
  return { exitCode: EXITS.timeout.code, reason: 'timeout', account: null, sentence };
}

export function passwordMissing(wasRejected: boolean): Ending {
  const remedy = 'Give it in QRCAST_ACCOUNT_PASSWORD, with --password-file, as a line of stdin, or at a terminal.';
  const what = wasRejected ? "The account's password was not accepted, and there is no other one." : 'The account wants its password.';
  return { exitCode: EXITS.passwordMissing.code, reason: 'password_required', account: null, sentence: `${what} ${remedy}` };
}

/** Refusals which mean that the session, or our right to see it, is gone. */
const GONE: ReadonlySet<RefusalCode> = new Set<RefusalCode>([
  'unauthenticated',
  'forbidden',
  'not_found',
  'session_expired',
  'ticket_expired',
  'ticket_revoked',
]);

/** For a gateway that no longer lets us watch. */
export function refusedEnding(code: RefusalCode, detail: string | null): Ending {
  const { code: exitCode } = GONE.has(code) ? EXITS.cancelled : EXITS.fault;
  return {
    exitCode,
    reason: code,
    account: null,
    sentence: `The gateway ended the login (${code})${detail === null ? '.' : `: ${detail}`}`,
  };
}

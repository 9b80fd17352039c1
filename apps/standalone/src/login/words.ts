/**
 * The texts of a login on the terminal. The tables have the protocol's names as keys, so a name
 * without a text does not compile.
 */

import type { NoticeCode, Session, Snapshot } from '@qrcast/client/types';
import type { PasswordPrompt } from './view.ts';

const NOTICES: Readonly<Record<NoticeCode, string>> = {
  instance_starting: 'The instance is starting; this can take a minute or two',
  provider_not_ready: 'The provider has no code yet',
  provider_timeout: 'The provider has not answered so far',
  provider_refused: 'The provider did not accept the request',
  provider_unreachable: 'The provider cannot be reached',
  provider_error: 'The provider has a problem',
  rate_limited: 'The provider asks to slow down; something else may be asking it about this instance',
  password_rejected: 'The password was not accepted',
  password_rate_limited: 'The provider accepts no more passwords for now',
  login_finishing: 'Scanned; the login is being finished',
  provider_slow: 'The provider is slow at the moment; a code takes longer than usual',
};

/**
 * The gateway may be newer than this command. A notice that the command does not know means some
 * trouble.
 */
function noticeOf(code: string): string {
  return NOTICES[Object.hasOwn(NOTICES, code) ? (code as NoticeCode) : 'provider_error'];
}

/** There is no code to scan, and none is coming. */
export function isFinishing({ notice }: Session): boolean {
  return notice?.code === 'login_finishing';
}

/** The text of a code may come with a later poll than its picture. */
const READ_WITHIN_MS = 6_000;

/** True for a code without a text, which cannot be drawn. @param serverNow as in the scene */
export function isPictureOnly(code: Session['code'], serverNow: number | null): boolean {
  return code !== null && code.text === null && serverNow !== null && serverNow - code.issuedAt >= READ_WITHIN_MS;
}

/** @returns one or two lines about the state, without a countdown */
export function statusOf({ session, connection }: Snapshot, serverNow: number | null): readonly string[] {
  const state = session === null ? 'Starting …' : stateOf(session, serverNow);
  return connection.status === 'retrying' ? [state, 'The gateway cannot be reached. Trying again …'] : [state];
}

function stateOf(session: Session, serverNow: number | null): string {
  switch (session.state) {
    case 'idle':
    case 'waiting':
      if (session.notice === null) return 'Waiting for a code …';
      return `${noticeOf(session.notice.code)}${isFinishing(session) ? ' …' : '. Asking again …'}`;
    case 'showing':
      if (session.code === null) return 'This code has expired. The next one is on its way …';
      if (isPictureOnly(session.code, serverNow)) return 'This code can only be shown as a picture. Open the page:';
      if (session.code.text === null) return 'Reading the code …';
      return 'Scan it in MAX: Profile → Devices → Log in by QR code';
    case 'password':
      return 'The code was scanned. The account is also protected by a password.';
    case 'connected':
      return 'Connected.';
    case 'ended':
      return session.end?.resumable === true ? 'Nobody scanned the code in time. Asking for new ones …' : 'Ended.';
    default:
      session.state satisfies never;
      return 'Waiting …'; // a newer gateway may know more states
  }
}

/**
 * What the person has to do, or what is done with the password.
 *
 * @param isTyped whether a person types it. Otherwise it comes from a pipe, whose empty lines mean
 * nothing.
 */
export function promptOf(prompt: PasswordPrompt, isTyped = true): readonly string[] {
  switch (prompt.kind) {
    case 'wanted':
      return [
        ...(prompt.mistake === null ? [] : [prompt.mistake]),
        'Type the password and press Enter. It is not shown.',
        ...(isTyped ? ['Another account, or no password? Press Enter alone.'] : []),
      ];
    case 'leaving':
      return ['Press Enter once more to log out and get a new code, or type the password.'];
    case 'startingOver':
      return ['Asking for a new code …'];
    case 'checking':
      return ['Checking the password …'];
    case 'waiting':
      return [`The provider does not take the password now. It is sent again in ${prompt.seconds} s …`];
    default:
      return prompt satisfies never;
  }
}

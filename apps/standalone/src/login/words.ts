/** What the terminal says while a login goes on. The tables are typed by the protocol's own words: one without a text does not compile. */

import type { NoticeCode, Session, Snapshot } from '@qrcast/client/types';
import type { PasswordTurn } from './view.ts';

const NOTICES: Readonly<Record<NoticeCode, string>> = {
  instance_starting: 'The instance is starting; this can take a minute or two',
  provider_not_ready: 'The provider has no code yet',
  provider_timeout: 'The provider answers slowly',
  provider_refused: 'The provider did not accept the request',
  provider_unreachable: 'The provider cannot be reached',
  provider_error: 'The provider has a problem',
  rate_limited: 'The provider asks to slow down; something else may be asking it about this instance',
  password_rejected: 'The password was not accepted',
  password_rate_limited: 'The provider takes no more passwords for now',
  login_finishing: 'Scanned; the login is being finished',
};

/** A gateway may be newer than this command: a notice that it does not know is some trouble. */
function noticeOf(code: string): string {
  return NOTICES[Object.hasOwn(NOTICES, code) ? (code as NoticeCode) : 'provider_error'];
}

/** No code is to be scanned, and none is asked for. */
export function isFinishing({ notice }: Session): boolean {
  return notice?.code === 'login_finishing';
}

/** What the code says may come with a later poll than the code itself. */
const READ_WITHIN_MS = 6_000;

/** True for a code that nobody could read, so that it cannot be drawn. `serverNow` as in the scene. */
export function isPictureOnly(code: Session['code'], serverNow: number | null): boolean {
  return code !== null && code.text === null && serverNow !== null && serverNow - code.issuedAt >= READ_WITHIN_MS;
}

/** Where things stand, in a line or two: nothing in it is counted down. */
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
 * What is wanted of the person, or done with what was given.
 * @param isTyped somebody can type it; else it comes from a pipe, whose empty lines mean nothing
 */
export function turnOf(turn: PasswordTurn, isTyped = true): readonly string[] {
  switch (turn.kind) {
    case 'wanted':
      return [
        ...(turn.mistake === null ? [] : [turn.mistake]),
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
      return [`The provider does not take the password now. It is sent again in ${turn.seconds} s …`];
    default:
      return turn satisfies never;
  }
}

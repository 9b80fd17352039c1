/** The code in the terminal, for the one who starts qrcast with a real instance and a phone at hand. */

import type { WireSession } from '@qrcast/core/wire';
import { io, type Socket } from 'socket.io-client';
import { drawCode, FULL_QUIET_ZONE } from './login-code.ts';

export interface TerminalOptions {
  readonly url: string;
  readonly ticket: string;
  readonly write: (text: string) => void;
}

/** Prints each new code and each new state. Returns its end. */
export function showInTerminal({ url, ticket, write }: TerminalOptions): () => void {
  const socket: Socket = io(url, { auth: { ticket, formats: ['text'] }, transports: ['websocket'] });
  let shown = '';
  socket.on('session', (session: WireSession) => {
    const text = describe(session);
    if (text !== shown) write(text);
    shown = text;
  });
  return () => {
    socket.disconnect();
  };
}

/** What a person at a terminal needs to know of the session, the code drawn in blocks. */
export function describe(session: WireSession): string {
  switch (session.state) {
    case 'showing': {
      const text = session.code?.text ?? null;
      if (text === null) return '\n  There is a code, but it cannot be drawn here: open the page.\n';
      const { lines } = drawCode(text, { border: FULL_QUIET_ZONE, colours: true });
      return `\n${lines.join('\n')}\n  Scan it in MAX: Profile → Devices → Log in by QR code\n`;
    }
    case 'connected':
      return `\n  Connected${session.account?.phone == null ? '' : `: +${session.account.phone}`}.\n`;
    case 'password':
      return '\n  The account wants its cloud password: give it on the page.\n';
    case 'ended':
      return `\n  Ended: ${session.end?.reason ?? 'unknown'}.${session.end?.resumable === true ? ' Open the page for a new code.' : ''}\n`;
    case 'idle':
    case 'waiting':
      return session.notice === null ? '\n  Waiting for a code …\n' : `\n  Waiting for a code (${session.notice.code}) …\n`;
    default:
      return session.state satisfies never;
  }
}

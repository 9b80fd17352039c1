import type { Session, Snapshot } from '@qrcast/client/types';
import { expect, it } from 'vitest';
import { createScreen } from '../../test/screen.ts';
import { createPrinter } from '../login/view-plain.ts';
import { linesBesidePage } from './terminal.ts';

const LINK = 'https://max.ru/:auth/0b8b6f0a-5d0e-4c3b-a1f2-7c9d1e2f3a4b';
const PAGE = 'http://127.0.0.1:3000/connect#ticket';

function snapshotOf(fields: Partial<Session>): Snapshot {
  // Only what is printed matters here.
  const session = { notice: null, code: null, account: null, end: null, ...fields } as Session;
  return { session, connection: { status: 'open', transport: 'websocket' } };
}

function printed(fields: Partial<Session>): string {
  return createPrinter({ pageUrl: PAGE, colours: true, linesOf: linesBesidePage })(snapshotOf(fields), 0);
}

it.each(['dark', 'light'] as const)('a code can be scanned from a terminal with a %s background', (ground) => {
  const screen = createScreen(80, 40);
  const code = { image: null, text: LINK, issuedAt: 0, staleAt: 20_000 };
  screen.write(printed({ state: 'showing', code }).replaceAll('\n', '\r\n')); // as a terminal's driver does
  expect(screen.readCode(ground)).toBe(LINK);
});

it.each([
  [{ state: 'password' }, `The code was scanned. The account is also protected by a password. Give it on the page:\n${PAGE}\n`],
  [{ state: 'connected', account: { wid: '7900@c.us', phone: '7900' } }, 'Connected: +7900.\n'],
  [{ state: 'connected' }, 'Connected.\n'],
  [{ state: 'ended', end: { reason: 'deadline', resumable: true } }, `Ended: deadline. Open the page for a new code:\n${PAGE}\n`],
  [{ state: 'ended', end: { reason: 'credentials_rejected', resumable: false } }, 'Ended: credentials_rejected.\n'],
  [{ state: 'waiting' }, 'Waiting for a code …\n'],
] as const)('what comes is told, and what is done on the page: %j', (fields, text) => {
  expect(printed(fields)).toBe(text);
});

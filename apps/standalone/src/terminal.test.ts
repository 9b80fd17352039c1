import type { WireSession } from '@qrcast/core/wire';
import { expect, it } from 'vitest';
import { describe } from './terminal.ts';
import { createScreen } from './test-screen.ts';

const LINK = 'https://max.ru/:auth/0b8b6f0a-5d0e-4c3b-a1f2-7c9d1e2f3a4b';

const showing = (text: string | null): WireSession => ({
  id: 'ses_1',
  instanceId: '1101000001',
  reference: null,
  version: 3,
  state: 'showing',
  code: { image: null, text, issuedAt: 0, staleAt: 20_000 },
  notice: null,
  account: null,
  end: null,
  viewers: 1,
  locale: null,
  returnUrl: null,
  startedAt: 0,
  deadlineAt: 180_000,
  expiresAt: 3_600_000,
  serverNow: 0,
});

it.each(['dark', 'light'] as const)('a code can be scanned off a terminal of %s ground', (ground) => {
  const screen = createScreen(80, 40);
  screen.write(describe(showing(LINK)).replaceAll('\n', '\r\n')); // as a terminal's driver does
  expect(screen.readCode(ground)).toBe(LINK);
});

it('a code that nobody could read is on the page', () => {
  expect(describe(showing(null))).toContain('open the page');
});

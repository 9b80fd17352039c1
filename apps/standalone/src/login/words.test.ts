import type { Session } from '@qrcast/client/types';
import { describe, expect, it } from 'vitest';
import { promptOf, statusOf } from './words.ts';

const OPEN = { status: 'open', transport: 'websocket' } as const;

/** Only what is said of it matters here. */
const said = (fields: object): string =>
  statusOf({ session: { state: 'waiting', notice: null, ...fields } as Session, connection: OPEN }, 0).join();

describe('what the terminal says', () => {
  it('about a scanned code whose login takes long asks for no other scan', () => {
    expect(said({ notice: { code: 'login_finishing', retryAt: 1 } })).toBe('Scanned; the login is being finished …');
  });

  it('about a notice or a state of a newer gateway is that the login continues', () => {
    expect(said({ notice: { code: 'invented_later', retryAt: 1 } })).toBe('The provider has a problem. Asking again …');
    expect(said({ notice: { code: 'constructor', retryAt: 1 } })).toBe('The provider has a problem. Asking again …');
    expect(said({ state: 'reflecting' })).toBe('Waiting …');
  });

  it('at the password says how to leave it', () => {
    expect(promptOf({ kind: 'wanted', mistake: null }).join(' ')).toContain('Press Enter alone.');
    expect(promptOf({ kind: 'wanted', mistake: null }, false).join(' ')).not.toContain('Enter alone');
    expect(promptOf({ kind: 'leaving' }).join(' ')).toContain('Press Enter once more');
  });
});

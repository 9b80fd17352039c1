/** For the checker's tests: messages to viewers. */

import type { WireSession } from '@qrcast/core/wire';
import type { Told } from './checker.ts';

const ISSUED_AT = 1_000;
const STALE_AT = 20_000;

export function state(version: number, of: WireSession['state']): WireSession {
  return {
    id: 'ses_a',
    instanceId: '1101000001',
    reference: null,
    version,
    state: of,
    code: of === 'showing' ? { image: null, text: 'https://max.ru/:auth/a', issuedAt: ISSUED_AT, staleAt: STALE_AT } : null,
    notice: null,
    account: null,
    end: of === 'ended' ? { reason: 'credentials_rejected', resumable: false } : null,
    viewers: 1,
    locale: null,
    returnUrl: null,
    startedAt: 0,
    deadlineAt: 180_000,
    expiresAt: 3_600_000,
    serverNow: 1_500,
  };
}

/** @param of null: only `fresh` was told */
export function told(version: number, of: WireSession['state'] | null): Told {
  return { at: version * 1_000, version, session: of === null ? null : state(version, of) };
}

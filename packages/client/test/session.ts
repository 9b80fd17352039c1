/** For tests: sessions as the gateway sends them. */

import type { Session } from '../src/types.ts';

/** A time of the server's clock, far from the clock of any machine. */
export const SERVER = 1_990_000_000_000;

export function sampleSession(fields: Partial<Session> = {}): Session {
  return {
    id: 'ses_1',
    instanceId: '1101000001',
    reference: null,
    version: 1,
    state: 'waiting',
    code: null,
    notice: null,
    account: null,
    end: null,
    viewers: 1,
    locale: null,
    returnUrl: null,
    startedAt: SERVER,
    deadlineAt: SERVER + 180_000,
    expiresAt: SERVER + 3_600_000,
    serverNow: SERVER,
    ...fields,
  };
}

/** @param forMs how long its code is valid, from `serverNow` */
export function showing(version: number, forMs = 20_000, serverNow = SERVER): Session {
  const code = { image: `data:image/png;base64,V${version}`, text: null, issuedAt: serverNow, staleAt: serverNow + forMs };
  return sampleSession({ version, state: 'showing', code, serverNow });
}

export function connected(version: number): Session {
  return sampleSession({ version, state: 'connected', account: { wid: null, phone: '79990000000' } });
}

export function ended(version: number, resumable: boolean): Session {
  return sampleSession({ version, state: 'ended', end: { reason: resumable ? 'deadline' : 'cancelled', resumable } });
}

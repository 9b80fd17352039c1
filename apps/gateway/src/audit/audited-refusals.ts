/**
 * Records refused credentials, but only so many: a caller that tries keys must not push everything
 * else out of the log.
 */

import type { AuditCredential } from '@qrcast/core/audit';
import { type ErrorCode, RefusedError } from '@qrcast/core/errors';
import type { Logger } from '@qrcast/runtime/log';
import { currentCaller } from '../auth/caller.ts';
import { addressGroup } from '../http/client-address.ts';
import type { RecordAction } from './audit-recorder.ts';
import { createOncePerWindow } from './once-per-window.ts';

/**
 * Where a credential was refused. Each has its own bound, so that tries at one cannot hide tries at
 * another.
 */
export type RefusedAt = 'admin_api' | 'tenant_api' | 'notifications';

export interface AuditedRefusals {
  /** Records the refusal of a credential. Ignores all other errors. */
  note(error: unknown, at: RefusedAt, credential: AuditCredential | null): void;
  /** Records a refusal that is not an error yet. */
  record(outcome: ErrorCode, at: RefusedAt, credential: AuditCredential | null): void;
}

export interface AuditedRefusalsDeps {
  readonly record: RecordAction;
  readonly now: () => number;
  readonly log: Pick<Logger, 'warn'>;
}

/** Codes that mean that the credential was not accepted. A limit or a fault of ours does not. */
const CREDENTIAL_REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['unauthenticated', 'forbidden', 'origin_not_allowed']);
const WINDOW_MS = 60_000;
/** Entries in one window, for each `RefusedAt`. */
const MAX_ENTRIES = 100;

export function createAuditedRefusals({ record, now, log }: AuditedRefusalsDeps): AuditedRefusals {
  const refusals = createOncePerWindow({ windowMs: WINDOW_MS, maxInGroup: MAX_ENTRIES, now });
  const countLeftOut = createLeftOutCount(log);

  function recordRefusal(outcome: ErrorCode, at: RefusedAt, credential: AuditCredential | null): void {
    const seen = refusals(at, `${outcome}|${credential}|${addressGroup(currentCaller()?.address ?? '')}`);
    if (seen === 'full') countLeftOut();
    if (seen !== 'new') return;
    // Neither the tenant that the stranger names, nor whoever was admitted earlier on the same
    // connection.
    record('auth.refused', { tenantId: null, actor: { kind: 'unknown', id: null }, credential, outcome });
  }

  return {
    record: recordRefusal,
    note(error, at, credential) {
      if (error instanceof RefusedError && CREDENTIAL_REFUSALS.has(error.code)) recordRefusal(error.code, at, credential);
    },
  };
}

/**
 * Counts refusals that got no entry, and logs their number when the window is over. A throttled
 * warning would not do: it logs the first one at once, and the others only if another one comes.
 */
function createLeftOutCount(log: Pick<Logger, 'warn'>): () => void {
  let leftOut = 0;
  function tell(): void {
    log.warn({ leftOut }, 'refusals are missing in the audit log: too many others came in the same minute');
    leftOut = 0;
  }
  return () => {
    if (leftOut++ === 0) setTimeout(tell, WINDOW_MS).unref();
  };
}

/** Records refused credentials, in a bounded number: whoever tries keys must not push everything else out of the log. */

import type { AuditCredential } from '@qrcast/core/audit';
import { type ErrorCode, RefusedError } from '@qrcast/core/errors';
import type { Logger } from '@qrcast/runtime/log';
import { currentCaller } from '../auth/caller.ts';
import { addressGroup } from '../http/client-address.ts';
import type { RecordAction } from './audit-recorder.ts';
import { createOncePerWindow } from './once-per-window.ts';

/** Where a credential was refused. Each has entries of its own, so that tries at one cannot hide those at another. */
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

/** The credential does not let its caller in; a limit or a fault of ours is no such thing. */
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
    // Neither who was let in before on the same connection, nor the tenant that a stranger names.
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
 * Counts refusals without an entry, and logs their number once the window is over. Not a throttled warning: that one tells of the first at
 * once, and of the others only when one more comes.
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

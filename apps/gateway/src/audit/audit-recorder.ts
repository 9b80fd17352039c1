/** Writes an entry of the audit log about the caller of the running call. */

import type { AuditAction } from '@qrcast/core/audit';
import type { Session } from '@qrcast/core/session';
import type { AuditLog, NewAuditEntry } from '@qrcast/runtime/audit/audit-log';
import { currentCaller } from '../auth/caller.ts';

/** Tenant and actor are the caller's unless they are given here; null counts as given. */
export type Facts = Partial<Omit<NewAuditEntry, 'action' | 'address' | 'userAgent'>>;

export type RecordAction = (action: AuditAction, facts: Facts) => void;

export function createAuditRecorder(audit: Pick<AuditLog, 'record'>): RecordAction {
  return (action, facts) => {
    const caller = currentCaller();
    const { sessionId = null, instanceId = null, subjectId = null, credential = null, outcome = 'ok' } = facts;
    const { tenantId = caller?.tenantId ?? null, actor = caller?.actor ?? { kind: 'system', id: null } } = facts;
    const { address = null, userAgent = null } = caller ?? {};
    audit.record({ tenantId, actor, action, sessionId, instanceId, subjectId, credential, address, userAgent, outcome });
  };
}

/** The facts of an action on this session. */
export function ofSession({ id, tenantId, instanceId }: Session): Facts {
  return { tenantId, instanceId, sessionId: id };
}

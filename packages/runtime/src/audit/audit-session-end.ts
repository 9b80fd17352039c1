/** The entry that a change of a session makes in the audit log: for its login, and for its end. */

import type { SessionEvent } from '@qrcast/core/reduce';
import type { Session } from '@qrcast/core/session';
import type { NewAuditEntry } from './audit-log.ts';

export function auditSessionEnd({ state: before }: Session, after: Session, event: SessionEvent): NewAuditEntry | null {
  const { state } = after;
  if (state.kind !== 'connected' && state.kind !== 'ended') return null;
  const isKnown = before.kind === state.kind && (state.kind === 'connected' || (before.kind === 'ended' && before.reason === state.reason));
  if (isKnown) return null;
  return {
    tenantId: after.tenantId,
    actor: { kind: event.kind === 'answered' ? 'provider' : 'system', id: null },
    action: state.kind === 'connected' ? 'session.connected' : 'session.ended',
    sessionId: after.id,
    instanceId: after.instanceId,
    subjectId: null,
    credential: null,
    address: null,
    userAgent: null,
    outcome: state.kind === 'connected' ? 'ok' : state.reason,
  };
}

/** Audit entries about connected instances and their tokens. */

import type { NewAuditEntry } from '../audit/audit-log.ts';

export interface AuditedInstance {
  readonly tenantId: string;
  readonly instanceId?: string;
  readonly sessionId?: string;
}

/** The audit entry of an event of one connected instance, or of all instances of a tenant. */
export function connectedAudit(
  action: 'instance.disconnected' | 'token.kept' | 'token.deleted',
  {
    tenantId,
    instanceId = null,
    sessionId = null,
  }: { readonly [Field in keyof AuditedInstance]: AuditedInstance[Field] | null } & { tenantId: string },
  outcome: string,
): NewAuditEntry {
  const actor = { kind: action === 'instance.disconnected' ? 'provider' : 'system', id: null } as const;
  return { tenantId, actor, action, sessionId, instanceId, subjectId: null, credential: null, address: null, userAgent: null, outcome };
}

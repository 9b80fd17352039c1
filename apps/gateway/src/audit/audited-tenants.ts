/** Records what the operator does with tenants, and webhook tokens that were refused. */

import type { Tenants } from '../tenants/tenants.ts';
import type { RecordAction } from './audit-recorder.ts';
import type { AuditedRefusals } from './audited-refusals.ts';

export function auditedTenants(tenants: Tenants, record: RecordAction, refusals: AuditedRefusals): Tenants {
  return {
    ...tenants,
    async create(request, given) {
      const created = await tenants.create(request, given);
      record('tenant.created', { tenantId: request.id });
      return created;
    },
    async patch(id, request) {
      const tenant = await tenants.patch(id, request);
      record(request.suspended === true ? 'tenant.suspended' : 'tenant.changed', { tenantId: id });
      return tenant;
    },
    async forget(id) {
      await tenants.forget(id);
      record('tenant.deleted', { tenantId: id });
    },
    async addKey(id) {
      const added = await tenants.addKey(id);
      record('key.added', { tenantId: id, subjectId: added.keyId });
      return added;
    },
    async removeKey(id, keyId) {
      await tenants.removeKey(id, keyId);
      record('key.removed', { tenantId: id, subjectId: keyId });
    },
    async renewCallbackSecret(id) {
      const renewed = await tenants.renewCallbackSecret(id);
      record('tenant.changed', { tenantId: id });
      return renewed;
    },
    async findByWebhookToken(id, tokens) {
      const tenant = await tenants.findByWebhookToken(id, tokens);
      const isShown = tokens.some((token) => token !== '');
      // The code that the caller is answered.
      if (tenant === null) refusals.record('unauthenticated', 'notifications', isShown ? 'webhook_token' : null);
      return tenant;
    },
  };
}

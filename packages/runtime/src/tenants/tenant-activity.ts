/** Whether a tenant may be served now. For processes that do not cache the tenants' records. */

import { loadTenantRecord, type TenantRecordDeps, tenantRecordSchema } from './tenant-record.ts';

export interface TenantActivity {
  /** False if the tenant is suspended, is being deleted, or does not exist. */
  isActive(tenantId: string): Promise<boolean>;
}

const activitySchema = tenantRecordSchema.pick({ suspended: true, isLeaving: true });

export function createTenantActivity(deps: TenantRecordDeps): TenantActivity {
  return {
    async isActive(tenantId) {
      const record = await loadTenantRecord(deps, tenantId, activitySchema);
      return record !== null && !record.suspended && !record.isLeaving;
    },
  };
}

/**
 * What a tenant wants done with its connected instances, read from the tenant's record when asked.
 */

import { loadTenantRecord, type TenantRecordDeps, tenantRecordSchema } from '../tenants/tenant-record.ts';

export interface ConnectedSettings {
  /**
   * For how long after its login the loss of an account is reported, days. 0: no record is kept.
   */
  readonly keepDays: number;
  /** Null: instances are not checked, and their tokens are not kept. */
  readonly checkEveryMinutes: number | null;
  /** No checks now: the tenant is suspended, or has no callback address. */
  readonly isPaused: boolean;
  /** The tenant's own list of provider hosts, which narrows the operator's. Null: it has none. */
  readonly upstreamHosts: readonly string[] | null;
}

const settingsSchema = tenantRecordSchema
  .pick({
    callback: true,
    suspended: true,
    isLeaving: true,
    keepConnectedDays: true,
    checkConnectedEvery: true,
    upstreamHosts: true,
  })
  .partial({ callback: true, upstreamHosts: true });

/** Null if there is no such tenant, or it is being deleted. */
export type FindConnectedSettings = (tenantId: string) => Promise<ConnectedSettings | null>;

export function connectedSettingsIn(deps: TenantRecordDeps): FindConnectedSettings {
  return async (tenantId) => {
    const record = await loadTenantRecord(deps, tenantId, settingsSchema);
    if (record === null || record.isLeaving) return null;
    return {
      keepDays: record.keepConnectedDays,
      checkEveryMinutes: record.checkConnectedEvery,
      isPaused: record.suspended || record.callback == null,
      upstreamHosts: record.upstreamHosts ?? null,
    };
  };
}

/** Whether the credentials of an instance outlive the session that connects it. */
export const keepsCredentials = (settings: ConnectedSettings | null): boolean =>
  settings !== null && settings.checkEveryMinutes !== null && settings.keepDays > 0;

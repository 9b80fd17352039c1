/**
 * Where a tenant's callbacks and notifications go, and the secrets that sign them. The tenant's
 * record is read each time, so a change counts from the next request on.
 */

import type { Keyring } from '../keyring/keyring.ts';
import type { Clock } from '../redis/clock.ts';
import { loadTenantRecord, type TenantRecordDeps, tenantContext, tenantRecordSchema } from '../tenants/tenant-record.ts';

export interface Receiver {
  /** Null: the tenant gets no callbacks. */
  readonly callbackUrl: string | null;
  /** Null: notifications are not passed on. */
  readonly relayUrl: string | null;
  /**
   * Secrets in the form of Standard Webhooks: the current one and, while it is valid, the previous
   * one. @throws {Error} if no key of the ring opens one of them.
   */
  secrets(): readonly string[];
}

export interface Receivers {
  /** Returns null if there is no such tenant. */
  find(tenantId: string): Promise<Receiver | null>;
}

export interface ReceiversDeps extends TenantRecordDeps {
  readonly keyring: Keyring;
  readonly clock: Pick<Clock, 'now'>;
}

const receiverSchema = tenantRecordSchema
  .pick({ callback: true, relay: true, sealedCallbackSecret: true, previousCallbackSecret: true })
  .partial({ callback: true });

export function createReceivers(deps: ReceiversDeps): Receivers {
  const { keyring, clock } = deps;
  return {
    async find(tenantId) {
      const record = await loadTenantRecord(deps, tenantId, receiverSchema);
      if (record === null) return null;
      const { sealedCallbackSecret, previousCallbackSecret: previous } = record;
      return {
        callbackUrl: record.callback?.url ?? null,
        relayUrl: record.relay?.url ?? null,
        secrets() {
          const isPreviousValid = previous !== null && clock.now() < previous.validUntil;
          const sealed = isPreviousValid ? [sealedCallbackSecret, previous.sealed] : [sealedCallbackSecret];
          return sealed.map((one) => keyring.open(one, tenantContext(tenantId)));
        },
      };
    },
  };
}

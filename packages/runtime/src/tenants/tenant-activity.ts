/** Whether a tenant may be served at this moment, read from its record. For processes that do not keep the records at hand. */

import type { Redis } from 'ioredis';
import { z } from 'zod';
import { type Namespace, tenantsKey } from '../redis/keys.ts';

export interface TenantActivity {
  /** False if the tenant is suspended, is being deleted, or does not exist. */
  isActive(tenantId: string): Promise<boolean>;
}

/** What of a tenant's record is needed here. */
const recordSchema = z.object({ suspended: z.boolean().default(false), isLeaving: z.boolean().default(false) });

export function createTenantActivity({ redis, namespace }: { readonly redis: Redis; readonly namespace: Namespace }): TenantActivity {
  return {
    async isActive(tenantId) {
      const text = await redis.hget(tenantsKey(namespace), tenantId);
      if (text === null) return false;
      const { suspended, isLeaving } = recordSchema.parse(JSON.parse(text));
      return !suspended && !isLeaving;
    },
  };
}

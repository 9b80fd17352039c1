/** Where a tenant wants to be told, and with which secrets that is signed: read from its record as it is at that moment. */

import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { Keyring } from '../keyring/keyring.ts';
import type { Clock } from '../redis/clock.ts';
import { type Namespace, tenantsKey } from '../redis/keys.ts';

export interface Receiver {
  /** Null: not told of its sessions. */
  readonly callbackUrl: string | null;
  /** Null: notifications are not passed on. */
  readonly relayUrl: string | null;
  /** Of the Standard Webhooks form. The current one, and its predecessor for a while. */
  secrets(): readonly string[];
}

export interface Receivers {
  /** Null: there is no such tenant (any more). */
  find(tenantId: string): Promise<Receiver | null>;
}

export interface ReceiversDeps {
  readonly redis: Redis;
  readonly namespace: Namespace;
  readonly keyring: Keyring;
  readonly clock: Pick<Clock, 'now'>;
}

const address = z.object({ url: z.string() }).nullish();
/** What of a tenant's record is needed here; the rest is the gateway's. */
const recordSchema = z.object({
  callback: address,
  relay: address,
  sealedCallbackSecret: z.string(),
  previousCallbackSecret: z.object({ sealed: z.string(), validUntil: z.number() }).nullish(),
});

/** What a tenant's secrets are sealed for. */
export const tenantContext = (tenantId: string): string => `tenant:${tenantId}`;

export function createReceivers({ redis, namespace, keyring, clock }: ReceiversDeps): Receivers {
  return {
    async find(tenantId) {
      const text = await redis.hget(tenantsKey(namespace), tenantId);
      if (text === null) return null;
      const record = recordSchema.parse(JSON.parse(text));
      const previous = record.previousCallbackSecret;
      return {
        callbackUrl: record.callback?.url ?? null,
        relayUrl: record.relay?.url ?? null,
        secrets() {
          const sealed = [record.sealedCallbackSecret, ...(previous != null && clock.now() < previous.validUntil ? [previous.sealed] : [])];
          return sealed.map((one) => keyring.open(one, tenantContext(tenantId)));
        },
      };
    },
  };
}

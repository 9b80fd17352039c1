/** What a tenant wants done with the instances that its sessions connected: read from its record as it is at that moment. */

import { DEFAULT_KEEP_CONNECTED_DAYS } from '@qrcast/core/connected-instance';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { type Namespace, tenantsKey } from '../redis/keys.ts';

export interface ConnectedSettings {
  /** How long after its login the loss of an account is told; 0: nothing is remembered. */
  readonly keepDays: number;
  /** Null: instances are not checked, and no token is kept. */
  readonly checkEveryMinutes: number | null;
  /** No checks for now: the tenant is suspended, or has no address to be told at. */
  readonly isPaused: boolean;
  /** Provider hosts beside the operator's own list; null for no other list. */
  readonly upstreamHosts: readonly string[] | null;
}

/** What of a tenant's record is needed here; the rest is the gateway's. */
const recordSchema = z.object({
  callback: z.object({}).nullish(),
  suspended: z.boolean().default(false),
  isLeaving: z.boolean().default(false),
  keepConnectedDays: z.number().nullish(),
  checkConnectedEvery: z.number().nullish(),
  upstreamHosts: z.array(z.string()).nullish(),
});

export interface ConnectedSettingsDeps {
  readonly redis: Redis;
  readonly namespace: Namespace;
}

/** Null if there is no such tenant (any more). */
export type FindConnectedSettings = (tenantId: string) => Promise<ConnectedSettings | null>;

export function connectedSettingsIn({ redis, namespace }: ConnectedSettingsDeps): FindConnectedSettings {
  return async (tenantId) => {
    const text = await redis.hget(tenantsKey(namespace), tenantId);
    if (text === null) return null;
    const { callback, suspended, isLeaving, keepConnectedDays, checkConnectedEvery, upstreamHosts } = recordSchema.parse(JSON.parse(text));
    if (isLeaving) return null;
    return {
      keepDays: keepConnectedDays ?? DEFAULT_KEEP_CONNECTED_DAYS,
      checkEveryMinutes: checkConnectedEvery ?? null,
      isPaused: suspended || callback == null,
      upstreamHosts: upstreamHosts ?? null,
    };
  };
}

/** Whether the credentials of an instance outlive the session that connects it. */
export const keepsCredentials = (settings: ConnectedSettings | null): boolean =>
  settings !== null && settings.checkEveryMinutes !== null && settings.keepDays > 0;

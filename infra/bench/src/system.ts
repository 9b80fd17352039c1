/** What all roles of the measured system must agree on. */

import { randomBytes } from 'node:crypto';
import type { Policy } from '@qrcast/core/schedule';
import { createSession, type Session } from '@qrcast/core/session';
import type { RingKey } from '@qrcast/runtime/keyring/keyring';
import { createLog } from '@qrcast/runtime/log';
import type { NodeOptions } from '@qrcast/runtime/node';

/** Plain JSON, because it is sent to the processes of the roles. */
export interface System {
  readonly redisUrl: string;
  /** Base64. */
  readonly secretKey: string;
}

/** The flags that `pnpm gateway` and `pnpm worker` start Node with. */
export const GATEWAY_FLAGS = ['--max-semi-space-size=8'];
export const WORKER_FLAGS = ['--max-semi-space-size=8', '--heap-growing-percent=100'];
export const INTERVAL_MS = 5_000;
/** Longer than any run, so that nothing ends while it is measured. */
export const LONG_MS = 4 * 3_600_000;
export const NAMESPACE = 'bench';
export const TENANT = 'bench';
const POLICY: Policy = { intervalMs: INTERVAL_MS, codeTtlMs: 20_000, attemptMs: LONG_MS };

export function createSystem(redisUrl: string): System {
  return { redisUrl, secretKey: randomBytes(32).toString('base64') };
}

export function nodeOptions({ redisUrl }: System, role: string): NodeOptions {
  return { redisUrl, namespace: NAMESPACE, policy: POLICY, log: createLog(role, 'warn') };
}

export function secretKeys({ secretKey }: System): readonly RingKey[] {
  return [{ id: 'k1', key: Buffer.from(secretKey, 'base64') }];
}

/** @returns a session like those that the API creates. Its ids have the length of real ones. */
export function newSession(index: number, instanceKey: string, now: number, tenantId = TENANT): Session {
  const fields = {
    id: `ses_${String(index).padStart(16, '0')}`,
    tenantId,
    instanceId: String(1_101_000_000 + index),
    instanceKey,
    reference: null,
    expectedPhone: null,
    locale: null,
    returnUrl: null,
    logoutOnMismatch: false,
    relink: false,
    expiresAt: now + 2 * LONG_MS,
  };
  return createSession(fields, POLICY.attemptMs, now);
}

/** The login that a callback reports, for the record of the connected instance. */

import { type Callback, callbackSessionSchema } from '@qrcast/core/callback';
import type { Login } from '@qrcast/core/connected-instance';
import { z } from 'zod';
import { type Namespace, sessionKey } from '../redis/keys.ts';
import { readOrNull } from '../redis/read-entry.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { decodeSession } from '../sessions/session-codec.ts';
import { loginOf } from './connected-instances.ts';

const payloadSchema = z.object({ data: z.object({ session: callbackSessionSchema.pick({ instanceId: true, reference: true }) }) });

/**
 * Read from the session, which knows more. If no worker ran for hours, the session may be gone, and
 * it may be unreadable; then from the callback.
 */
export async function loginIn(
  { redis, namespace }: { readonly redis: RedisClient; readonly namespace: Namespace },
  { tenantId, sessionId, createdAt, payload }: Callback,
): Promise<Login> {
  const record = await redis.hget(sessionKey(namespace, sessionId), 'record');
  const known = record === null ? null : readOrNull(() => loginOf(decodeSession(record, sessionId)));
  if (known !== null) return known;
  const { session } = payloadSchema.parse(JSON.parse(payload)).data;
  return { tenantId, sessionId, instanceId: session.instanceId, reference: session.reference, instanceKey: '', loginAt: createdAt };
}

/**
 * One password on its way to the provider, within the provider's limit of one call a second and
 * instance, over all gateways.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { RefusedError } from '@qrcast/core/errors';
import type { PasswordOutcome } from '@qrcast/core/outcome';
import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import type { Session } from '@qrcast/core/session';
import type { Provider } from '@qrcast/provider/provider';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { passwordRateKey } from '@qrcast/runtime/redis/keys';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';
import type { InstanceCredentials } from './instance-credentials.ts';
import { createPasswordsUnderWay } from './passwords-under-way.ts';

/**
 * @throws {RefusedError} `too_many_requests` if others wait for the instance too, and what
 *   `InstanceCredentials.require` throws.
 */
export type PasswordHandover = (session: Session, password: string) => Promise<PasswordOutcome>;

export interface PasswordHandoverDeps {
  readonly provider: Pick<Provider, 'sendPassword'>;
  readonly instanceCredentials: InstanceCredentials;
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly clock: Pick<Clock, 'now'>;
}

/** A timer and Redis's expiry each round to whole milliseconds in their own way. */
const ROUNDING_MARGIN_MS = 20;

/** The person looks at "Checking…" meanwhile, so a longer limit is told instead of waited for. */
const LONGEST_WAIT_MS = 5_000;

export function createPasswordHandover(deps: PasswordHandoverDeps): PasswordHandover {
  const { provider, instanceCredentials, redis, namespace } = deps;
  const underWay = createPasswordsUnderWay(deps);

  return async (session, password) => {
    const key = passwordRateKey(namespace, session.instanceKey);
    await waitForSpacing(redis, key);
    const credentials = await instanceCredentials.require(session);
    return underWay.during(session.instanceKey, () => sendTwice(redis, key, () => provider.sendPassword(credentials, password)));
  };
}

/**
 * Waits for the rest of the second if a password was sent within it. Refuses if somebody else who
 * waited was faster.
 */
async function waitForSpacing(redis: RedisClient, key: string): Promise<void> {
  if (await reserve(redis, key)) return;
  await delay(Math.max(0, await redis.pttl(key)) + ROUNDING_MARGIN_MS);
  if (await reserve(redis, key)) return;
  throw new RefusedError('too_many_requests', 'one password a second; wait and try again', { retryAfterMs: MIN_SPACING_MS });
}

async function reserve(redis: RedisClient, key: string): Promise<boolean> {
  return (await redis.set(key, '1', 'PX', MIN_SPACING_MS, 'NX')) !== null;
}

/**
 * A 429 of the provider may come from its limit of one call a second: the network can bring two
 * calls closer together than they were sent. Then nobody has looked at the password, so it is sent
 * a second time, unless the wait is too long.
 */
async function sendTwice(redis: RedisClient, key: string, send: () => Promise<PasswordOutcome>): Promise<PasswordOutcome> {
  const outcome = await send();
  if (!isTooSoon(outcome)) return outcome;
  const waitMs = Math.max(outcome.retryAfterMs ?? 0, MIN_SPACING_MS);
  if (waitMs <= LONGEST_WAIT_MS) {
    await redis.set(key, '1', 'PX', waitMs + MIN_SPACING_MS);
    await delay(waitMs);
    const second = await send();
    if (!isTooSoon(second)) return second;
  }
  return { kind: 'rejected', code: 'password_rate_limited' };
}

type TooSoon = Extract<PasswordOutcome, { kind: 'trouble' }>;

const isTooSoon = (outcome: PasswordOutcome): outcome is TooSoon => outcome.kind === 'trouble' && outcome.code === 'rate_limited';

/**
 * Reads the settings of an instance at the provider. All gateways together ask at most once a
 * second for each instance, and not while the provider wants no requests. The settings hold the
 * webhook token of the instance, a secret: it is only compared, and goes nowhere else.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { RefusedError } from '@qrcast/core/errors';
import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import type { SettingsOutcome } from '@qrcast/provider/answer-settings';
import type { Credentials } from '@qrcast/provider/credentials';
import type { Provider } from '@qrcast/provider/provider';
import type { InstanceHolds } from '@qrcast/runtime/polling/instance-hold';
import { settingsRateKey } from '@qrcast/runtime/redis/keys';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';

export interface InstanceAccess {
  readonly instanceKey: string;
  readonly credentials: Credentials;
}

export interface SettingsReader {
  /**
   * Waits once until the next request may be sent. @throws {RefusedError} `too_many_requests` if
   * somebody else sends that one.
   */
  read(access: InstanceAccess): Promise<SettingsOutcome>;
  /**
   * Null if no request could be sent within `withinMs`. An answer that takes longer is a timeout.
   */
  readWithin(access: InstanceAccess, withinMs: number): Promise<SettingsOutcome | null>;
}

export interface SettingsReaderDeps {
  readonly provider: Pick<Provider, 'getSettings'>;
  readonly holds: Pick<InstanceHolds, 'retryAfterMs' | 'keepRetryAfter'>;
  readonly redis: RedisClient;
  readonly namespace: string;
}

/** A timer and an expiry in Redis each round to whole milliseconds in their own way. */
const SPACING_MARGIN_MS = 20;

export function createSettingsReader({ provider, holds, redis, namespace }: SettingsReaderDeps): SettingsReader {
  const claimRequest = async (key: string): Promise<boolean> => (await redis.set(key, '1', 'PX', MIN_SPACING_MS, 'NX')) !== null;

  /** Waits until the next request may be sent, at most `withinMs`. */
  async function waitForSpacing(key: string, withinMs: number): Promise<void> {
    await delay(Math.min(withinMs, Math.max(0, await redis.pttl(key)) + SPACING_MARGIN_MS));
  }

  const ask = (access: InstanceAccess, signal?: AbortSignal) => askUnlessHeldOff({ provider, holds }, access, signal);

  return {
    async read(access) {
      const key = settingsRateKey(namespace, access.instanceKey);
      if (await claimRequest(key)) return ask(access);
      await waitForSpacing(key, MIN_SPACING_MS + SPACING_MARGIN_MS);
      if (await claimRequest(key)) return ask(access);
      throw new RefusedError('too_many_requests', 'the settings of an instance are read once a second; wait and try again', {
        retryAfterMs: MIN_SPACING_MS,
      });
    },

    async readWithin(access, withinMs) {
      const key = settingsRateKey(namespace, access.instanceKey);
      const endsAt = performance.now() + withinMs;
      for (;;) {
        const leftMs = endsAt - performance.now();
        if (leftMs <= 0) return null;
        if (await claimRequest(key)) return ask(access, AbortSignal.timeout(Math.ceil(leftMs)));
        await waitForSpacing(key, leftMs);
      }
    },
  };
}

/**
 * Does not ask while the provider wants no requests. If its answer asks us to wait, all gateways
 * and workers do.
 */
async function askUnlessHeldOff(
  { provider, holds }: Pick<SettingsReaderDeps, 'provider' | 'holds'>,
  { instanceKey, credentials }: InstanceAccess,
  signal: AbortSignal | undefined,
): Promise<SettingsOutcome> {
  const heldOffMs = await holds.retryAfterMs(instanceKey);
  if (heldOffMs > 0) return { kind: 'trouble', code: 'rate_limited', retryAfterMs: Math.ceil(heldOffMs) };
  const outcome = await provider.getSettings(credentials, signal).catch((error: unknown): SettingsOutcome => {
    if (signal?.aborted === true) return { kind: 'trouble', code: 'provider_timeout' };
    throw error;
  });
  if (outcome.kind === 'trouble' && outcome.retryAfterMs !== undefined) await holds.keepRetryAfter(instanceKey, outcome.retryAfterMs);
  return outcome;
}

/**
 * Reads the settings of an instance at the provider. All gateways together ask once a second and instance, and not while the provider wants
 * no request to it. What was read holds the webhook token of the instance, a secret: it goes nowhere but into a comparison.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { RefusedError } from '@qrcast/core/errors';
import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import type { SettingsOutcome } from '@qrcast/provider/answer-settings';
import type { Credentials } from '@qrcast/provider/credentials';
import type { Provider } from '@qrcast/provider/provider';
import type { InstanceHolds } from '@qrcast/runtime/polling/instance-hold';
import { settingsRateKey } from '@qrcast/runtime/redis/keys';
import type { Redis } from 'ioredis';

export interface InstanceAccess {
  readonly instanceKey: string;
  readonly credentials: Credentials;
}

export interface SettingsReader {
  /** Waits for its turn once. @throws {RefusedError} `too_many_requests` if somebody else takes that turn. */
  read(access: InstanceAccess): Promise<SettingsOutcome>;
  /** Null if there was no turn within `withinMs`; an answer that takes longer is a timeout. */
  readWithin(access: InstanceAccess, withinMs: number): Promise<SettingsOutcome | null>;
}

export interface SettingsReaderDeps {
  readonly provider: Pick<Provider, 'getSettings'>;
  readonly holds: Pick<InstanceHolds, 'retryAfterMs' | 'keepRetryAfter'>;
  readonly redis: Redis;
  readonly namespace: string;
}

/** A timer and Redis's expiry round to whole milliseconds, each in its own way. */
const TURN_MARGIN_MS = 20;

export function createSettingsReader({ provider, holds, redis, namespace }: SettingsReaderDeps): SettingsReader {
  const isMyTurn = async (key: string): Promise<boolean> => (await redis.set(key, '1', 'PX', MIN_SPACING_MS, 'NX')) !== null;

  /** Waits until somebody else's turn is over, at most `withinMs`. */
  async function waitForTurn(key: string, withinMs: number): Promise<void> {
    await delay(Math.min(withinMs, Math.max(0, await redis.pttl(key)) + TURN_MARGIN_MS));
  }

  async function ask({ instanceKey, credentials }: InstanceAccess, signal?: AbortSignal): Promise<SettingsOutcome> {
    const retryAfterMs = await holds.retryAfterMs(instanceKey);
    if (retryAfterMs > 0) return { kind: 'trouble', code: 'rate_limited', retryAfterMs: Math.ceil(retryAfterMs) };
    const outcome = await provider.getSettings(credentials, signal).catch((error: unknown): SettingsOutcome => {
      if (signal?.aborted === true) return { kind: 'trouble', code: 'provider_timeout' };
      throw error;
    });
    if (outcome.kind === 'trouble' && outcome.retryAfterMs !== undefined) await holds.keepRetryAfter(instanceKey, outcome.retryAfterMs);
    return outcome;
  }

  return {
    async read(access) {
      const key = settingsRateKey(namespace, access.instanceKey);
      if (await isMyTurn(key)) return ask(access);
      await waitForTurn(key, MIN_SPACING_MS + TURN_MARGIN_MS);
      if (await isMyTurn(key)) return ask(access);
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
        if (await isMyTurn(key)) return ask(access, AbortSignal.timeout(Math.ceil(leftMs)));
        await waitForTurn(key, leftMs);
      }
    },
  };
}

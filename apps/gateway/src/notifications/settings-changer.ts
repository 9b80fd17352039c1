/**
 * Changes the settings of an instance at the provider: one call at a time for each instance, one
 * request for each call, and then a bounded time of reading the settings back. The provider
 * restarts the instance for it. Nothing is retried here: the caller is told what was not saved.
 */

import { RefusedError } from '@qrcast/core/errors';
import type { NoticeCode } from '@qrcast/core/outcome';
import type { SaveOutcome, SettingsOutcome, WebhookSettings } from '@qrcast/provider/answer-settings';
import type { Provider } from '@qrcast/provider/provider';
import type { InstanceHolds } from '@qrcast/runtime/polling/instance-hold';
import type { MeasuredClock } from '@qrcast/runtime/redis/clock';
import { settingsLockKey } from '@qrcast/runtime/redis/keys';
import { createLocks } from '@qrcast/runtime/redis/locks';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';
import { whileHeld } from '../sessions/while-held.ts';
import type { InstanceAccess, SettingsReader } from './settings-reader.ts';

export interface SettingsChanger {
  /**
   * Runs `run`, unless another call does the same with this instance. @throws {RefusedError}
   * `webhook_busy`.
   */
  alone<T>(instanceKey: string, run: () => Promise<T>): Promise<T>;
  /**
   * Sends the settings once, while no poll of the instance can begin. `before` runs once no poll
   * can begin; if it throws, nothing is sent. Resolves to null if the settings may have been saved,
   * else to why they were not. @throws {RefusedError} `too_many_requests` if the instance is being
   * asked meanwhile.
   */
  change(access: InstanceAccess, settings: WebhookSettings, before: () => Promise<void>): Promise<Failed | null>;
  /** Reads until the settings are right or the time is up. Resolves to what was read last. */
  readBack(access: InstanceAccess, isRight: (outcome: SettingsOutcome) => Promise<boolean>): Promise<SettingsOutcome>;
}

type Failed = Exclude<SaveOutcome, { kind: 'saved' }>;

export interface SettingsChangerDeps {
  readonly provider: Pick<Provider, 'setSettings'>;
  readonly reader: Pick<SettingsReader, 'readWithin'>;
  readonly holds: Pick<InstanceHolds, 'take'>;
  readonly redis: RedisClient;
  readonly clock: MeasuredClock;
  readonly namespace: string;
  /** How long the settings are read back, ms; `READ_BACK_MS` if left out. */
  readonly readBackMs?: number | undefined;
}

/**
 * With the requests before it, the whole call ends within a minute, as long as proxies commonly
 * wait.
 */
const READ_BACK_MS = 20_000;
/** Time for the spacing before the first reading, and for its answer. */
const FIRST_READ_MS = 10_000;
/** Longer than a call can take, so that it expires only if a gateway died. */
const LOCK_MS = 90_000;
/** A poll that has just ended still spaces the next request. */
const HOLD_WITHIN_MS = 3_000;

/**
 * After these answers nothing was saved. After any other, and after a lost one, it may have been.
 */
const SAVED_NOTHING: ReadonlySet<NoticeCode> = new Set<NoticeCode>([
  'rate_limited',
  'provider_refused',
  'instance_starting',
  'provider_not_ready',
]);

export function createSettingsChanger(deps: SettingsChangerDeps): SettingsChanger {
  const { provider, reader, holds, namespace, readBackMs = READ_BACK_MS } = deps;
  const locks = createLocks(deps);
  return {
    alone(instanceKey, run) {
      const taken = () =>
        new RefusedError('webhook_busy', 'another call sets the webhook of this instance just now; wait and look at it again');
      return locks.alone(settingsLockKey(namespace, instanceKey), { leaseMs: LOCK_MS, taken }, run);
    },

    async change({ instanceKey, credentials }, settings, before) {
      return whileHeld(holds, instanceKey, HOLD_WITHIN_MS, async (keepRetryAfter) => {
        await before();
        const outcome = await provider.setSettings(credentials, settings);
        if (outcome.kind === 'saved') return null;
        if (outcome.kind === 'trouble') keepRetryAfter(outcome.retryAfterMs ?? 0);
        return outcome.kind === 'refused' || SAVED_NOTHING.has(outcome.code) ? outcome : null;
      });
    },

    readBack: (access, isRight) => readUntilRight(reader, access, isRight, readBackMs),
  };
}

async function readUntilRight(
  reader: Pick<SettingsReader, 'readWithin'>,
  access: InstanceAccess,
  isRight: (outcome: SettingsOutcome) => Promise<boolean>,
  readBackMs: number,
): Promise<SettingsOutcome> {
  const endsAt = performance.now() + readBackMs;
  let last: SettingsOutcome | null = null;
  for (;;) {
    // Reads at least once: otherwise nothing would be known.
    const withinMs = Math.max(endsAt - performance.now(), last === null ? FIRST_READ_MS : 0);
    const outcome: SettingsOutcome | null = await reader.readWithin(access, withinMs);
    if (outcome === null) return last ?? { kind: 'trouble', code: 'provider_timeout' };
    last = outcome;
    const isOver = outcome.kind === 'trouble' && performance.now() + (outcome.retryAfterMs ?? 0) > endsAt;
    if (isOver || (await isRight(outcome))) return last;
  }
}

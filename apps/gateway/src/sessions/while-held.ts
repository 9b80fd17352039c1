import { setTimeout as delay } from 'node:timers/promises';
import { RefusedError } from '@qrcast/core/errors';
import type { InstanceHold, InstanceHolds } from '@qrcast/runtime/polling/instance-hold';

const LOOK_AGAIN_MS = 100;

/**
 * Runs `run` while no poll of the instance can begin: as soon as no request to it is under way and
 * the spacing is over. @throws {RefusedError} `too_many_requests` if that is not within `withinMs`,
 * or if a Retry-After holds.
 *
 * @param run gets a function for the Retry-After that its requests are answered with, ms
 */
export async function whileHeld<Result>(
  holds: Pick<InstanceHolds, 'take'>,
  instanceKey: string,
  withinMs: number,
  run: (keepRetryAfter: (retryAfterMs: number) => void) => Promise<Result>,
): Promise<Result> {
  const hold = await holdWhenFree(holds, instanceKey, withinMs);
  let kept = 0;
  try {
    return await run((retryAfterMs) => {
      kept = retryAfterMs;
    });
  } finally {
    // Redis is out; the hold expires by itself
    await hold.release(kept).catch(() => undefined);
  }
}

async function holdWhenFree(holds: Pick<InstanceHolds, 'take'>, instanceKey: string, withinMs: number): Promise<InstanceHold> {
  const endsAt = performance.now() + withinMs;
  for (;;) {
    const taken = await holds.take(instanceKey);
    if (taken.kind === 'held') return taken;
    if (taken.isHeldOff || performance.now() >= endsAt) {
      throw new RefusedError('too_many_requests', 'the instance is being asked, or the provider asked us to wait; try again later', {
        retryAfterMs: Math.ceil(taken.freeInMs),
      });
    }
    await delay(Math.min(taken.freeInMs, LOOK_AGAIN_MS));
  }
}

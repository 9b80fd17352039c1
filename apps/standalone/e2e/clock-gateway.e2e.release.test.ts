/** A gateway whose machine's clock is set forward, and the twins without the protection. */

import { describe, expect, it } from 'vitest';
import { expectGatewayKeepsTime, HOUR_MS, offOf, UNPROTECTED } from '../test/clock-scene.ts';
import { useStages } from '../test/use-stages.ts';

const { openStage } = useStages();

it('keeps its viewers, takes and gives valid tickets, and tells the time of Redis', async () => {
  await expectGatewayKeepsTime(await openStage({ gateways: 2 }), 2 * HOUR_MS);
});

describe('(twin) a gateway without a clock that nobody sets', () => {
  it('tells its own time when that is set forward', async () => {
    const stage = await openStage({ env: UNPROTECTED });
    await stage.gateways[0].shiftClock(2 * HOUR_MS);
    expect(await offOf(stage, 0)).toBeGreaterThan(HOUR_MS);
  });

  it('refuses all callers when it is set back, because no rate refills', async () => {
    const stage = await openStage({ env: UNPROTECTED });
    await stage.gateways[0].shiftClock(-2 * HOUR_MS);
    await expect(stage.create()).rejects.toThrow('too_many_requests');
  });
});

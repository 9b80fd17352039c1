/** A gateway whose machine's clock is set back; forward, and the twins, are in the release tests. */

import { it } from 'vitest';
import { expectGatewayKeepsTime, HOUR_MS } from '../test/clock-scene.ts';
import { useStages } from '../test/use-stages.ts';

const { openStage } = useStages();

it('keeps its viewers, takes and gives valid tickets, and tells the time of Redis', async () => {
  await expectGatewayKeepsTime(await openStage({ gateways: 2 }), -2 * HOUR_MS);
});

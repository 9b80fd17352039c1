/**
 * A gateway and a worker whose connections to Redis die, lead to a replica, or get their writes
 * refused: both say so, and work again by themselves. One case of each kind; the others, and the
 * twins, are in redis-connections.e2e.release.test.ts.
 */

import { afterAll, beforeAll, it } from 'vitest';
import { expectGatewayReplaces, expectMove, expectRefusalNamed, expectWorkerReplaces } from '../test/connection-scene.ts';
import { type FaultStage, openFaultStage } from '../test/fault-stage.ts';
import { openStagedRedis, type StagedRedis } from '../test/staged-redis.ts';

let stage: FaultStage;
let master: StagedRedis;
beforeAll(async () => {
  [stage, master] = await Promise.all([openFaultStage(), openStagedRedis()]);
});
afterAll(async () => {
  await Promise.all([stage.close(), master.close()]);
});

it('a gateway replaces a connection whose other end vanished, is not ready until then, and logs it once', () =>
  expectGatewayReplaces(stage, 'subscriber'));

it('a worker replaces a connection whose other end vanished, is not ready until then, and logs it once', () =>
  expectWorkerReplaces(stage, 'commands', 'commands'));

it('both are not ready while Redis refuses writes, and both name its word once', () => expectRefusalNamed(stage, 'MISCONF'));

it('both move from a demoted replica to the new master, and both name the reason', () => expectMove(stage, master));

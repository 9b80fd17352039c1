/** All that redis-connections.e2e.test.ts leaves out, and the twins without the protection. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  demote,
  expectBothReplaceAll,
  expectGatewayReplaces,
  expectRefusalNamed,
  expectWork,
  expectWorkerReplaces,
  WATCH_OFF,
  watchOne,
} from '../test/connection-scene.ts';
import { type FaultStage, openFaultStage } from '../test/fault-stage.ts';
import { openStagedRedis } from '../test/staged-redis.ts';
import { type ConnectionRole, ofRole } from '../test/staged-role.ts';
import { useStages } from '../test/use-stages.ts';

describe('connections whose other end vanished', () => {
  let stage: FaultStage;
  beforeAll(async () => {
    stage = await openFaultStage();
  });
  afterAll(() => stage.close());

  it('a gateway replaces that for commands', () => expectGatewayReplaces(stage, 'commands'));

  it('a gateway replaces that for new jobs', () => expectGatewayReplaces(stage, 'producer'));

  it.each<[ConnectionRole, string]>([
    ['subscriber', 'subscriber'],
    ['queue', 'queue polls'],
    ['queue', 'queue callbacks'],
  ])('a worker replaces that for %s: %s', (role, label) => expectWorkerReplaces(stage, role, label));

  it('a worker replaces those that wait for jobs', async () => {
    const session = await watchOne(stage);
    stage.workers[0].redis.freeze(ofRole('blocking'));
    await expectWork(stage, session);
  });

  it('both replace all of them at once', () => expectBothReplaceAll(stage));

  it.each(['OOM', 'NOREPLICAS'] as const)('both are not ready while Redis refuses writes, and name it once: %s', (word) =>
    expectRefusalNamed(stage, word),
  );
});

describe('twins whose processes do not watch their connections', () => {
  const { openStage, keep } = useStages();

  it('keep useless connections', async () => {
    const stage = await openStage({ env: WATCH_OFF });
    for (const role of [stage.gateways[0], stage.workers[0]]) role.redis.freeze(ofRole('commands'));
    for (let n = 0; n < 4; n++) expect((await stage.call('GET', '/v1/sessions')).status).toBe(503); // each takes five seconds
    expect((await stage.workers[0].readyz()).status).toBe(503);
  });

  it('stay with a demoted replica', async () => {
    const stage = await openStage({ env: WATCH_OFF });
    await demote(stage, await keep(openStagedRedis()));
    for (let n = 0; n < 20; n++) {
      expect((await stage.gateways[0].readyz()).text).toContain('READONLY');
      await expect(stage.create()).rejects.toThrow('refused');
    }
  });
});

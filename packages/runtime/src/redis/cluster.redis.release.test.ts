/** qrcast on a real Redis Cluster: three masters with a replica each. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClusterStage, openClusterStage } from '../../test/cluster-stage.ts';
import { openSentinelNode, QUICK } from '../../test/sentinel-node.ts';
import { createLog } from '../log.ts';
import { checkRedis } from './start-check.ts';

const log = createLog('test', 'silent');

let stage: ClusterStage;
beforeAll(async () => {
  stage = await openClusterStage();
});
afterAll(() => stage.close());

const faultOf = (redisUrl: string): Promise<string> =>
  checkRedis({ redisUrl, namespace: 'qrcast', log }).then(
    () => '',
    (error: Error) => error.message,
  );

describe('the check at the start', () => {
  it('accepts a cluster by all of its nodes, or by any one', async () => {
    expect(await faultOf(stage.url)).toBe('');
    for (const port of stage.ports) expect(await faultOf(`redis+cluster://:${stage.password}@127.0.0.1:${port}`)).toBe('');
    expect(await faultOf(`redis+cluster://:${stage.password}@127.0.0.1:1,127.0.0.1:${stage.ports[0]}`)).toBe('');
  });

  it.each<[string, (url: string) => string, string]>([
    ['no node answers', () => 'redis+cluster://127.0.0.1:1,127.0.0.1:1', 'nothing answers at the address in REDIS_URL'],
    ['the password is wrong', (url) => url.replace('of-cluster', 'secret31'), 'the server refuses the user and password in REDIS_URL'],
    [
      'it is named as a server',
      () => `redis://:${stage.password}@127.0.0.1:${stage.ports[0]}`,
      'the server is a node of a cluster. Write redis+cluster://',
    ],
  ])('says what is wrong: %s', async (_case, change, words) => {
    const fault = await faultOf(change(stage.url));
    expect(fault).toContain(words);
    expect(fault).not.toMatch(/secret31|of-cluster|127\.0\.0\.1/);
    expect(fault.split('\n')).toHaveLength(2);
  });
});

it('a node works: writes, messages, polls', async () => {
  const { works, close } = await openSentinelNode(stage, QUICK);
  await works();
  await close();
});

/** qrcast on a real Redis behind real Sentinels. The slow cases stand in sentinel.redis.release.test.ts. */

import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openSentinelNode, QUICK } from '../../test/sentinel-node.ts';
import { openSentinelStage, type SentinelStage } from '../../test/sentinel-stage.ts';
import { openTlsRedis } from '../../test/tls-redis.ts';
import { createLog } from '../log.ts';
import { connectRedis, disconnectRedis } from './redis.ts';
import { redisAddress } from './redis-address.ts';
import { askForMaster } from './sentinel-ask.ts';
import { parseSentinelUrl } from './sentinel-url.ts';
import { checkRedis } from './start-check.ts';

const log = createLog('test', 'silent');

let stage: SentinelStage;
beforeAll(async () => {
  stage = await openSentinelStage();
});
afterAll(() => stage.close());

const faultOf = (redisUrl: string): Promise<string> =>
  checkRedis({ redisUrl, namespace: 'qrcast', log }).then(
    () => '',
    (error: Error) => error.message,
  );

describe('behind Sentinels that speak TLS', () => {
  it('their certificate is checked as that of Redis', async () => {
    const server = await openTlsRedis();
    const { host, password } = new URL(server.url);
    const url = `rediss+sentinel://${host}/qr-main?sentinelPassword=${password}`;
    expect(await faultOf(url)).toContain('cannot be reached over TLS. Of one of them: the certificate of the server is signed by');
    expect(await faultOf(redisAddress(url, { ca: server.files.ca }))).toContain('are no Sentinels');
    await server.close();
  });
});

describe('behind Sentinels', () => {
  it('the master is found by the check and by each role of a connection, with the database of the address', async () => {
    expect(await faultOf(stage.url)).toBe('');
    const { port } = await stage.master();
    for (const role of ['commands', 'producer', 'subscriber', 'queue'] as const) {
      const redis = connectRedis(`${stage.url}&db=3`, role, log);
      const copy = redis.duplicate(); // as BullMQ does
      for (const one of [redis, copy]) {
        expect(await one.info('server')).toContain(`tcp_port:${port}`);
        expect(await one.client('INFO')).toContain(' db=3 ');
        await disconnectRedis(one);
      }
    }
  });

  it('one Sentinel that answers is enough', async () => {
    const [answering] = stage.sentinelPorts;
    const url = stage.url.replace(/@[^/]*\//, `@127.0.0.1:1,127.0.0.1:${answering},127.0.0.1:1/`);
    expect(await faultOf(url)).toBe('');
  });

  it.each<[string, (url: string) => string, string]>([
    [
      'no Sentinel answers',
      (url) => url.replace(/@[^/]*\//, '@127.0.0.1:1,127.0.0.1:1/'),
      'no Sentinel answers at the addresses in REDIS_URL',
    ],
    [
      'they do not know the master',
      (url) => url.replace('/qr-main', '/other'),
      'the Sentinels do not know a master of the name in REDIS_URL',
    ],
    [
      'their password is wrong',
      (url) => url.replace('=of-sentinel', '=secret31'),
      'the Sentinels refuse the user and password in REDIS_URL',
    ],
    ['their password is missing', (url) => url.replace(/\?.*/, ''), 'the Sentinels refuse the user and password in REDIS_URL'],
    [
      'the password of Redis is wrong',
      (url) => url.replace('of-redis', 'secret31'),
      'the server refuses the user and password in REDIS_URL',
    ],
    [
      'they are no Sentinels',
      () => `redis+sentinel://${new URL(inject('serverUrl')).host}/x?sentinelPassword=${new URL(inject('serverUrl')).password}`,
      'are no Sentinels',
    ],
    [
      'a Sentinel is named as a Redis',
      () => `redis://:${stage.sentinelPassword}@127.0.0.1:${stage.sentinelPorts[0]}`,
      'the server is a Sentinel, not a Redis. Write redis+sentinel://',
    ],
    ['the database is missing', (url) => `${url}&db=99`, 'expected the database that REDIS_URL ends in'],
  ])('the check says what is wrong: %s', async (_case, change, words) => {
    const fault = await faultOf(change(stage.url));
    expect(fault).toContain(words);
    expect(fault).not.toMatch(/secret31|of-redis|of-sentinel|127\.0\.0\.1/);
    expect(fault.split('\n')).toHaveLength(2);
  });

  it('a Sentinel that never answers counts as silent', async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const address = parseSentinelUrl(`redis+sentinel://127.0.0.1:${port}/qr-main`);
    const asked = askForMaster(address, { tls: undefined, signal: new AbortController().signal });
    await expect(asked).rejects.toMatchObject({ code: 'SENTINELS_SILENT' });
    server.close();
  });
});

/** The last test: the master is another one afterwards. */
it('a node works after the Sentinels have lost a master that still answers', async () => {
  const old = await stage.master();
  const { works, close, said } = await openSentinelNode(stage, QUICK);
  await works(stage.master);
  await stage.cutOff(old.port);
  await stage.replaced(old.port);
  await works(stage.master);
  expect(said).toContain('commands failover');
  await close();
});

import { expect, inject, it } from 'vitest';
import { createLog } from '../log.ts';
import { createConnectionWatch, WATCH_DEFAULTS } from './connection-watch.ts';
import { createRedis, disconnectRedis } from './redis.ts';

it('is not back by the answer of a connection that was cut meanwhile', async () => {
  const said: string[] = [];
  const { promise: isBack, resolve } = Promise.withResolvers<void>();
  const write = (line: string): void => {
    const { msg, reason } = JSON.parse(line);
    said.push(reason ?? msg);
    if (msg === 'redis connection is back' && redis.status === 'ready') resolve();
  };
  let proofs = 0;
  const watch = createConnectionWatch({
    label: { role: 'commands' },
    log: createLog('test', 'info', { write }),
    options: WATCH_DEFAULTS,
    async write(proven) {
      await proven.ping();
      if (proofs++ === 0) watch.reconnect('failover');
    },
    alsoProve: undefined,
    proofs: 'often',
    whileWaiting: 'reject',
    onReplica: () => undefined,
    onWrites: () => undefined,
  });
  const redis = createRedis(inject('serverUrl'), 'commands', watch.redisOptions);
  watch.attach(redis);
  await isBack;
  expect(said).toEqual(['failover', 'redis connection is back']);
  expect(proofs).toBe(2);
  await disconnectRedis(redis);
});

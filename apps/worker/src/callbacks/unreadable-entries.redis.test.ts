/**
 * Entries that cannot be read, left by another program, another version or a damaged disk. They
 * must not block those behind them.
 */

import { type Callback, callbackOf } from '@qrcast/core/callback';
import { connectedCallbacksKey, connectedInstanceKey, relayLaneKey, sessionCallbacksKey, sessionKey } from '@qrcast/runtime/redis/keys';
import { sampleSession } from '@qrcast/runtime/test/runtime';
import { scoreOfMark, setMark } from '@qrcast/runtime/test/work-part';
import { describe, expect, it } from 'vitest';
import { prepareCallbacks, type TestCallbacks, type TestTenant } from '../../test/callbacks.ts';

const { receiver, callbacks } = prepareCallbacks();

const UNREADABLE = [
  'none',
  '',
  '{"id":',
  'null',
  '[]',
  '{"id":"evt_1"}',
  '{"id":1,"tenantId":{},"type":"unknown"}',
  `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
] as const;

function callbackFor(tenant: TestTenant): { sessionId: string; callback: Callback } {
  const session = sampleSession({ tenantId: tenant.id });
  const callback = callbackOf(session, { ...session, version: 2, state: { kind: 'ended', reason: 'cancelled' } }, Date.now());
  if (callback === null) throw new Error('expected a callback for the end');
  return { sessionId: session.id, callback };
}

const warningsIn = (test: TestCallbacks, words: string): number => test.logged.filter((line) => line.includes(words)).length;

describe('an entry that cannot be read', () => {
  it.each(['session', 'instance'] as const)('of the callbacks of one %s is logged, and the later ones are sent', async (kind) => {
    const server = await receiver();
    const test = await callbacks([server]);
    const { redis, namespace } = test.runtime;
    const tenant = await test.tenant({ callback: server.url });
    const all = Array.from({ length: 3 }, () => callbackFor(tenant).callback);
    const sessionId = all[0]?.sessionId ?? '';
    const key = kind === 'session' ? sessionCallbacksKey(namespace, sessionId) : connectedCallbacksKey(namespace, tenant.id, '1101');
    const mark = kind === 'session' ? `session|${sessionId}` : `instance|${tenant.id}|1101`;
    for (const callback of all) await redis.rpush(key, ...UNREADABLE, JSON.stringify(callback));
    await setMark(test.runtime, mark, 0);
    await server.until(3);
    expect(server.received.map(({ id }) => id).toSorted()).toEqual(all.map(({ id }) => id).toSorted());
    while (Number(await scoreOfMark(test.runtime, mark)) < Date.now() + 30_000); // it was looked at, and will be again
    // Another version may be able to read them. They expire with their list after a day.
    expect(await redis.lrange(key, 0, -1)).toEqual([...UNREADABLE, ...UNREADABLE, ...UNREADABLE]);
    expect(warningsIn(test, 'callbacks that cannot be read')).toBe(1);
    expect(test.logged.join('')).not.toContain('unknown');
  });

  it('of a lane of notifications is logged, and the later ones are relayed', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const { redis, namespace } = test.runtime;
    const tenant = await test.tenant({ relay: server.url });
    const lane = { tenantId: tenant.id, instanceId: '1101' };
    const old: (string | Buffer)[] = [
      'garbage',
      '',
      '|',
      '||',
      'ntf_1|x|{}',
      'ntf_1|-1|{}',
      'ntf_1|1e300|{}',
      `ntf_${'a'.repeat(24)}|9999999999999999|{}`,
    ];
    old.push(Buffer.from('ntf_\xff|1|', 'latin1'), '👩‍👩‍👧'.repeat(9));
    await redis.rpush(relayLaneKey(namespace, lane.tenantId, lane.instanceId), ...old);
    await test.relay(lane, '{"good":1}');
    await server.until(1);
    expect(server.received[0]?.body).toContain('{"good":1}');
    while (!(await test.relayLanes.isEmpty(lane)));
    expect(warningsIn(test, 'a notification that cannot be read')).toBe(old.length);
    expect(server.received).toHaveLength(1);
  });

  it.each(['session', 'connected instance'] as const)(
    'that is the record of a %s does not keep a login from being reported',
    async (of) => {
      const server = await receiver();
      const test = await callbacks([server]);
      const { redis, namespace } = test.runtime;
      const tenant = await test.tenant({ callback: server.url });
      const session = sampleSession({ tenantId: tenant.id });
      const connected = { kind: 'connected', account: { wid: '79990000000@c.us', phone: null } } as never; // its content does not matter
      const callback = callbackOf(session, { ...session, version: 2, state: connected }, Date.now());
      const instanceKey = connectedInstanceKey(namespace, tenant.id, session.instanceId);
      await redis.hset(of === 'session' ? sessionKey(namespace, session.id) : instanceKey, 'record', '{"unknown":');
      await redis.rpush(sessionCallbacksKey(namespace, session.id), JSON.stringify(callback));
      await setMark(test.runtime, `session|${session.id}`, 0);
      await server.until(1);
      expect(server.received[0]?.id).toBe(callback?.id);
      expect(await redis.hget(instanceKey, 'record')).toContain(session.id);
      expect(test.logged.join('')).not.toContain('{\\"unknown');
      if (of === 'connected instance') expect(warningsIn(test, 'an entry of Redis cannot be read')).toBe(1);
    },
  );
});

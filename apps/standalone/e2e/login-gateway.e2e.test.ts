/** `qrcast login --gateway` over a running gateway, and what it leaves there. */

import { openTestReceiver } from '@qrcast/runtime/test/receiver';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { type LoginRun, startLogin } from '../test/login.ts';

let cluster: Cluster;
let url: string;
beforeAll(async () => {
  cluster = await openCluster({ redisUrl: inject('redisUrl') });
  url = cluster.gateways[0]?.publicUrl ?? '';
});
afterAll(() => cluster.close());

const runs: LoginRun[] = [];
afterEach(async () => {
  for (const run of runs.splice(0)) await run.clean();
});

type Instance = ReturnType<Cluster['newInstance']>;

async function login(instance: Instance, { args = [], env = {} }: { args?: readonly string[]; env?: Record<string, string> } = {}) {
  const given = ['login', '--id', instance.idInstance, '--api-url', cluster.simulator.url, '--gateway', url, '--json', ...args];
  const run = await startLogin(given, { env: { GREEN_API_TOKEN: instance.apiToken, QRCAST_API_KEY: cluster.apiKey, ...env } });
  runs.push(run);
  return run;
}

async function sessionsOf({ idInstance }: Instance): Promise<readonly { id: string; state: string; end: { reason: string } | null }[]> {
  const { sessions } = (await (await cluster.call('GET', '/v1/sessions?limit=100')).json()) as {
    sessions: { id: string; instanceId: string; state: string; end: { reason: string } | null }[];
  };
  return sessions.filter(({ instanceId }) => instanceId === idInstance);
}

const isShowing = (run: LoginRun) => (): boolean => run.output().includes('"state":"showing"');

describe('qrcast login over a running gateway', () => {
  it('is connected at once by a notification', async () => {
    const instance = cluster.newInstance();
    const run = await login(instance);
    await run.until(() => run.output().includes('"event":"fresh"')); // a notification in the attempt's first second is checked instead of believed
    instance.scan();
    expect(await run.ended).toBe(0);
    expect(JSON.parse(run.output().trim().split('\n').at(-1) ?? '')).toEqual({
      event: 'connected',
      account: { wid: `${instance.phone}@c.us`, phone: instance.phone },
    });
  });

  it('cancels the session that it created when it is stopped', async () => {
    const instance = cluster.newInstance();
    const run = await login(instance);
    await run.until(isShowing(run));
    process.kill(run.pid(), 'SIGINT');
    expect(await run.ended).toBe(130);
    expect(await sessionsOf(instance)).toMatchObject([{ state: 'ended', end: { reason: 'cancelled' } }]);
  });

  it('does not cancel a session that it found, which others may watch', async () => {
    const instance = cluster.newInstance();
    await cluster.create(instance);
    const run = await login(instance);
    await run.until(isShowing(run));
    process.kill(run.pid(), 'SIGINT');
    expect(await run.ended).toBe(130);
    expect(await sessionsOf(instance)).toMatchObject([{ end: null }]);
  });

  it.each([['--relink'], ['--expected-phone', '79001234567']])(
    'does not watch a session it found that is not what was asked for: %s',
    async (...args) => {
      const instance = cluster.newInstance();
      await cluster.create(instance);
      const run = await login(instance, { args });
      expect(await run.ended).toBe(1);
      expect(JSON.parse(run.output())).toMatchObject({ event: 'error', code: 'session_live' });
      expect(await sessionsOf(instance)).toMatchObject([{ state: 'idle' }]);
    },
  );

  it('ends with 8 when the session is cancelled there', async () => {
    const instance = cluster.newInstance();
    const run = await login(instance);
    await run.until(isShowing(run));
    const [session] = await sessionsOf(instance);
    await cluster.call('DELETE', `/v1/sessions/${session?.id}`);
    expect(await run.ended).toBe(8);
    expect(run.output()).toContain('{"event":"ended","reason":"cancelled","exitCode":8}');
  });

  it('ends with 3 for a key that the gateway does not know', async () => {
    const run = await login(cluster.newInstance(), { env: { QRCAST_API_KEY: 'qk_not-a-key-of-anybody' } });
    expect(await run.ended).toBe(3);
    expect(JSON.parse(run.output())).toMatchObject({ event: 'error', code: 'unauthenticated' });
    expect(run.output()).not.toContain('qk_not');
  });

  it('ends with 2 for a provider host that the gateway does not allow', async () => {
    const run = await login(cluster.newInstance(), { args: ['--api-url', 'https://provider.example.com'] });
    expect(await run.ended).toBe(2);
    expect(JSON.parse(run.output())).toMatchObject({ event: 'error', code: 'usage' });
  });

  it('ends with 1 if no gateway answers, or something else does', async () => {
    const gone = await openTestReceiver();
    await gone.close();
    for (const [address, words, cause] of [
      [gone.url, `no qrcast gateway answers at ${gone.url} (nothing listens`, 'refused'],
      [cluster.simulator.url.replace('http:', 'https:'), 'TLS failed', 'tls'],
      [cluster.simulator.url, 'answered 404, but not like a qrcast gateway', undefined],
    ] as const) {
      const run = await login(cluster.newInstance(), { args: ['--gateway', address] });
      expect(await run.ended).toBe(1);
      const told = JSON.parse(run.output());
      expect(told).toMatchObject({ event: 'error', code: 'unreachable', detail: expect.stringContaining(words) });
      expect(told.cause).toBe(cause);
    }
  });

  it('explains that the key is missing', async () => {
    const run = await login(cluster.newInstance(), { env: { QRCAST_API_KEY: '' } });
    expect(await run.ended).toBe(2);
    expect(JSON.parse(run.output())).toMatchObject({ code: 'usage', detail: expect.stringContaining('set QRCAST_API_KEY') });
  });
});

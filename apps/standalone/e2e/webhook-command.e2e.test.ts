/**
 * `qrcast webhook` over a running gateway, up to a login that a notification reports afterwards.
 */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { type LoginRun, startLogin } from '../test/login.ts';

/**
 * Listens in front of the gateway, because the public address must be known before the gateway's
 * port.
 */
let door: Server;
let url: string;
let cluster: Cluster;
beforeAll(async () => {
  door = createServer((socket) => {
    const inside = connect(cluster.gateways[0]?.port ?? 0, '127.0.0.1');
    for (const one of [socket, inside]) one.on('error', () => [socket, inside].forEach((end) => void end.destroy()));
    socket.pipe(inside).pipe(socket);
  });
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
  url = `http://127.0.0.1:${(door.address() as AddressInfo).port}`;
  cluster = await openCluster({ redisUrl: inject('redisUrl'), publicUrl: url, simulator: { startingMs: 500 } });
});
afterAll(async () => {
  await cluster.close();
  await new Promise((resolve) => door.close(resolve));
});

const runs: LoginRun[] = [];
afterEach(async () => {
  for (const run of runs.splice(0)) await run.clean();
});

async function webhook(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; said: string }> {
  const given = { QRCAST_API_KEY: cluster.apiKey, ...env };
  const run = await startLogin(['webhook', '--gateway', url, ...args], { env: given });
  runs.push(run);
  const code = await run.ended;
  const said = `${run.output()}${run.errors()}`;
  for (const secret of [cluster.apiKey, cluster.webhookToken]) expect(said).not.toContain(secret);
  return { code, said };
}

const sessionsOf = async (instanceId: string): Promise<{ state: string; end: { reason: string } | null }[]> => {
  const { sessions } = (await (await cluster.call('GET', '/v1/sessions?limit=100')).json()) as {
    sessions: { instanceId: string; state: string; end: { reason: string } | null }[];
  };
  return sessions.filter((session) => session.instanceId === instanceId);
};

describe('qrcast webhook', () => {
  it('says what is missing and sets it, and a login is then detected by a notification', async () => {
    const instance = cluster.simulator.createInstance();
    const { session, ticket } = await cluster.create(instance);
    const missing = await webhook(['--session', session.id]);
    expect(missing.code).toBe(11);
    expect(missing.said).toContain('The webhook is not set.');
    expect(missing.said).toContain('Set `stateWebhook` to `yes`');
    expect(missing.said).toContain('To have it set: --set.');

    const env = { QRCAST_WEBHOOK_TOKEN: cluster.webhookToken };
    const set = await webhook(['--session', session.id, '--set'], env);
    expect([set.code, set.said]).toEqual([0, expect.stringContaining('The settings were sent, and the provider restarts the instance.')]);
    expect(set.said).not.toContain('--set.');

    const viewer = cluster.view(ticket);
    await viewer.until(({ state }) => state === 'showing');
    instance.scan();
    await viewer.until(({ state }) => state === 'connected');
    expect(instance.deliveries.map(({ status }) => status)).toContain(200);
    const { lastNotificationAt } = (
      (await (await cluster.call('GET', `/v1/sessions/${session.id}/webhook`)).json()) as {
        webhook: { lastNotificationAt: number | null };
      }
    ).webhook;
    expect(lastNotificationAt).not.toBeNull();
  });

  it('accepts an instance in place of a session, and leaves no session behind', async () => {
    const instance = cluster.newInstance();
    const args = ['--id', instance.idInstance, '--api-url', cluster.simulator.url, '--json'];
    const { code, said } = await webhook(args, { GREEN_API_TOKEN: instance.apiToken });
    expect(code).toBe(0);
    expect(JSON.parse(said)).toMatchObject({ event: 'webhook', webhook: { status: 'set', url: 'matches', token: 'matches' } });
    expect(said).not.toContain(instance.apiToken);
    expect(await sessionsOf(instance.idInstance)).toMatchObject([{ state: 'ended', end: { reason: 'cancelled' } }]);
  });

  it('replaces another address only with the option for it', async () => {
    const instance = cluster.newInstance();
    instance.changeSettings({ webhookUrl: 'https://elsewhere.example.com/hook' });
    const { session } = await cluster.create(instance);
    const env = { QRCAST_WEBHOOK_TOKEN: cluster.webhookToken };
    const refused = await webhook(['--session', session.id, '--set'], env);
    expect([refused.code, refused.said]).toEqual([1, expect.stringContaining('--replace-url')]);
    const set = await webhook(['--session', session.id, '--set', '--replace-url'], env);
    expect(set.code).toBe(0);
    expect(instance.settings.webhookUrl).toBe(`${url}/v1/webhooks/green-api/acme`);
  });

  it('explains which of the tokens and the session are missing', async () => {
    const { session } = await cluster.create(cluster.newInstance());
    expect(await webhook(['--session', session.id, '--set'])).toMatchObject({
      code: 2,
      said: expect.stringContaining('QRCAST_WEBHOOK_TOKEN'),
    });
    expect(await webhook(['--session', 'ses_nowhere'])).toMatchObject({ code: 1, said: expect.stringContaining('no such session') });
    expect(await webhook(['--session', session.id], { QRCAST_API_KEY: 'qk_none' })).toMatchObject({ code: 3 });
  });
});

/**
 * The loss of an account after its login is reported once, after the provider's notification. The
 * gateway, worker and Redis are real.
 */

import { createLog } from '@qrcast/runtime/log';
import { openNode } from '@qrcast/runtime/node';
import { connectedInstanceKey, sessionKey } from '@qrcast/runtime/redis/keys';
import { describe, it, type TestContext } from 'vitest';
import type { Cluster, ClusterOptions } from '../test/cluster.ts';
import { type ConnectedScene, openConnectedScene } from '../test/connected.ts';
import { spawnWorker } from '../test/worker-process.ts';

const DAY_MS = 86_400_000;

/** Opens a scene that is closed when the test ends. */
async function open(onTestFinished: TestContext['onTestFinished'], options: Partial<ClusterOptions> = {}): Promise<ConnectedScene> {
  const scene = await openConnectedScene({ simulator: { startingMs: 200 }, ...options });
  onTestFinished(() => scene.close());
  return scene;
}

describe.concurrent('an account that is lost', () => {
  it('is reported once, with the instance, the reference, the time and the state of the provider', async ({ expect, onTestFinished }) => {
    const { cluster, connect, untilLost, settle, lost } = await open(onTestFinished);
    const instance = cluster.newInstance();
    const sessionId = await connect(instance, { reference: 'order-77' });
    const before = Date.now();
    instance.duplicateWebhooks('always');
    instance.setState('notAuthorized');
    const [told] = await untilLost(1);
    expect(told).toMatchObject({ instanceId: instance.idInstance, reference: 'order-77', sessionId });
    expect(told).toMatchObject({ providerState: 'notAuthorized', foundBy: 'notification' });
    expect(told?.disconnectedAt).toBeGreaterThan(before - 1_000);
    expect(told?.disconnectedAt).toBeGreaterThanOrEqual(told?.connectedAt ?? Number.NaN);
    await settle();
    expect(lost().filter(({ instanceId }) => instanceId === instance.idInstance)).toHaveLength(1);
  });

  it('is in the list of callbacks and can be sent again with its id', async ({ expect, onTestFinished }) => {
    const { cluster, server, connect, untilLost } = await open(onTestFinished);
    const instance = cluster.newInstance();
    const sessionId = await connect(instance);
    instance.setState('blocked');
    const [told] = await untilLost(1);
    expect(told?.providerState).toBe('blocked');
    const { callbacks } = (await (await cluster.call('GET', '/v1/callbacks')).json()) as { callbacks: { id: string }[] };
    expect(callbacks).toContainEqual(expect.objectContaining({ id: told?.id, type: 'instance.disconnected', sessionId }));
    expect((await cluster.call('POST', `/v1/callbacks/${told?.id}/replay`)).status).toBe(202);
    expect((await untilLost(2)).map(({ id }) => id)).toEqual([told?.id, told?.id]);
    const audit = (await (await cluster.call('GET', '/v1/audit?action=instance.disconnected')).json()) as { entries: object[] };
    expect(audit.entries).toEqual([expect.objectContaining({ instanceId: instance.idInstance, sessionId, outcome: 'blocked' })]);
    expect(server.received.every(({ headers }) => headers['webhook-signature'] !== undefined)).toBe(true);
  });

  it('is reported again only after a new session has connected the instance', async ({ expect, onTestFinished }) => {
    const { cluster, connect, notify, untilLost, settle, lost } = await open(onTestFinished);
    const instance = cluster.newInstance();
    instance.setWebhook(null);
    const first = await connect(instance, { reference: 'first' });
    await notify(instance, 'notAuthorized');
    // The same loss, in every way in which it may be reported again.
    for (const [state, offset] of [
      ['notAuthorized', 0],
      ['notAuthorized', 5_000],
      ['blocked', 6_000],
      ['authorized', 7_000], // somebody linked it again, without qrcast
      ['notAuthorized', 8_000],
    ] as const)
      await notify(instance, state, Date.now() + offset);
    await untilLost(1);
    instance.setState('notAuthorized');
    const second = await connect(instance, { reference: 'second' });
    await notify(instance, 'notAuthorized');
    expect((await untilLost(2)).map(({ sessionId, reference }) => [sessionId, reference])).toEqual([
      [first, 'first'],
      [second, 'second'],
    ]);
    await settle();
    expect(lost().filter(({ instanceId }) => instanceId === instance.idInstance)).toHaveLength(2);
  });

  it('is reported a day late, even if the provider repeats older notifications', async ({ expect, onTestFinished }) => {
    const { cluster, connect, notify, edit, untilLost, settle, lost } = await open(onTestFinished);
    const instance = cluster.newInstance();
    instance.setWebhook(null);
    await connect(instance);
    await settle();
    const loginAt = Date.now() - 2 * DAY_MS;
    await edit(instance, { loginAt });
    await notify(instance, 'notAuthorized', loginAt - 1_000);
    await notify(instance, 'blocked', loginAt - DAY_MS);
    await settle();
    expect(lost().some(({ instanceId }) => instanceId === instance.idInstance)).toBe(false);
    await notify(instance, 'notAuthorized', loginAt + DAY_MS);
    const told = (await untilLost(3)).find(({ instanceId }) => instanceId === instance.idInstance);
    expect(told?.disconnectedAt).toBe(Math.floor((loginAt + DAY_MS) / 1_000) * 1_000);
  });

  it('is reported even if it came before a worker had recorded the login', async ({ expect, onTestFinished }) => {
    const { cluster, redis, notify, record, untilLost, startWorker } = await open(onTestFinished, { workers: 0 });
    const instance = cluster.newInstance();
    const { session } = await cluster.create(instance);
    await cluster.call('GET', `/v1/sessions/${session.id}`);
    await notify(instance, 'authorized', Date.now() + 2_000);
    expect(await record(instance)).toMatchObject({ sessionId: session.id, end: null });
    await redis.del(connectedInstanceKey(cluster.worker.namespace, 'acme', instance.idInstance)); // as if a worker had found the login
    await notify(instance, 'notAuthorized', Date.now() + 2_000);
    await startWorker();
    expect((await untilLost(1)).map(({ sessionId }) => sessionId)).toEqual([session.id]);
  });
});

describe.concurrent('no loss is reported', () => {
  it.for(['starting', 'suspended', 'authorized', 'pendingPassword', 'yellowCard'])('of %s', async (state, { expect, onTestFinished }) => {
    const { cluster, connect, notify, record, settle, lost } = await open(onTestFinished);
    const instance = cluster.newInstance();
    instance.setWebhook(null);
    await connect(instance);
    await notify(instance, state, Date.now() + 1_000);
    await settle();
    expect(await record(instance)).toMatchObject({ end: null });
    expect(lost()).toHaveLength(1);
  });

  it('of instances that qrcast did not connect', async ({ expect, onTestFinished }) => {
    const { cluster, notify, record, settle, lost } = await open(onTestFinished);
    const [unknown, cancelled] = [cluster.newInstance(), cluster.newInstance()];
    const { session } = await cluster.create(cancelled);
    await cluster.call('DELETE', `/v1/sessions/${session.id}`);
    for (const instance of [unknown, cancelled]) await notify(instance, 'notAuthorized', Date.now() + 1_000);
    await settle();
    expect(lost()).toHaveLength(1);
    expect([await record(unknown), await record(cancelled)]).toEqual([null, null]);
  });

  it('after the period of the current setting, and the record is deleted then', async ({ expect, onTestFinished }) => {
    const { cluster, patch, connect, notify, edit, record, redis, settle, lost } = await open(onTestFinished);
    await patch({ keepConnectedDays: 2 });
    const [instance, never] = [cluster.newInstance(), cluster.newInstance()];
    for (const one of [instance, never]) one.setWebhook(null);
    await connect(instance);
    await settle();
    const goneAt = await redis.pexpiretime(connectedInstanceKey(cluster.worker.namespace, 'acme', instance.idInstance));
    expect(goneAt).toBe(((await record(instance))?.['loginAt'] as number) + 2 * DAY_MS);
    await edit(instance, { loginAt: Date.now() - 1.5 * DAY_MS });
    await patch({ keepConnectedDays: 1 });
    await notify(instance, 'notAuthorized');
    await settle();
    expect(lost().some(({ instanceId }) => instanceId === instance.idInstance)).toBe(false);
    await patch({ keepConnectedDays: 2 }); // the twin: within the period, it is reported
    await notify(instance, 'notAuthorized');
    await settle();
    expect(lost().some(({ instanceId }) => instanceId === instance.idInstance)).toBe(true);
    await patch({ keepConnectedDays: 0 });
    await connect(never);
    await notify(never, 'notAuthorized');
    expect(await record(never)).toBeNull();
  });

  it('to a suspended tenant, and nothing is left of a deleted one', async ({ expect, onTestFinished }) => {
    const { cluster, patch, connect, notify, record, redis, settle, lost } = await open(onTestFinished);
    const instance = cluster.newInstance();
    instance.setWebhook(null);
    await connect(instance);
    await settle();
    await patch({ suspended: true });
    await notify(instance, 'notAuthorized');
    expect(await record(instance)).toMatchObject({ end: null });
    await patch({ suspended: false });
    await settle();
    expect(lost().some(({ instanceId }) => instanceId === instance.idInstance)).toBe(false);
    const { namespace } = cluster.worker;
    expect(await redis.keys(`${namespace}:{tenant:acme}:connected*`)).not.toEqual([]);
    const admin = await openConnectedAdmin(cluster);
    expect(await admin('DELETE', '/v1/admin/tenants/acme')).toBe(204);
    expect(await redis.keys(`${namespace}:{tenant:acme}:connected*`)).toEqual([]);
  });

  it.for([true, false])('of the logout that a relink asks for (asked by qrcast: %s)', async (isOurs, { expect, onTestFinished }) => {
    const { cluster, connect, notify, record, settle, lost } = await open(onTestFinished);
    const instance = cluster.newInstance();
    instance.setWebhook(null);
    const first = await connect(instance, { reference: 'first' });
    await settle();
    if (!isOurs) {
      await notify(instance, 'notAuthorized'); // the twin: somebody logged it out on the phone just before
      instance.setState('notAuthorized');
    }
    const { ticket } = await cluster.create(instance, { relink: true, reference: 'second' });
    const viewer = cluster.view(ticket);
    await viewer.until(({ state }) => state === 'showing');
    const logoutAt = Date.now();
    for (const at of [logoutAt, logoutAt - 1_000, logoutAt + 1_000]) await notify(instance, 'notAuthorized', at);
    await settle();
    const told = lost().filter(({ instanceId }) => instanceId === instance.idInstance);
    expect(told.map(({ sessionId }) => sessionId)).toEqual(isOurs ? [] : [first]);
    expect(await record(instance)).toMatchObject({ sessionId: first, end: isOurs ? 'logged_out' : 'lost' });
    instance.scan();
    await viewer.until(({ state }) => state === 'connected');
    await notify(instance, 'notAuthorized', Date.now() + 1_000);
    await settle();
    expect(lost().filter(({ reference }) => reference === 'second')).toHaveLength(1);
  });
});

describe.concurrent('a worker that is killed', () => {
  it('right after the login leaves enough for the next one to make the record and move the token', async ({ expect, onTestFinished }) => {
    const { cluster, patch, record, sealed, redis, untilSealed, startWorker } = await open(onTestFinished, { workers: 0 });
    await patch({ checkConnectedEvery: 60 });
    const instance = cluster.newInstance();
    const { session } = await cluster.create(instance);
    const { namespace, redisUrl, policy } = cluster.worker;
    const node = await openNode({ redisUrl, namespace, policy, log: createLog('test', 'silent') });
    const at = node.clock.now();
    const outcome = { kind: 'authorized', account: null } as const;
    await node.sessions.apply(session.id, { kind: 'answered', at, startedAt: at, jitter: 0, outcome }); // all that it did
    await node.close();
    expect([await record(instance), await sealed(instance)]).toEqual([null, null]);
    expect(await redis.hexists(sessionKey(namespace, session.id), 'sealed')).toBe(1);
    await startWorker();
    await untilSealed(instance, true);
    expect(await record(instance)).toMatchObject({ sessionId: session.id, loginAt: at });
    while ((await redis.hexists(sessionKey(namespace, session.id), 'sealed')) === 1);
  });

  it('between a login and its record loses nothing', async ({ expect, onTestFinished }) => {
    const { cluster, server, record, notify, untilLost } = await open(onTestFinished, { workers: 0 });
    const start = () => spawnWorker(cluster, { QRCAST_CALLBACK_HOSTS: server.url });
    let worker = await start();
    const instances = Array.from({ length: 8 }, () => cluster.newInstance());
    const viewers = await Promise.all(
      instances.map(async (instance) => {
        instance.setWebhook(null); // a poll of a worker finds the login
        const viewer = cluster.view((await cluster.create(instance)).ticket);
        await viewer.until(({ state }) => state === 'showing');
        return { instance, viewer };
      }),
    );
    for (const instance of instances) instance.scan();
    await viewers[0]?.viewer.until(({ state }) => state === 'connected');
    await worker.kill(); // at any point: some logins are known, some callbacks are sent, some records are made
    worker = await start();
    for (const { instance } of viewers) while ((await record(instance)) === null);
    for (const { instance } of viewers) await notify(instance, 'notAuthorized', Date.now() + 1_000);
    const told = await untilLost(instances.length);
    expect(new Set(told.map(({ instanceId }) => instanceId))).toEqual(new Set(instances.map(({ idInstance }) => idInstance)));
    await worker.close();
  });
});

/** The operator's calls, through a gateway of the same installation that has an admin key. */
async function openConnectedAdmin(cluster: Cluster): Promise<(method: string, path: string) => Promise<number>> {
  const secret = cluster.adminKey;
  return async (method, path) => {
    const url = `${cluster.gateways[0]?.publicUrl}${path}`;
    return (await fetch(url, { method, headers: { authorization: `Bearer ${secret}` } })).status;
  };
}

/**
 * Tenants with `checkConnectedEvery`: the provider is asked whether connected instances are still
 * linked. A minute lasts 0.7 s here, so that two are longer than the spacing of requests. The
 * gateway, worker and Redis are real.
 */

import { connectedContext } from '@qrcast/runtime/keyring/credentials-vault';
import { createKeyring } from '@qrcast/runtime/keyring/keyring';
import { sessionKey } from '@qrcast/runtime/redis/keys';
import type { Instance } from '@qrcast/simulator/instance';
import { afterEach, describe, expect, it } from 'vitest';
import { type ConnectedScene, openConnectedScene } from '../test/connected.ts';

const MINUTE_MS = 700;
const DAY_MS = 86_400_000;
/** Requests are recorded on arrival, some ms after they were due. */
const JITTER_MS = 250;

let scene: ConnectedScene;
afterEach(() => scene.close());

async function open(fields: Parameters<ConnectedScene['patch']>[0] = { checkConnectedEvery: 2 }): Promise<ConnectedScene> {
  scene = await openConnectedScene({ simulator: { startingMs: 200, logLimit: 10_000 }, checkMinuteMs: MINUTE_MS });
  await scene.patch(fields);
  return scene;
}

/** Connects an instance that sends no notifications. */
async function silent(body: Record<string, unknown> = {}): Promise<{ instance: Instance; sessionId: string }> {
  const instance = scene.cluster.newInstance();
  instance.setWebhook(null);
  const sessionId = await scene.connect(instance, body);
  return { instance, sessionId };
}

const checksOf = (instance: Instance) => instance.requests.filter(({ method }) => method === 'getStateInstance');
/** Resolves after so many further checks of the instance. */
const untilChecks = (instance: Instance, count: number) => instance.untilRequests(checksOf(instance).length + count, 'getStateInstance');

async function auditOf(action: string): Promise<readonly { instanceId: string | null; outcome: string }[]> {
  const answer = await scene.cluster.call('GET', `/v1/audit?action=${action}&limit=200`);
  return ((await answer.json()) as { entries: { instanceId: string; outcome: string }[] }).entries;
}
async function untilAudit(action: string, outcome: string): Promise<void> {
  while (!(await auditOf(action)).some((entry) => entry.outcome === outcome));
}

describe('a check', () => {
  it.each(['notAuthorized', 'blocked'] as const)('finds a loss that nobody notified: %s; the token goes with it', async (state) => {
    const { untilLost, untilSealed, record, isChecked } = await open();
    const { instance, sessionId } = await silent({ reference: 'order-77' });
    await untilSealed(instance, true);
    await untilChecks(instance, 2);
    instance.setState(state);
    expect(await untilLost(1)).toMatchObject([{ sessionId, reference: 'order-77', providerState: state, foundBy: 'check' }]);
    await untilSealed(instance, false);
    expect(await record(instance)).toMatchObject({ end: 'lost' });
    expect(await isChecked(instance)).toBe(false);
    expect(await auditOf('token.kept')).toMatchObject([{ instanceId: instance.idInstance }]);
    await untilAudit('token.deleted', state);
  });

  it('takes no trouble for a loss, and is made again', async () => {
    const { lost, record } = await open();
    const { instance } = await silent();
    for (const state of ['starting', 'suspended', 'pendingPassword'] as const) {
      instance.setState(state);
      await untilChecks(instance, 2);
    }
    instance.setState('authorized');
    for (const fault of ['status500', 'empty401', 'html502', 'empty401', 'cut'] as const) {
      instance.fail('getStateInstance', fault);
      await untilChecks(instance, 2); // a refusal, followed by a good answer
    }
    expect(await record(instance)).toMatchObject({ end: null });
    expect(lost()).toEqual([]);
  });

  it('is one request in each interval, and the others wait their time as well', async () => {
    await open();
    const instances = await Promise.all([silent(), silent(), silent()]);
    await Promise.all(instances.map(({ instance }) => untilChecks(instance, 6)));
    for (const { instance } of instances) {
      const moments = checksOf(instance)
        .slice(-6)
        .map(({ at }) => at); // the first requests may belong to the session
      for (const [i, at] of moments.entries()) {
        const gap = at - (moments[i - 1] ?? Number.NEGATIVE_INFINITY);
        expect(gap).toBeGreaterThan(2 * MINUTE_MS - JITTER_MS * 2);
      }
      expect(instance.requests.some(({ overlapped, method }) => overlapped && method === 'getStateInstance')).toBe(false);
    }
  });

  it('is not made by default, and no token stays', async () => {
    const { patch, sealed, record, settle, redis, cluster } = await open({});
    const { instance, sessionId } = await silent();
    await settle();
    expect(await record(instance)).toMatchObject({ end: null });
    expect(await sealed(instance)).toBeNull();
    expect(await redis.hexists(sessionKey(cluster.worker.namespace, sessionId), 'sealed')).toBe(0);
    // The setting applies to instances that connect afterwards. The token of this one is deleted.
    await patch({ checkConnectedEvery: 2 });
    const before = checksOf(instance).length;
    const { instance: later } = await silent();
    await untilChecks(later, 4);
    expect(checksOf(instance)).toHaveLength(before);
    expect(await sealed(instance)).toBeNull();
  });

  it('is not made while a session of the instance is live, also one that nobody watches', async () => {
    const { cluster } = await open();
    const [{ instance: busy }, { instance: other }] = await Promise.all([silent(), silent()]);
    await untilChecks(busy, 1);
    const { session } = await cluster.create(busy);
    await untilChecks(other, 1); // earlier requests have ended
    const before = checksOf(busy).length;
    await untilChecks(other, 4);
    expect(checksOf(busy)).toHaveLength(before);
    await cluster.call('DELETE', `/v1/sessions/${session.id}`); // the twin
    await untilChecks(busy, 2);
  });

  it('is not made before the moment that the provider names', async () => {
    await open();
    const { instance } = await silent();
    await untilChecks(instance, 1);
    instance.fail('getStateInstance', 'status429', { retryAfter: 4 });
    const asked = await untilChecks(instance, 2);
    const [refused, next] = asked.filter(({ method }) => method === 'getStateInstance').slice(-2);
    expect(refused?.status).toBe(429);
    expect((next?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(4_000);
  });

  it('of a moment that passed while no worker ran is not made up for', async () => {
    const { redis, cluster } = await open({ checkConnectedEvery: 20 });
    const { instance } = await silent();
    await untilChecks(instance, 1);
    const before = checksOf(instance).length;
    const key = `${cluster.worker.namespace}:{tenant:acme}:checks`;
    await redis.zadd(key, Date.now() - 3_600_000, instance.idInstance); // an hour ago
    await scene.patch({ checkConnectedEvery: 20 }); // a worker looks at once
    while (Number(await redis.zscore(key, instance.idInstance)) < Date.now());
    expect(checksOf(instance)).toHaveLength(before);
  });
});

describe('the token', () => {
  it('is sealed, and bound to its record', async () => {
    const { cluster, sealed, untilSealed } = await open();
    const { instance } = await silent();
    await untilSealed(instance, true);
    const text = (await sealed(instance)) ?? '';
    expect(text).not.toContain(instance.apiToken);
    const keyring = createKeyring(cluster.worker.secretKeys);
    const at = { tenantId: 'acme', instanceId: instance.idInstance };
    expect(JSON.parse(keyring.open(text, connectedContext(at)))).toMatchObject({ apiToken: instance.apiToken });
    expect(() => keyring.open(text, connectedContext({ ...at, tenantId: 'other' }))).toThrow();
  });

  it('goes after a repeated refusal, and a loss is still told when it is notified', async () => {
    const { notify, untilSealed, untilLost, isChecked } = await open();
    const { instance } = await silent();
    await untilSealed(instance, true);
    await untilChecks(instance, 1);
    instance.fail('getStateInstance', 'empty401', { times: 2 });
    await untilSealed(instance, false);
    await untilAudit('token.deleted', 'credentials_rejected');
    expect(await isChecked(instance)).toBe(false);
    await notify(instance, 'notAuthorized');
    expect(await untilLost(1)).toMatchObject([{ foundBy: 'notification' }]);
  });

  it('goes when the tenant switches the checks off, and a loss is still told', async () => {
    const { patch, notify, untilSealed, untilLost } = await open({ checkConnectedEvery: 10_000 });
    const { instance } = await silent();
    await untilSealed(instance, true);
    await patch({ checkConnectedEvery: null });
    await untilSealed(instance, false);
    await untilAudit('token.deleted', 'switched_off');
    await notify(instance, 'notAuthorized');
    await untilLost(1);
  });

  it('goes with a loss that is notified', async () => {
    const { notify, untilSealed, isChecked } = await open({ checkConnectedEvery: 10_000 });
    const { instance } = await silent();
    await untilSealed(instance, true);
    await notify(instance, 'notAuthorized');
    await untilSealed(instance, false);
    expect(await isChecked(instance)).toBe(false);
    await untilAudit('token.deleted', 'notAuthorized');
  });

  it('goes at the end of the period, also of one that was shortened', async () => {
    const { patch, edit, redis, cluster, untilSealed, record, isChecked } = await open({ checkConnectedEvery: 2, keepConnectedDays: 3 });
    const { instance } = await silent();
    await untilSealed(instance, true);
    const goneAt = await redis.pexpiretime(`${cluster.worker.namespace}:{tenant:acme}:connected:${instance.idInstance}`);
    expect(goneAt - Date.now()).toBeGreaterThan(2 * DAY_MS);
    expect(goneAt - Date.now()).toBeLessThanOrEqual(3 * DAY_MS);
    await edit(instance, { loginAt: Date.now() - 2 * DAY_MS });
    await untilChecks(instance, 2);
    await patch({ keepConnectedDays: 1 });
    while ((await record(instance)) !== null);
    expect(await isChecked(instance)).toBe(false);
    await untilAudit('token.deleted', 'period_over');
  });

  it('goes when the period is shortened, also if it is checked once a week and the tenant is suspended', async () => {
    const { patch, edit, redis, cluster, untilSealed, record } = await open({ checkConnectedEvery: 10_080 });
    const [{ instance: old }, { instance: young }] = await Promise.all([silent(), silent()]);
    await Promise.all([untilSealed(old, true), untilSealed(young, true)]);
    await edit(old, { loginAt: Date.now() - 2 * DAY_MS });
    await patch({ suspended: true });
    await patch({ keepConnectedDays: 1 });
    await untilSealed(old, false);
    const key = `${cluster.worker.namespace}:{tenant:acme}:connected:${young.idInstance}`;
    while ((await redis.pexpiretime(key)) > Date.now() + DAY_MS); // it ends by itself, whatever the tenant's standing is by then
    expect(await record(young)).not.toBeNull();
  });

  it('goes with the tenant', async () => {
    const { cluster, redis, untilSealed } = await open();
    const { instance } = await silent();
    await untilSealed(instance, true);
    const headers = { authorization: `Bearer ${cluster.adminKey}` };
    const url = `${cluster.gateways[0]?.publicUrl}/v1/admin/tenants/acme`;
    expect((await fetch(url, { method: 'DELETE', headers })).status).toBe(204);
    const { namespace } = cluster.worker;
    for (const kind of ['connected*', 'checks*']) expect(await redis.keys(`${namespace}:{tenant:acme}:${kind}`)).toEqual([]);
  });

  it('of a suspended tenant stays, and its checks pause', async () => {
    const { cluster, patch, sealed } = await open();
    const [{ instance }] = await Promise.all([silent()]);
    await untilChecks(instance, 2);
    const [gateway] = cluster.gateways;
    await patch({ suspended: true });
    // The checks of another tenant measure the time.
    const callback = { url: scene.server.url };
    const { secrets } = (await gateway?.tenants.create({ id: 'other', name: 'Other', checkConnectedEvery: 2, callback })) ?? {};
    const clock = cluster.simulator.createInstance();
    const { session, ticket } = await createAs(secrets?.apiKey ?? '', clock);
    const viewer = cluster.view(ticket);
    await viewer.until(({ state, id }) => id === session.id && state === 'showing');
    clock.scan();
    await untilChecks(clock, 3);
    const before = checksOf(instance).length;
    await untilChecks(clock, 4);
    expect(checksOf(instance)).toHaveLength(before);
    expect(await sealed(instance)).not.toBeNull();
    await patch({ suspended: false });
    await untilChecks(instance, 2);
  });
});

async function createAs(apiKey: string, instance: Instance): Promise<{ session: { id: string }; ticket: string }> {
  const { cluster } = scene;
  const response = await fetch(`${cluster.gateways[0]?.publicUrl}/v1/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ instanceId: instance.idInstance, apiToken: instance.apiToken, apiUrl: cluster.simulator.url }),
  });
  return (await response.json()) as { session: { id: string }; ticket: string };
}

/**
 * Tenants with `checkConnectedEvery`: the provider is asked whether connected instances are still
 * linked. A minute lasts 0.7 s here, so that two are longer than the spacing of requests. The
 * gateway, worker and Redis are real.
 */

import { connectedContext } from '@qrcast/runtime/keyring/credentials-vault';
import { createKeyring } from '@qrcast/runtime/keyring/keyring';
import { sessionKey } from '@qrcast/runtime/redis/keys';
import type { Instance } from '@qrcast/simulator/instance';
import { describe, expect, it, type TestContext } from 'vitest';
import type { Cluster, Created } from '../test/cluster.ts';
import { type ConnectedScene, openConnectedScene } from '../test/connected.ts';

const MINUTE_MS = 700;
const DAY_MS = 86_400_000;
/** Requests are recorded on arrival, some ms after they were due. */
const JITTER_MS = 250;

interface CheckedScene extends ConnectedScene {
  /** Connects an instance that sends no notifications. */
  silent(body?: Record<string, unknown>): Promise<{ instance: Instance; sessionId: string }>;
  auditOf(action: string): Promise<readonly { instanceId: string | null; outcome: string }[]>;
}

/** Opens a scene that is closed when the test ends. */
async function open(
  onTestFinished: TestContext['onTestFinished'],
  fields: Parameters<ConnectedScene['patch']>[0] = { checkConnectedEvery: 2 },
): Promise<CheckedScene> {
  const scene = await openConnectedScene({ simulator: { startingMs: 200, logLimit: 10_000 }, checkMinuteMs: MINUTE_MS });
  onTestFinished(() => scene.close());
  await scene.patch(fields);
  return {
    ...scene,
    async silent(body = {}) {
      const instance = scene.cluster.newInstance();
      instance.setWebhook(null);
      const sessionId = await scene.connect(instance, body);
      return { instance, sessionId };
    },
    async auditOf(action) {
      const answer = await scene.cluster.call('GET', `/v1/audit?action=${action}&limit=200`);
      return ((await answer.json()) as { entries: { instanceId: string; outcome: string }[] }).entries;
    },
  };
}

const checksOf = (instance: Instance) => instance.requests.filter(({ method }) => method === 'getStateInstance');
/** Resolves after so many further checks of the instance. */
const untilChecks = (instance: Instance, count: number) => instance.untilRequests(checksOf(instance).length + count, 'getStateInstance');
const withOutcome = (outcome: string) => expect.arrayContaining([expect.objectContaining({ outcome })]);

describe.concurrent('a check', () => {
  it.for(['notAuthorized', 'blocked'] as const)(
    'detects a loss without a notification: %s, and deletes the token',
    async (state, { expect, onTestFinished }) => {
      const { untilLost, untilSealed, record, isChecked, silent, auditOf } = await open(onTestFinished);
      const { instance, sessionId } = await silent({ reference: 'order-77' });
      await untilSealed(instance, true);
      await untilChecks(instance, 2);
      instance.setState(state);
      expect(await untilLost(1)).toMatchObject([{ sessionId, reference: 'order-77', providerState: state, foundBy: 'check' }]);
      await untilSealed(instance, false);
      expect(await record(instance)).toMatchObject({ end: 'lost' });
      expect(await isChecked(instance)).toBe(false);
      expect(await auditOf('token.kept')).toMatchObject([{ instanceId: instance.idInstance }]);
      await expect.poll(() => auditOf('token.deleted')).toEqual(withOutcome(state));
    },
  );

  it('does not treat trouble as a loss, and is repeated', async ({ expect, onTestFinished }) => {
    const { lost, record, silent } = await open(onTestFinished);
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

  it('is not made by default, and no token is kept', async ({ expect, onTestFinished }) => {
    const { patch, sealed, record, settle, redis, cluster, silent } = await open(onTestFinished, {});
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

  it('is not made while a session of the instance is live, even one that nobody watches', async ({ expect, onTestFinished }) => {
    const { cluster, silent } = await open(onTestFinished);
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

  it('is not made before the time that the provider names', async ({ expect, onTestFinished }) => {
    const { silent } = await open(onTestFinished);
    const { instance } = await silent();
    await untilChecks(instance, 1);
    instance.fail('getStateInstance', 'status429', { retryAfter: 4 });
    const asked = await untilChecks(instance, 2);
    const [refused, next] = asked.filter(({ method }) => method === 'getStateInstance').slice(-2);
    expect(refused?.status).toBe(429);
    expect((next?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(4_000);
  });

  it('that was due while no worker ran is skipped', async ({ expect, onTestFinished }) => {
    const { redis, cluster, patch, silent } = await open(onTestFinished, { checkConnectedEvery: 20 });
    const { instance } = await silent();
    await untilChecks(instance, 1);
    const before = checksOf(instance).length;
    const key = `${cluster.worker.namespace}:{tenant:acme}:checks`;
    await redis.zadd(key, Date.now() - 3_600_000, instance.idInstance); // an hour ago
    await patch({ checkConnectedEvery: 20 }); // a worker looks at once
    while (Number(await redis.zscore(key, instance.idInstance)) < Date.now());
    expect(checksOf(instance)).toHaveLength(before);
  });
});

describe.concurrent('the token', () => {
  it('is encrypted, and bound to its record', async ({ expect, onTestFinished }) => {
    const { cluster, sealed, untilSealed, silent } = await open(onTestFinished);
    const { instance } = await silent();
    await untilSealed(instance, true);
    const text = (await sealed(instance)) ?? '';
    expect(text).not.toContain(instance.apiToken);
    const keyring = createKeyring(cluster.worker.secretKeys);
    const at = { tenantId: 'acme', instanceId: instance.idInstance };
    expect(JSON.parse(keyring.open(text, connectedContext(at)))).toMatchObject({ apiToken: instance.apiToken });
    expect(() => keyring.open(text, connectedContext({ ...at, tenantId: 'other' }))).toThrow();
  });

  it('is deleted after a repeated refusal, and a notified loss is still reported', async ({ expect, onTestFinished }) => {
    const { notify, untilSealed, untilLost, isChecked, silent, auditOf } = await open(onTestFinished);
    const { instance } = await silent();
    await untilSealed(instance, true);
    await untilChecks(instance, 1);
    instance.fail('getStateInstance', 'empty401', { times: 2 });
    await untilSealed(instance, false);
    await expect.poll(() => auditOf('token.deleted')).toEqual(withOutcome('credentials_rejected'));
    expect(await isChecked(instance)).toBe(false);
    await notify(instance, 'notAuthorized');
    expect(await untilLost(1)).toMatchObject([{ foundBy: 'notification' }]);
  });

  it('is deleted when the tenant disables the checks, and a loss is still reported', async ({ expect, onTestFinished }) => {
    const { patch, notify, untilSealed, untilLost, silent, auditOf } = await open(onTestFinished, { checkConnectedEvery: 10_000 });
    const { instance } = await silent();
    await untilSealed(instance, true);
    await patch({ checkConnectedEvery: null });
    await untilSealed(instance, false);
    await expect.poll(() => auditOf('token.deleted')).toEqual(withOutcome('switched_off'));
    await notify(instance, 'notAuthorized');
    await untilLost(1);
  });

  it('is deleted when a loss is notified', async ({ expect, onTestFinished }) => {
    const { notify, untilSealed, isChecked, silent, auditOf } = await open(onTestFinished, { checkConnectedEvery: 10_000 });
    const { instance } = await silent();
    await untilSealed(instance, true);
    await notify(instance, 'notAuthorized');
    await untilSealed(instance, false);
    expect(await isChecked(instance)).toBe(false);
    await expect.poll(() => auditOf('token.deleted')).toEqual(withOutcome('notAuthorized'));
  });

  it('is deleted at the end of the period, even of a shortened one', async ({ expect, onTestFinished }) => {
    const { patch, edit, redis, cluster, untilSealed, record, isChecked, silent, auditOf } = await open(onTestFinished, {
      checkConnectedEvery: 2,
      keepConnectedDays: 3,
    });
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
    await expect.poll(() => auditOf('token.deleted')).toEqual(withOutcome('period_over'));
  });

  it('is deleted when the period is shortened, even with weekly checks and a suspended tenant', async ({ expect, onTestFinished }) => {
    const { patch, edit, redis, cluster, untilSealed, record, silent } = await open(onTestFinished, { checkConnectedEvery: 10_080 });
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

  it('is deleted with the tenant', async ({ expect, onTestFinished }) => {
    const { cluster, redis, untilSealed, silent } = await open(onTestFinished);
    const { instance } = await silent();
    await untilSealed(instance, true);
    const headers = { authorization: `Bearer ${cluster.adminKey}` };
    const url = `${cluster.gateways[0]?.publicUrl}/v1/admin/tenants/acme`;
    expect((await fetch(url, { method: 'DELETE', headers })).status).toBe(204);
    const { namespace } = cluster.worker;
    for (const kind of ['connected*', 'checks*']) expect(await redis.keys(`${namespace}:{tenant:acme}:${kind}`)).toEqual([]);
  });

  it('of a suspended tenant is kept, and its checks pause', async ({ expect, onTestFinished }) => {
    const { cluster, server, patch, sealed, silent } = await open(onTestFinished);
    const [{ instance }] = await Promise.all([silent()]);
    await untilChecks(instance, 2);
    const [gateway] = cluster.gateways;
    await patch({ suspended: true });
    // The checks of another tenant measure the time.
    const callback = { url: server.url };
    const { secrets } = (await gateway?.tenants.create({ id: 'other', name: 'Other', checkConnectedEvery: 2, callback })) ?? {};
    const clock = cluster.simulator.createInstance();
    const { session, ticket } = await createAs(cluster, secrets?.apiKey ?? '', clock);
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

// Alone, because it measures the time between requests.
it('a check is one request in each interval, and so are those of the other instances', async ({ onTestFinished }) => {
  const { silent } = await open(onTestFinished);
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

async function createAs(cluster: Cluster, apiKey: string, instance: Instance): Promise<Created> {
  const response = await fetch(`${cluster.gateways[0]?.publicUrl}/v1/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ instanceId: instance.idInstance, apiToken: instance.apiToken, apiUrl: cluster.simulator.url }),
  });
  return (await response.json()) as Created;
}

/**
 * Many viewers, several gateways and workers, one Redis: what the provider and every viewer see.
 */

import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import type { Instance } from '@qrcast/simulator/instance';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { type Cluster, type ClusterOptions, openCluster, type Viewer } from '../test/cluster.ts';

const open: Cluster[] = [];
afterEach(async () => {
  for (const cluster of open.splice(0)) await cluster.close();
});

async function cluster(options: Omit<ClusterOptions, 'redisUrl'> = {}): Promise<Cluster> {
  const opened = await openCluster({ redisUrl: inject('redisUrl'), ...options });
  open.push(opened);
  return opened;
}

/** @returns ms between the starts of consecutive requests */
function gaps(instance: Instance): number[] {
  return instance.requests.slice(1).map((request, i) => request.startedAt - (instance.requests[i]?.startedAt ?? 0));
}

describe('a cluster', () => {
  it('asks the provider once an interval for 20 viewers on 2 gateways, who all see the same rising versions', async () => {
    // Requests are recorded on arrival. On a slow machine one may be late, so the interval is far
    // above the spacing.
    const intervalMs = 3 * MIN_SPACING_MS;
    const { create, newInstance, view } = await cluster({ gateways: 2, workers: 2, policy: { intervalMs } });
    const instance = newInstance();
    const { ticket } = await create(instance);
    const viewers = Array.from({ length: 20 }, (_, i) => view(ticket, i % 2));
    await Promise.all(viewers.map(({ until }) => until(({ state }) => state === 'showing')));
    await instance.untilRequests(4);
    instance.scan();
    const ends = await Promise.all(viewers.map(({ until }) => until(({ state }) => state === 'connected')));
    expect(new Set(ends.map(({ version }) => version)).size).toBe(1);
    expect(ends[0]?.account).toEqual({ wid: `${instance.phone}@c.us`, phone: instance.phone });

    const states = new Map<number, string>();
    for (const { versions, sessions } of viewers) {
      expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
      for (const session of sessions) {
        const shown = JSON.stringify([session.state, session.code?.image, session.notice]);
        expect(states.get(session.version) ?? shown).toBe(shown);
        states.set(session.version, shown);
      }
    }
    // One poll per interval: never closer than the spacing, and on its due time within a tick and
    // the machine's delays.
    expect(Math.min(...gaps(instance))).toBeGreaterThanOrEqual(MIN_SPACING_MS);
    expect(instance.requests.some(({ overlapped }) => overlapped)).toBe(false);
    expect(instance.requests.some(({ status }) => status === 429)).toBe(false);
    const asked = instance.requests.length;
    const elapsed = (instance.requests.at(-1)?.startedAt ?? 0) - (instance.requests[0]?.startedAt ?? 0);
    expect(asked - 1).toBeLessThanOrEqual(Math.ceil(elapsed / intervalMs));

    await untilQuietFor(instance, asked, create, newInstance, view);
  });

  it('gives a late viewer the current state in its first message', async () => {
    const { create, newInstance, view } = await cluster();
    const instance = newInstance();
    const { ticket } = await create(instance);
    const early = view(ticket);
    const shown = await early.until(({ state }) => state === 'showing');
    const late = view(ticket);
    const first = await late.until(() => true);
    expect(first.state).toBe('showing');
    expect(first.version).toBeGreaterThanOrEqual(shown.version);
    expect(first.code?.image).toMatch(/^data:image\/png;base64,/);
  });

  it('polls only watched sessions: idle before the first viewer and after the last attempt, polled again with the next viewer', async () => {
    const { create, newInstance, view, call, passDeadline } = await cluster({ unwatchedGraceMs: 5_000 });
    const instance = newInstance();
    const { session, ticket } = await create(instance);
    expect(session.state).toBe('idle');
    expect(instance.requests).toHaveLength(0);

    const viewer = view(ticket);
    await viewer.until(({ state }) => state === 'showing');
    const hidden = view(ticket);
    await hidden.until(({ state }) => state === 'showing');
    hidden.socket.emit('visible', { visible: false });
    viewer.socket.disconnect();
    await instance.untilRequests(1, 'getStateInstance'); // a login may be under way
    await passDeadline(session.id);
    await hidden.until(({ state, version }) => state === 'idle' && version > 1);
    const asked = instance.requests.length;

    // A list does not count as watching, but a read does.
    const list = (await (await call('GET', '/v1/sessions')).json()) as { sessions: { state: string; viewers: number }[] };
    expect(list.sessions[0]).toMatchObject({ state: 'idle', viewers: 0 });
    expect(instance.requests).toHaveLength(asked);
    view(ticket);
    await instance.untilRequests(asked + 1);
  });

  it('connects by the next poll if the notification is lost, and only once if it comes twice', async () => {
    const { create, newInstance, view } = await cluster();
    const lost = newInstance();
    lost.loseWebhooks(1);
    const doubled = newInstance();
    doubled.duplicateWebhooks(1);
    for (const instance of [lost, doubled]) {
      const { ticket } = await create(instance);
      const viewer = view(ticket);
      await viewer.until(({ state }) => state === 'showing');
      instance.scan();
      await viewer.until(({ state }) => state === 'connected');
      expect(viewer.sessions.filter(({ state }) => state === 'connected')).toHaveLength(1);
    }
  });

  it('logs a linked instance out first with relink, and links it again', async () => {
    const { create, newInstance, view } = await cluster({ simulator: { startingMs: 3_600_000 } }); // until the test says that it is ready
    const instance = newInstance();
    instance.setState('authorized');
    const { ticket } = await create(instance, { relink: true });
    const viewer = view(ticket);
    await viewer.until(({ state, notice }) => state === 'waiting' && notice?.code === 'instance_starting');
    await instance.untilRequests(1, 'logout');
    instance.setState('notAuthorized');
    await viewer.until(({ state }) => state === 'showing');
    expect(instance.requests.filter(({ method }) => method === 'logout')).toHaveLength(1);
    instance.scan();
    await viewer.until(({ state }) => state === 'connected');
  });

  it('logs out an account that is not the expected one, even after the viewer left, and then ends', async () => {
    const { call, create, newInstance, view } = await cluster({ simulator: { startingMs: 1_000 } });
    const instance = newInstance();
    const { session, ticket } = await create(instance, { expectedPhone: '70000000000', logoutOnMismatch: true });
    const viewer = view(ticket);
    await viewer.until(({ state }) => state === 'showing');
    instance.scan();
    viewer.socket.disconnect();
    await instance.untilRequests(1, 'logout');
    const ended = await view(ticket).until(({ state }) => state === 'ended');
    expect(ended.end).toEqual({ reason: 'account_mismatch', resumable: false });
    expect(viewer.sessions.some(({ state }) => state === 'connected')).toBe(false);
    expect(instance.requests.filter(({ method }) => method === 'logout')).toHaveLength(1);
    expect((await call('POST', `/v1/sessions/${session.id}/resume`)).status).toBe(409);
  });

  it('refuses a phone in national form, and accepts one that the provider reports in that form', async () => {
    const { call, create, newInstance, view } = await cluster();
    const instance = newInstance('89001234567');
    const fields = { instanceId: instance.idInstance, apiToken: instance.apiToken, logoutOnMismatch: true };
    const refused = await call('POST', '/v1/sessions', { ...fields, expectedPhone: '8 (900) 123-45-67' });
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('write +7')]);
    const viewer = view((await create(instance, { expectedPhone: '+7 900 123-45-67', logoutOnMismatch: true })).ticket);
    await viewer.until(({ state }) => state === 'showing');
    instance.scan();
    const connected = await viewer.until(({ state }) => state === 'connected' || state === 'ended');
    expect(connected).toMatchObject({ state: 'connected', account: { phone: '79001234567' } });
    expect(instance.requests.filter(({ method }) => method === 'logout')).toEqual([]);
  });

  it('ends after three tries with the wrong account still linked if the provider accepts no logout', async () => {
    const { create, newInstance, view } = await cluster();
    const instance = newInstance();
    instance.fail('logout', 'html502', { times: 'always' });
    const viewer = view((await create(instance, { expectedPhone: '70000000000', logoutOnMismatch: true })).ticket);
    await viewer.until(({ state }) => state === 'showing');
    instance.scan();
    expect((await viewer.until(({ state }) => state === 'ended')).end?.reason).toBe('account_mismatch');
    expect(instance.requests.filter(({ method }) => method === 'logout')).toHaveLength(3);
  });

  it('reports at once that an instance is already linked', async () => {
    const { create, newInstance, view } = await cluster();
    const instance = newInstance();
    instance.setState('authorized');
    const viewer = view((await create(instance)).ticket);
    expect((await viewer.until(({ state }) => state !== 'idle' && state !== 'waiting')).state).toBe('connected');
    expect(instance.requests).toHaveLength(1);
  });
});

/** Shows that polling has stopped: a new session is polled three times, and this one not once. */
async function untilQuietFor(
  instance: Instance,
  asked: number,
  create: Cluster['create'],
  newInstance: Cluster['newInstance'],
  view: (ticket: string) => Viewer,
): Promise<void> {
  const other = newInstance();
  view((await create(other)).ticket);
  await other.untilRequests(3);
  expect(instance.requests).toHaveLength(asked);
}

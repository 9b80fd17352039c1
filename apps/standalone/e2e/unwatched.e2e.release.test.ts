/**
 * A hidden page does not mean that the person has left. Someone who approves the login on the same
 * phone must hide the page, and someone who looks up a password may hide it. The gateway, worker,
 * Redis and HTTP are real. Requests are counted on arrival.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { UNWATCHED_INTERVALS } from '@qrcast/core/schedule';
import type { WireSession } from '@qrcast/core/wire';
import { openTestReceiver, type TestReceiver } from '@qrcast/runtime/test/receiver';
import type { Instance } from '@qrcast/simulator/instance';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Cluster, openCluster, TEST_POLICY, type Viewer } from '../test/cluster.ts';

/**
 * A gateway renews its watch every third of this. If the machine stalls for two thirds, the session
 * counts as unwatched.
 */
const GRACE_MS = 10_000;

let cluster: Cluster;
let receiver: TestReceiver;

beforeAll(async () => {
  receiver = await openTestReceiver();
  cluster = await openCluster({ redisUrl: inject('redisUrl'), unwatchedGraceMs: GRACE_MS, callbackHosts: [receiver.url] });
  await cluster.gateways[0]?.tenants.patch('acme', { callback: { url: receiver.url } });
});
afterAll(async () => {
  await cluster.close();
  await receiver.close();
});

/** Opens a viewer that sees a code. The notifications of the instance are lost. */
async function showing(tenantId = 'acme'): Promise<{ instance: Instance; id: string; ticket: string; viewer: Viewer }> {
  const instance = cluster.newInstance();
  instance.loseWebhooks(100);
  const { session, ticket } = tenantId === 'acme' ? await cluster.create(instance) : await cluster.createFor(tenantId, instance);
  const viewer = cluster.view(ticket);
  await viewer.until(({ state }) => state === 'showing');
  return { instance, id: session.id, ticket, viewer };
}

const hide = (viewer: Viewer, visible = false): Promise<unknown> => viewer.socket.emitWithAck('visible', { visible });
const methodsAfter = (instance: Instance, count: number): string[] => instance.requests.slice(count).map(({ method }) => method);
const typesOf = (sessionId: string): string[] =>
  receiver.received
    .map(({ body }) => JSON.parse(body) as { type: string; data: { session: WireSession } })
    .filter(({ data }) => data.session.id === sessionId)
    .map(({ type }) => type);

/** Resolves to the session's state, without watching it. */
async function stateOf(sessionId: string): Promise<string> {
  const list = (await (await cluster.call('GET', '/v1/sessions')).json()) as { sessions: WireSession[] };
  return list.sessions.find(({ id }) => id === sessionId)?.state ?? 'gone';
}
/** `expect.poll` needs the `expect` of one test, and these tests run at the same time. */
async function until(fits: () => Promise<boolean>): Promise<void> {
  while (!(await fits())) await delay(200);
}
const untilState = (sessionId: string, state: string): Promise<void> => until(async () => (await stateOf(sessionId)) === state);

/**
 * Waits so long that a polled instance would have been asked: until another, new instance was asked
 * `count` times.
 */
async function untilOthersWerePolled(count = 4): Promise<void> {
  const other = cluster.newInstance();
  cluster.view((await cluster.create(other)).ticket);
  await other.untilRequests(count);
}

describe.concurrent('the three levels of polling', () => {
  it('watched means codes, hidden means only the state at a third of the pace', async () => {
    const { instance, id, viewer } = await showing();
    await instance.untilRequests(3);
    expect(new Set(methodsAfter(instance, 0))).toEqual(new Set(['qr']));

    await hide(viewer);
    const hiddenAfter = (await instance.untilRequests(1)).length;
    await instance.untilRequests(3, 'getStateInstance');
    // A request may have been under way when the page was hidden.
    expect(methodsAfter(instance, hiddenAfter + 1)).not.toContain('qr');
    const states = instance.requests.filter(({ method }) => method === 'getStateInstance');
    const gaps = states.slice(1).map(({ startedAt }, index) => startedAt - (states[index]?.startedAt ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(TEST_POLICY.intervalMs * (UNWATCHED_INTERVALS - 1));

    const before = viewer.sessions.length;
    const codes = instance.requests.filter(({ method }) => method === 'qr').length;
    await hide(viewer, true);
    await instance.untilRequests(codes + 2, 'qr');
    expect(viewer.sessions.slice(before).some(({ state }) => state === 'showing')).toBe(true);

    expect(typesOf(id)).toEqual([]);
  });

  it('visible again for a moment and closed means codes only for the grace period', async () => {
    const { instance, viewer } = await showing();
    await hide(viewer);
    await instance.untilRequests(1, 'getStateInstance');
    const codes = instance.requests.filter(({ method }) => method === 'qr').length;
    await hide(viewer, true);
    await instance.untilRequests(codes + 1, 'qr');
    viewer.socket.disconnect();
    const left = instance.requests.length;
    const states = instance.requests.filter(({ method }) => method === 'getStateInstance').length;
    await instance.untilRequests(states + 2, 'getStateInstance');
    // One request may have been under way.
    const most = Math.ceil(GRACE_MS / TEST_POLICY.intervalMs) + 1;
    expect(methodsAfter(instance, left).filter((method) => method === 'qr').length).toBeLessThanOrEqual(most);
  });

  it('left before any code means no polls', async () => {
    const instance = cluster.newInstance();
    instance.fail('qr', 'errorNotReady', { times: 'always' });
    const { session, ticket } = await cluster.create(instance);
    const viewer = cluster.view(ticket);
    await viewer.until(({ notice }) => notice?.code === 'provider_not_ready');
    viewer.socket.disconnect();
    await untilState(session.id, 'idle');
    const asked = instance.requests.length;
    await untilOthersWerePolled();
    expect(instance.requests).toHaveLength(asked);
  });

  it('hidden from the start means no polls', async () => {
    const instance = cluster.newInstance();
    const { ticket } = await cluster.create(instance);
    const viewer = cluster.view(ticket, 0, { visible: false });
    expect((await viewer.until(() => true)).state).toBe('idle');
    await untilOthersWerePolled();
    expect(instance.requests).toEqual([]);
    await hide(viewer, true);
    await viewer.until(({ state }) => state === 'showing');
  });

  it('a suspended tenant has no polls of hidden sessions', async () => {
    const { instance, viewer } = await showing('beta');
    await hide(viewer);
    await instance.untilRequests(1, 'getStateInstance');
    await cluster.gateways[0]?.tenants.patch('beta', { suspended: true });
    const asked = instance.requests.length;
    await untilOthersWerePolled(10); // three rounds of an unwatched session
    expect(instance.requests.length - asked).toBeLessThanOrEqual(1); // it was under way
    await cluster.gateways[0]?.tenants.patch('beta', { suspended: false });
    await untilOthersWerePolled(4);
    expect(instance.requests.length - asked).toBeLessThanOrEqual(1);
  });
});

describe.concurrent('a login that is approved on the same phone, without a notification', () => {
  it.each(['hidden', 'closed'])(
    'the page is %s: session.connected is called back, and a page that returns sees it at once',
    async (how) => {
      const { instance, id, ticket, viewer } = await showing();
      if (how === 'closed') viewer.socket.disconnect();
      else await hide(viewer);
      await instance.untilRequests(1, 'getStateInstance'); // it is unwatched by now
      instance.scan();
      await receiver.until(1, ({ body }) => body.includes(id));
      expect(typesOf(id)).toEqual(['session.connected']);
      const back = cluster.view(ticket);
      expect((await back.until(() => true)).state).toBe('connected');
    },
  );
});

describe.concurrent('the password step', () => {
  it('survives a hidden page with the same state, only state requests and one callback', async () => {
    const { instance, id, viewer } = await showing();
    instance.scanWithPassword();
    await viewer.until(({ state }) => state === 'password');
    const asked = instance.requests.length;
    await hide(viewer);
    await instance.untilRequests(4, 'getStateInstance');
    await hide(viewer, true);
    const before = instance.requests.length;
    await instance.untilRequests(before + 2);
    expect(new Set(methodsAfter(instance, asked))).toEqual(new Set(['getStateInstance']));
    expect(viewer.sessions.at(-1)?.state).toBe('password');
    expect(typesOf(id)).toEqual(['session.password_required']);
  });

  it('becomes idle at the deadline while nobody watches, and a new viewer causes a state request before a code', async () => {
    const { instance, id, ticket, viewer } = await showing();
    instance.scanWithPassword();
    await viewer.until(({ state }) => state === 'password');
    viewer.socket.disconnect();
    await until(() => cluster.isUnwatched(id));
    await cluster.passDeadline(id);
    await untilState(id, 'idle');
    const asked = instance.requests.length;
    await cluster.view(ticket).until(({ state }) => state === 'password');
    expect(methodsAfter(instance, asked)[0]).toBe('getStateInstance');
    expect(methodsAfter(instance, asked)).not.toContain('qr');
    expect(typesOf(id)).not.toContain('session.ended');
  });

  it('can be left for a new code by a viewer', async () => {
    const { instance, id, viewer } = await showing();
    instance.scanWithPassword();
    const { version, deadlineAt } = await viewer.until(({ state }) => state === 'password');
    expect(await viewer.socket.emitWithAck('start_over', { sessionId: id })).toEqual({ ok: true });
    const shown = await viewer.until((session) => session.state === 'showing' && session.version > version);
    expect(shown.deadlineAt).toBeGreaterThan(deadlineAt);
    expect(instance.requests.filter(({ method }) => method === 'logout')).toHaveLength(1);
  });
});

describe.concurrent('a scanned login that is being finished', () => {
  it('is reported, asks for no second scan, and requests only the state', async () => {
    const { instance, viewer } = await showing();
    instance.setState('starting');
    const finishing = await viewer.until(({ notice }) => notice?.code === 'login_finishing');
    expect([finishing.state, finishing.code]).toEqual(['waiting', null]);
    const asked = instance.requests.length;
    await instance.untilRequests(asked + 3);
    expect(new Set(methodsAfter(instance, asked))).toEqual(new Set(['getStateInstance']));
    instance.setState('authorized');
    await viewer.until(({ state }) => state === 'connected');
    const codes = viewer.sessions.slice(viewer.sessions.indexOf(finishing)).filter(({ code }) => code !== null);
    expect(codes).toEqual([]);
  });
});

describe.concurrent('an account that is suspended', () => {
  it('is connected if it has a phone, and otherwise waits, and a lost login can be repeated', async () => {
    const linked = await showing();
    linked.instance.setState('suspended');
    await linked.viewer.until(({ state }) => state === 'connected');

    const lost = await showing();
    lost.instance.setState('suspendedUnlinked');
    const waiting = await lost.viewer.until(({ state, notice }) => state === 'waiting' && notice?.code === 'provider_not_ready');
    await lost.instance.untilRequests(2, 'getAccountSettings');
    expect(lost.viewer.sessions.some(({ state }) => state === 'connected')).toBe(false);
    lost.instance.setState('notAuthorized');
    await lost.viewer.until(({ state, version }) => state === 'showing' && version > waiting.version);
  });
});

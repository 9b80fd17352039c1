/**
 * Faults of the provider, and what viewers see: the documented state, notice or end. They never see
 * a wrong picture, a crash or endless loading.
 */

import type { WireSession } from '@qrcast/core/wire';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Cluster, openCluster } from '../test/cluster.ts';

describe.concurrent('a provider that misbehaves', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await openCluster({ redisUrl: inject('redisUrl') });
  });
  afterAll(() => cluster.close());

  const notice = (code: string) => (session: WireSession) => session.notice?.code === code && session.code === null;
  const ended = (reason: string) => (session: WireSession) => session.state === 'ended' && session.end?.reason === reason;

  it.each([
    ['empty401', ended('credentials_rejected')],
    ['html403', ended('credentials_rejected')],
    ['html404', ended('credentials_rejected')],
    ['code401in200', ended('credentials_rejected')],
    ['deleted400', ended('instance_deleted')],
    ['expired400', ended('instance_expired')],
    ['unknownType', notice('provider_error')],
    ['emptyMessage', notice('provider_error')],
    ['brokenBase64', notice('provider_error')],
    ['notPng', notice('provider_error')],
    ['truncatedJson', notice('provider_error')],
    ['notJson', notice('provider_error')],
    ['hugeBody', notice('provider_error')],
    ['bomb', notice('provider_error')],
    ['unknownCoding', notice('provider_error')],
    ['html502', notice('provider_error')],
    ['redirect', notice('provider_error')],
    ['html504', notice('provider_timeout')],
    ['empty408', notice('provider_timeout')],
    ['cut', notice('provider_unreachable')],
    ['cutMidBody', notice('provider_unreachable')],
    ['status429', notice('rate_limited')],
    ['errorTimeout', notice('provider_timeout')],
    ['errorNotReady', notice('provider_not_ready')],
    ['errorConnectionClosed', notice('provider_refused')],
    ['starting400', notice('instance_starting')],
    ['neverEnds', notice('provider_timeout')],
  ] as const)('%s', async (fault, expected) => {
    const instance = cluster.newInstance();
    instance.fail('*', fault, { times: 'always' });
    const viewer = cluster.view((await cluster.create(instance)).ticket);
    const session = await viewer.until(expected);
    expect(viewer.sessions.every(({ code }) => code === null)).toBe(true);
    if (session.notice !== null) expect(session.notice.retryAt).toBeGreaterThan(session.startedAt);
    viewer.socket.disconnect();
    const gone = await cluster.call('DELETE', `/v1/sessions/${session.id}`);
    expect(gone.status).toBe(204);
  });

  it.each(['gzip', 'deflate', 'brotli', 'twoCodings', 'byteOrderMark'] as const)(
    'and answers in %s is read all the same',
    async (fault) => {
      const instance = cluster.newInstance();
      instance.fail('*', fault, { times: 'always' });
      const viewer = cluster.view((await cluster.create(instance)).ticket);
      await viewer.until(({ state }) => state === 'showing');
      instance.scan();
      await viewer.until(({ state }) => state === 'connected');
    },
  );

  it('leads to a code again as soon as the provider works', async () => {
    const instance = cluster.newInstance();
    instance.fail('qr', 'html502', { times: 2 });
    const viewer = cluster.view((await cluster.create(instance)).ticket);
    await viewer.until(notice('provider_error'));
    expect((await viewer.until(({ state }) => state === 'showing')).notice).toBeNull();
  });

  it.each([
    ['a notification that must be checked', 'getStateInstance'],
    ['somebody who begins a new session', 'qr'],
  ])('that names a time is not asked before it, not even for %s', async (_wish, method) => {
    const instance = cluster.newInstance();
    instance.fail('*', 'status429', { retryAfter: 4 });
    const { session, ticket } = await cluster.create(instance);
    let viewer = cluster.view(ticket);
    await viewer.until(notice('rate_limited'));
    if (method === 'getStateInstance') {
      instance.notify({ state: 'starting' });
    } else {
      await cluster.call('DELETE', `/v1/sessions/${session.id}`);
      viewer = cluster.view((await cluster.create(instance)).ticket);
    }
    await viewer.until(({ state }) => state === 'showing');
    const [first, second] = instance.requests;
    expect(second?.method).toBe(method);
    expect((second?.startedAt ?? 0) - (first?.endedAt ?? 0)).toBeGreaterThan(3_900); // two clocks are compared
    viewer.socket.disconnect();
  });

  it('says that a blocked instance is blocked', async () => {
    const instance = cluster.newInstance();
    instance.setState('blocked');
    const viewer = cluster.view((await cluster.create(instance)).ticket);
    await viewer.until(ended('instance_blocked'));
  });

  it('does not extend how long a code is shown while it is down', async () => {
    const hasty = await openCluster({ redisUrl: inject('redisUrl'), policy: { codeTtlMs: 5_000 } });
    const instance = hasty.newInstance();
    const viewer = hasty.view((await hasty.create(instance)).ticket);
    const shown = await viewer.until(({ state }) => state === 'showing');
    instance.fail('*', 'cut', { times: 'always' });
    // On a slow machine the code may expire before the next poll, and come back once.
    const blank = await viewer.until(
      ({ state, notice, version }) => state === 'waiting' && notice?.code === 'provider_unreachable' && version > shown.version,
    );
    expect(blank.code).toBeNull();
    await hasty.close();
  });
});

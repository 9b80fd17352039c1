import { wireSessionSchema } from '@qrcast/core/wire';
import { sampleSession } from '@qrcast/runtime/test/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageOf, newInstance, openTestGateway, type TestGateway } from '../../test/gateway.ts';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());

const path = (id: string, rest = ''): string => `/v1/sessions/${id}${rest}`;

describe('POST /v1/sessions', () => {
  it('makes an idle session with a ticket and a page for it', async () => {
    const before = Date.now();
    const fields = { ...newInstance(), reference: 'order-77', expiresInSeconds: 7_200 };
    const { status, headers, body } = await test.call('POST', '/v1/sessions', { body: fields });
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(path(body.session.id));
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    const session = wireSessionSchema.parse(body.session);
    expect(session).toMatchObject({
      instanceId: fields.instanceId,
      reference: 'order-77',
      version: 1,
      state: 'idle',
      code: null,
      viewers: 0,
    });
    expect(session.expiresAt - session.startedAt).toBe(7_200_000);
    expect(session.deadlineAt - session.startedAt).toBe(180_000);
    expect(body.ticketExpiresAt).toBeGreaterThanOrEqual(before + 899_000);
    expect(body.ticketExpiresAt).toBeLessThanOrEqual(Date.now() + 901_000);
    expect(body.pageUrl).toBe(`${test.url}/connect#${body.ticket}`);
    expect((await test.call('GET', path(session.id), { secret: body.ticket })).status).toBe(200);
  });

  it("answers 200 with the instance's live session and a new ticket", async () => {
    const instance = newInstance();
    const first = await test.create(instance);
    const { status, body } = await test.call('POST', '/v1/sessions', { body: instance });
    expect(status).toBe(200);
    expect(body.session.id).toBe(first.session.id);
    expect(body.ticketId).not.toBe(first.ticketId);
    for (const { ticket } of [first, body]) expect((await test.call('GET', path(first.session.id), { secret: ticket })).status).toBe(200);
  });

  it('replaces the session of an instance whose token changed', async () => {
    const instance = newInstance();
    const first = await test.create(instance);
    const { status, body } = await test.call('POST', '/v1/sessions', { body: { ...instance, apiToken: newInstance().apiToken } });
    expect(status).toBe(201);
    expect(body.session.id).not.toBe(first.session.id);
    expect((await test.call('GET', path(first.session.id))).body.session).toMatchObject({
      state: 'ended',
      end: { reason: 'cancelled', resumable: false },
    });
  });

  it('makes one session for many simultaneous requests for an instance', async () => {
    const instance = newInstance();
    const answers = await Promise.all(Array.from({ length: 8 }, () => test.call('POST', '/v1/sessions', { body: instance })));
    expect(new Set(answers.map(({ body }) => body.session.id)).size).toBe(1);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
  });

  it('makes a new session after the last one ended, and does not touch those of other tenants', async () => {
    const instance = newInstance();
    const first = await test.create(instance);
    const foreign = await test.create(instance, await test.newTenant());
    expect(foreign.session.id).not.toBe(first.session.id);
    await test.call('DELETE', path(first.session.id));
    expect((await test.create(instance)).session.id).not.toBe(first.session.id);
    expect((await test.node.sessions.find(foreign.session.id))?.state.kind).toBe('idle');
  });
});

describe('GET /v1/sessions/{id}', () => {
  it('shows the session with its code and counts as watching', async () => {
    const { session, ticket } = await test.create();
    expect(await test.isQueued(session.id)).toBe(false);
    expect((await test.call('GET', path(session.id))).body.session.state).toBe('waiting');
    expect(await test.isQueued(session.id)).toBe(true);
    await test.showCode(session.id, 'AAAA');
    const { body } = await test.call('GET', path(session.id), { secret: ticket });
    expect(wireSessionSchema.parse(body.session).code).toMatchObject({ image: imageOf('AAAA') });
  });

  it('answers 304 for the version that the caller has, in every form of its tag', async () => {
    const { session } = await test.create();
    const { headers, body } = await test.call('GET', path(session.id));
    expect(headers.get('etag')).toBe(`"${body.session.version}"`);
    const { version } = body.session;
    for (const tag of [`"${version}"`, `W/"${version}"`, `"${version}-gzip"`, `W/"${version}--br"`, `"1", "${version};gz"`, '*']) {
      const again = await test.call('GET', path(session.id), { headers: { 'if-none-match': tag } });
      expect(again).toMatchObject({ status: 304, text: '' });
      expect(again.headers.get('etag')).toBe(`"${body.session.version}"`);
    }
    for (const tag of [`"${version - 1}"`, `"${version - 1}-gzip"`, 'what']) {
      expect((await test.call('GET', path(session.id), { headers: { 'if-none-match': tag } })).status).toBe(200);
    }
  });

  it('holds with ?wait until there is a newer version', async () => {
    const { session, ticket } = await test.create();
    const { headers } = await test.call('GET', path(session.id));
    const tag = { 'if-none-match': headers.get('etag') ?? '' };
    const held = test.call('GET', path(session.id, '?wait=30'), { secret: ticket, headers: tag });
    await test.showCode(session.id, 'AAAA');
    const { status, body } = await held;
    expect(status).toBe(200);
    expect(body.session).toMatchObject({ state: 'showing', code: { image: imageOf('AAAA') } });
  });

  it('answers 304 when ?wait ends without a change, and answers at once if the caller knows no version', async () => {
    const { session } = await test.create();
    const { headers } = await test.call('GET', path(session.id, '?wait=30'));
    const tag = { 'if-none-match': headers.get('etag') ?? '' };
    expect((await test.call('GET', path(session.id, '?wait=0.05'), { headers: tag })).status).toBe(304);
  });

  it('answers session_expired once its time is over', async () => {
    const past = Date.now() - 60_000;
    const gone = sampleSession({ tenantId: test.tenant.id, expiresAt: past + 30_000 }, past);
    await test.node.sessions.create(gone, '');
    for (const [method, rest] of [
      ['GET', ''],
      ['POST', '/resume'],
      ['POST', '/tickets'],
    ] as const) {
      const { status, body } = await test.call(method, path(gone.id, rest));
      expect([status, body.code]).toEqual([410, 'session_expired']);
    }
  });
});

describe('DELETE /v1/sessions/{id}', () => {
  it('ends the session and its polls, however often it is called', async () => {
    const { session } = await test.create();
    await test.call('GET', path(session.id));
    expect((await test.call('DELETE', path(session.id))).status).toBe(204);
    const { version } = await test.stored(session.id);
    expect((await test.call('DELETE', path(session.id))).status).toBe(204);
    expect(await test.isQueued(session.id)).toBe(false);
    const { body } = await test.call('GET', path(session.id));
    expect(body.session).toMatchObject({ state: 'ended', end: { reason: 'cancelled', resumable: false }, version });
    expect(await test.isQueued(session.id)).toBe(false);
  });

  it('keeps a connected session connected', async () => {
    const { session } = await test.create();
    await test.answerUnwatched(session.id, { kind: 'authorized', account: { wid: '79990000000@c.us', phone: '79990000000' } });
    expect((await test.call('DELETE', path(session.id))).status).toBe(204);
    expect((await test.call('GET', path(session.id))).body.session).toMatchObject({
      state: 'connected',
      account: { wid: '79990000000@c.us', phone: '79990000000' },
    });
  });
});

describe('POST /v1/sessions/{id}/resume', () => {
  it('begins a new attempt after the deadline, with a higher version', async () => {
    const { session, ticket } = await test.create();
    const ended = await test.passDeadline(session.id);
    expect((await test.call('GET', path(session.id))).body.session.end).toEqual({ reason: 'deadline', resumable: true });
    const { status, body } = await test.call('POST', path(session.id, '/resume'), { secret: ticket });
    expect(status).toBe(200);
    expect(body.session.state).toBe('waiting');
    expect(body.session.version).toBeGreaterThan(ended.version);
    expect(body.session.deadlineAt - body.session.startedAt).toBe(180_000);
    expect(await test.isQueued(session.id)).toBe(true);
  });

  it.each(['idle', 'waiting', 'connected', 'ended'])('is refused for a session that is %s', async (state) => {
    const { session } = await test.create();
    if (state === 'waiting') await test.call('GET', path(session.id));
    if (state === 'connected') await test.answerUnwatched(session.id, { kind: 'authorized', account: null });
    if (state === 'ended') await test.call('DELETE', path(session.id));
    const { status, body } = await test.call('POST', path(session.id, '/resume'));
    expect([status, body.code, body.retryable]).toEqual([409, 'not_resumable', false]);
    expect(body.detail).toContain(state);
  });

  it.each([true, false])('leaves a newer live session of the instance alone (same token: %s)', async (isSameToken) => {
    const instance = newInstance();
    const { session } = await test.create(instance);
    await test.passDeadline(session.id);
    const newer = await test.create(isSameToken ? instance : { ...instance, apiToken: newInstance().apiToken });
    expect(newer.session.id).not.toBe(session.id);
    const { status, body } = await test.call('POST', path(session.id, '/resume'));
    expect([status, body.code]).toEqual([409, 'not_resumable']);
    expect((await test.node.sessions.find(newer.session.id))?.state.kind).toBe('idle');
  });
});

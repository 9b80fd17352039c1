import type { AuditEntry } from '@qrcast/core/audit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTestAudit, type Read, type TestAudit } from '../../test/audit.ts';
import { ADMIN_KEY, openTestGateway, type TestGateway } from '../../test/gateway.ts';
import { openSocket } from '../../test/websocket.ts';

let test: TestGateway;
let second: TestGateway;
let audit: TestAudit['audit'];
let untilEntries: TestAudit['untilEntries'];
let untilAll: TestAudit['untilAll'];
let close: TestAudit['close'];
beforeEach(async () => {
  ({ test, second, audit, untilEntries, untilAll, close } = await openTestAudit());
});
afterEach(() => close());

const told = (entries: readonly AuditEntry[]) =>
  entries.map(({ action, actor, outcome }) => [action, actor.kind, outcome].join(' ')).reverse();

it('records who did what to a session, over both gateways and every transport', async () => {
  const made = await test.create();
  const { id, instanceId } = made.session;
  const [entry] = await untilEntries(1);
  expect(entry).toMatchObject({
    tenantId: test.tenant.id,
    action: 'session.created',
    actor: { kind: 'key', id: expect.stringMatching(/^key_/) },
    sessionId: id,
    instanceId,
    subjectId: made.ticketId,
    credential: null,
    address: '127.0.0.1',
    userAgent: 'node',
    outcome: 'ok',
  });
  const viewer = second.view(made.ticket);
  await viewer.until('session');
  // Never reached the provider, so it gets no entry.
  await viewer.call('password', { sessionId: id, password: 'too early' });
  await test.answer(id, { kind: 'passwordWanted' });
  await viewer.until('session', ({ state }) => state === 'password');
  await viewer.call('password', { sessionId: id, password: 'correct horse' }); // there is no such provider
  await test.answer(id, { kind: 'refused', reason: 'instance_deleted' });
  await test.answer(id, { kind: 'refused', reason: 'instance_deleted' });
  const entries = await untilEntries(4, `sessionId=${id}`);
  expect(told(entries)).toEqual([
    'session.created key ok',
    'session.watched ticket ok',
    expect.stringMatching(/^session\.password_given ticket (unavailable|upstream_not_allowed)$/),
    'session.ended provider instance_deleted',
  ]);
  expect(entries.find(({ action }) => action === 'session.password_given')?.actor.id).toBe(made.ticketId);
});

it('records resumes, cancels, tickets, and each watcher once', async () => {
  const { session, ticket, ticketId } = await test.create();
  await test.passDeadline(session.id);
  for (let n = 0; n < 3; n++) await test.call('GET', '/v1/sessions/self', { secret: ticket });
  await test.call('POST', '/v1/sessions/self/resume', { secret: ticket });
  const issued = await test.call('POST', `/v1/sessions/${session.id}/tickets`, { body: { scopes: ['view'] } });
  const socket = await openSocket(second.url);
  await socket.call({ type: 'subscribe', ticket: issued.body.ticket });
  socket.raw.close();
  await test.call('DELETE', `/v1/tickets/${ticketId}`);
  await test.call('DELETE', `/v1/sessions/${session.id}`);
  const entries = await untilEntries(9);
  expect(told(entries).sort()).toEqual(
    [
      'session.created key ok',
      'session.ended system deadline',
      'session.watched ticket ok',
      'session.resumed ticket ok',
      'ticket.issued key ok',
      'session.watched ticket ok',
      'ticket.revoked key ok',
      'session.ended system cancelled',
      'session.cancelled key ok',
    ].sort(),
  );
  expect(new Set(entries.filter(({ action }) => action === 'session.watched').map(({ actor }) => actor.id))).toEqual(
    new Set([ticketId, issued.body.ticketId]),
  );
});

it('records only the cancel that ended the session, not a later or simultaneous one', async () => {
  const cancel = async (id: string, by = test): Promise<void> =>
    expect((await by.call('DELETE', `/v1/sessions/${id}`, { secret: test.tenant.apiKey })).status).toBe(204);
  const [first, connected, timedOut] = [await test.create(), await test.create(), await test.create()];
  await Promise.all([cancel(first.session.id), cancel(first.session.id, second)]);
  await cancel(first.session.id);
  await test.answerUnwatched(connected.session.id, { kind: 'authorized', account: null });
  await cancel(connected.session.id);
  await test.passDeadline(timedOut.session.id); // it could be resumed, so this cancel ends it
  await cancel(timedOut.session.id);
  const last = await test.create();
  await cancel(last.session.id, second);
  await second.gateway.close(0); // this writes what is under way
  await test.gateway.close(0);
  const reader = await openTestGateway({ namespace: test.namespace });
  const { text } = await reader.call('GET', '/v1/audit?action=session.cancelled', { secret: test.tenant.apiKey });
  await reader.close();
  const { entries } = JSON.parse(text) as Read;
  const ended = [first, timedOut, last].map(({ session }) => session);
  expect(new Set(entries.map(({ sessionId, instanceId }) => [sessionId, instanceId].join()))).toEqual(
    new Set(ended.map(({ id, instanceId }) => [id, instanceId].join())),
  );
  expect(entries).toHaveLength(ended.length);
});

it('records a HEAD request, because it watches as well', async () => {
  const { session, ticket, ticketId } = await test.create();
  const headers = { authorization: `Bearer ${ticket}` };
  expect((await fetch(`${test.url}/v1/sessions/self`, { method: 'HEAD', headers })).status).toBe(200);
  expect(await test.isQueued(session.id)).toBe(true);
  await untilAll('session.watched');
  const { entries } = await audit('action=session.watched');
  expect(entries).toMatchObject([{ sessionId: session.id, actor: { kind: 'ticket', id: ticketId } }]);
});

it('records what the operator did to a tenant', async () => {
  const admin = (method: string, path: string, body?: unknown) =>
    test.call(method, `/v1/admin/tenants${path}`, { secret: ADMIN_KEY, body });
  await admin('POST', '', { id: 'newcomer', name: 'Newcomer' });
  await admin('PATCH', '/newcomer', { name: 'New name' });
  const { keyId } = JSON.parse((await admin('POST', '/newcomer/keys')).text) as { keyId: string };
  await admin('DELETE', `/newcomer/keys/${keyId}`);
  await admin('PATCH', '/newcomer', { suspended: true });
  await admin('DELETE', '/newcomer');
  await untilAll('tenant.deleted');
  const { entries } = await audit('tenantId=newcomer', ADMIN_KEY, '/v1/admin/audit');
  expect(told(entries)).toEqual([
    'tenant.created operator ok',
    'tenant.changed operator ok',
    'key.added operator ok',
    'key.removed operator ok',
    'tenant.suspended operator ok',
    'tenant.deleted operator ok',
  ]);
  expect(entries.filter(({ subjectId }) => subjectId === keyId)).toHaveLength(2);
});

it("records a watch for the ticket's own tenant, even if another tenant's ticket is on the same stream", async () => {
  const other = await test.newTenant();
  const [mine, theirs] = [await test.create(), await test.create({}, other)];
  const socket = await openSocket(test.url);
  // Both are checked before either watches.
  for (const { ticket } of [mine, theirs]) socket.send({ type: 'subscribe', ticket });
  await socket.untilAnswers(2);
  socket.raw.close();
  await untilAll('session.watched', 2);
  for (const [{ session, ticketId }, { id, apiKey }] of [[mine, test.tenant] as const, [theirs, other] as const]) {
    const { entries } = await audit('action=session.watched', apiKey);
    expect(entries).toMatchObject([{ tenantId: id, sessionId: session.id, actor: { kind: 'ticket', id: ticketId } }]);
    expect(entries).toHaveLength(1);
  }
});

it('records each ticket that watches one session on one stream', async () => {
  const { session, ticket, ticketId } = await test.create();
  const issued = await test.call('POST', `/v1/sessions/${session.id}/tickets`, { body: { scopes: ['view'] } });
  const socket = await openSocket(test.url);
  for (const one of [ticket, issued.body.ticket]) socket.send({ type: 'subscribe', ticket: one });
  await socket.untilAnswers(2);
  socket.raw.close();
  await untilAll('session.watched', 2);
  const { entries } = await audit('action=session.watched');
  expect(new Set(entries.map(({ actor }) => actor.id))).toEqual(new Set([ticketId, issued.body.ticketId]));
});

it('names the subscribed ticket for a password, not one that was refused or came later', async () => {
  const { session, ticket, ticketId } = await test.create();
  const issue = async (scopes: readonly string[]): Promise<string> =>
    (await test.call('POST', `/v1/sessions/${session.id}/tickets`, { body: { scopes } })).body.ticket;
  const [blind, late] = [await issue(['password']), await issue(['view'])];
  const socket = await openSocket(test.url);
  await socket.call({ type: 'subscribe', ticket });
  await socket.until('session', ({ state }) => state === 'waiting');
  await test.answer(session.id, { kind: 'passwordWanted' });
  await socket.until('session', ({ state }) => state === 'password');
  expect(await socket.call({ type: 'subscribe', ticket: blind })).toMatchObject({ type: 'error', error: { code: 'forbidden' } });
  const given = socket.call({ type: 'password', sessionId: session.id, password: 'correct horse' }); // there is no such provider
  await socket.call({ type: 'subscribe', ticket: late });
  await given;
  socket.raw.close();
  await untilAll('session.password_given');
  const { entries } = await audit('action=session.password_given');
  expect(entries).toMatchObject([{ actor: { kind: 'ticket', id: ticketId } }]);
});

it('uses only an address in X-Forwarded-For that a trusted proxy wrote', async () => {
  const behind = await openTestGateway({ namespace: test.namespace, trustedProxies: ['127.0.0.1'] });
  const said = ['203.0.113.7', 'made up, 203.0.113.8', '<script>', '203.0.113.9:5555', '::ffff:203.0.113.10'];
  for (const forwarded of said) {
    const { session } = await test.create();
    const headers = { 'x-forwarded-for': forwarded };
    expect((await behind.call('DELETE', `/v1/sessions/${session.id}`, { secret: test.tenant.apiKey, headers })).status).toBe(204);
  }
  await behind.close();
  const { entries } = await audit('action=session.cancelled');
  const addresses = entries.map(({ address }) => address).reverse();
  expect(addresses).toEqual(['203.0.113.7', '203.0.113.8', '127.0.0.1', '203.0.113.9', '203.0.113.10']);
});

it('records a ticket that is used from many networks, but one ticket cannot flush the log', async () => {
  const behind = await openTestGateway({ namespace: test.namespace, trustedProxies: ['127.0.0.1'] });
  const { ticket } = await test.create();
  for (let i = 0; i < 60; i++) {
    const headers = { 'x-forwarded-for': `2001:db8:0:${i.toString(16)}::1` };
    expect((await behind.call('GET', '/v1/sessions/self', { secret: ticket, headers })).status).toBe(200);
  }
  await behind.close(); // this writes what is under way
  expect((await audit('action=session.watched&limit=200')).entries).toHaveLength(20);
});

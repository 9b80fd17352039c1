import type { AuditEntry } from '@qrcast/core/audit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ADMIN_KEY, openTestGateway, type TestGateway } from '../../test/gateway.ts';
import { openSocket } from '../../test/websocket.ts';

let test: TestGateway;
beforeEach(async () => {
  test = await openTestGateway();
});
afterEach(() => test.close());

/** Newest first, as the operator or the tenant reads them. */
async function refusals(secret = ADMIN_KEY, path = '/v1/admin/audit'): Promise<readonly AuditEntry[]> {
  const { status, text } = await test.call('GET', `${path}?action=auth.refused`, { secret });
  expect(status, text).toBe(200);
  return (JSON.parse(text) as { readonly entries: readonly AuditEntry[] }).entries;
}

/** Once there are that many: the answer does not wait for them. */
async function untilRefusals(count: number): Promise<readonly AuditEntry[]> {
  for (;;) {
    const entries = await refusals();
    if (entries.length >= count) return entries;
  }
}

it('records refused callers, but not every try', async () => {
  for (let n = 0; n < 20; n++) expect((await test.call('GET', '/v1/sessions', { secret: `qk_guess-${n}` })).status).toBe(401);
  for (let n = 0; n < 3; n++) expect((await test.call('GET', '/v1/admin/tenants', { secret: `not-the-admin-key-${n}` })).status).toBe(401);
  for (let n = 0; n < 3; n++) expect((await test.call('GET', '/v1/sessions/self', { secret: `a.made-up.ticket-${n}` })).status).toBe(401);
  expect((await test.call('GET', '/v1/sessions', { secret: null })).status).toBe(401);
  const entries = await untilRefusals(4);
  expect(entries.map(({ actor, outcome, tenantId, credential }) => [actor.kind, outcome, tenantId, credential])).toEqual(
    [null, 'ticket', 'admin_key', 'api_key'].map((credential) => ['unknown', 'unauthenticated', null, credential]),
  );
});

it('records a notification with a wrong token for the operator only, because the named tenant is not proven', async () => {
  const path = `/v1/webhooks/green-api/${test.tenant.id}`;
  const notify = (secret: string | null) => test.call('POST', path, { secret, body: { typeWebhook: 'incomingMessageReceived' } });
  for (let n = 0; n < 3; n++) expect((await notify(`wrong-token-${n}`)).status).toBe(401);
  expect((await notify(test.tenant.webhookToken)).status).toBe(200);
  // Recorded after all of them.
  expect((await test.call('GET', '/v1/admin/tenants', { secret: 'a-guess' })).status).toBe(401);
  const entries = await untilRefusals(2);
  expect(entries).toMatchObject([
    { credential: 'admin_key' },
    {
      tenantId: null,
      actor: { kind: 'unknown', id: null },
      credential: 'webhook_token',
      outcome: 'unauthenticated',
      address: '127.0.0.1',
      userAgent: 'node',
    },
  ]);
  expect(await refusals(test.tenant.apiKey, '/v1/audit')).toEqual([]);
});

it('names no tenant for a refused ticket, even on a stream with an accepted one', async () => {
  const { ticket } = await test.create();
  const socket = await openSocket(test.url);
  expect(await socket.call({ type: 'subscribe', ticket })).toMatchObject({ type: 'ok' });
  expect(await socket.call({ type: 'subscribe', ticket: 'not-a-ticket' })).toMatchObject({ type: 'error' });
  socket.raw.close();
  const entries = await untilRefusals(1);
  expect(entries).toMatchObject([{ tenantId: null, actor: { kind: 'unknown', id: null } }]);
});

/**
 * For tests of refusals: the things of one tenant, another tenant, and a wrong credential of every
 * kind.
 */

import type { Callback } from '@qrcast/core/callback';
import { createCallbackLog } from '@qrcast/runtime/callbacks/callback-log';
import { createLog } from '@qrcast/runtime/log';
import { ADMIN_KEY, type Body, openTestGateway, type TestGateway, type TestTenant } from './gateway.ts';

const APP = 'https://app.example.com';
export const ELSEWHERE = 'https://elsewhere.example.com';

/** Ids that calls name: one that exists and is not the caller's, and one that does not exist. */
export interface Named {
  readonly there: string;
  readonly nowhere: string;
}

export type TestRefusals = Awaited<ReturnType<typeof openTestRefusals>>;

export async function openTestRefusals() {
  const test = await openTestGateway();
  /** A session of the tenant whose things nobody else may see. */
  const mine = await test.create({ reference: 'order-of-mine' });
  const foreigner = await test.newTenant();
  const foreign = await test.create({}, foreigner);
  const { id } = mine.session;
  const callback: Callback = {
    id: `evt_${id}_1`,
    tenantId: test.tenant.id,
    sessionId: id,
    type: 'session.ended',
    createdAt: Date.now(),
    payload: '{}',
  };
  await createCallbackLog({ redis: test.node.redis, namespace: test.namespace, log: createLog('test', 'silent') }).add(callback);
  const named: Readonly<Record<string, Named>> = {
    sessions: { there: id, nowhere: 'ses_AAAAAAAAAAAAAAAA' },
    tickets: { there: mine.ticketId, nowhere: 'tkt_AAAAAAAAAAAAAAAA' },
    callbacks: { there: callback.id, nowhere: 'evt_AAAAAAAAAAAAAAAA_1' },
    admin: { there: test.tenant.id, nowhere: 'nobody' },
    webhooks: { there: test.tenant.id, nowhere: 'nobody' },
  };
  const secrets = await makeSecrets(test, mine, foreigner, foreign.ticket);
  return { test, mine, foreigner, foreign, named, secrets };
}

/** By what a caller says of itself. Those of tickets are for the session `mine`, unless they say otherwise. */
async function makeSecrets(
  test: TestGateway,
  mine: Body,
  foreigner: TestTenant,
  foreignTicket: string,
): Promise<Readonly<Record<string, string | null>>> {
  const { id } = mine.session;
  const revoked = (await test.call('POST', `/v1/sessions/${id}/tickets`)).body;
  await test.call('DELETE', `/v1/tickets/${revoked.ticketId}`);
  const [head, claims] = mine.ticket.split('.');
  const expiresAt = mine.ticketExpiresAt;
  const suspended = await test.newTenant();
  const theirs = await test.create({}, suspended);
  await test.gateway.tenants.patch(suspended.id, { suspended: true });
  return {
    'no credential': null,
    'an unknown key': `qk_${'A'.repeat(43)}`,
    'the admin key': ADMIN_KEY,
    "the tenant's own key": test.tenant.apiKey,
    "the tenant's webhook token": test.tenant.webhookToken,
    "another tenant's webhook token": foreigner.webhookToken,
    'a forged ticket': `${head}.${claims}.${'A'.repeat(43)}`,
    'an unsigned ticket': `${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.`,
    'an expired ticket': await test.ticketFor(id, { expiresAt: Date.now() - 1_000 }),
    'a revoked ticket': revoked.ticket,
    'a ticket for another origin': await test.ticketFor(id, { origins: [APP], expiresAt }),
    'a ticket without the scope': await test.ticketFor(id, { scopes: [], expiresAt }),
    "a suspended tenant's key": suspended.apiKey,
    "a suspended tenant's ticket": theirs.ticket,
    'a ticket': mine.ticket,
    'a ticket of another session': (await test.create()).ticket,
    "a ticket of another tenant's session": foreignTicket,
    'a ticket of another tenant for this session': await test.ticketFor(id, { tenantId: foreigner.id, expiresAt }),
  };
}

import { randomUUID } from 'node:crypto';
import { RefusedError } from '@qrcast/core/errors';
import { createKeyring } from '@qrcast/runtime/keyring/keyring';
import { revokedTicketsKey } from '@qrcast/runtime/redis/keys';
import { openTestRuntime } from '@qrcast/runtime/test/runtime';
import { SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createTickets, type Ticket, TicketEndedError, type Tickets } from './tickets.ts';

const NOW = 1_790_000_000_000;
const ringKey = (id: string, byte: number) => ({ id, key: Buffer.alloc(32, byte) });
const FIELDS = {
  tenantId: 'acme',
  sessionId: 'ses_1',
  scopes: ['view', 'password'],
  origins: ['https://app.example.com'],
  expiresAt: NOW + 60_000,
} as const;

let runtime: ReturnType<typeof openTestRuntime>;
beforeAll(() => {
  runtime = openTestRuntime(inject('redisUrl'));
});
afterAll(() => runtime.close());

function ticketsUnder(keys = [ringKey('k1', 1)], now = NOW, maxRevoked = 100): Tickets {
  return createTickets({ ...runtime, keyring: createKeyring(keys), clock: { now: () => now }, maxRevoked });
}

/** Verifies a ticket as for a caller. */
async function verified(tickets: Tickets, text: string): Promise<Ticket> {
  const ticket = await tickets.read(text);
  await tickets.requireUnrevoked(ticket);
  return ticket;
}

async function refusal(tickets: Tickets, ticket: string): Promise<RefusedError> {
  const error = await verified(tickets, ticket).then(
    () => new Error('it was accepted'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof RefusedError)) throw error;
  if (ticket !== '') expect(error.message).not.toContain(ticket);
  return error;
}

describe('tickets', () => {
  it('contain what they were issued for', async () => {
    const { ticket, ticketId } = await ticketsUnder().issue(FIELDS);
    expect(await verified(ticketsUnder(), ticket)).toEqual({ ...FIELDS, id: ticketId });
  });

  it('allow any origin if none was named', async () => {
    const { ticket } = await ticketsUnder().issue({ ...FIELDS, origins: [], scopes: ['view'] });
    expect(await verified(ticketsUnder(), ticket)).toMatchObject({ origins: [], scopes: ['view'] });
  });

  it('are refused from the second they expire, with a separate reason', async () => {
    const { ticket } = await ticketsUnder().issue(FIELDS);
    await verified(ticketsUnder(undefined, FIELDS.expiresAt - 1), ticket);
    const error = await refusal(ticketsUnder(undefined, FIELDS.expiresAt), ticket);
    expect(error).toBeInstanceOf(TicketEndedError);
    expect(error.code).toBe('unauthenticated');
  });

  it('survive the rotation of the keyring until their key is removed', async () => {
    const { ticket } = await ticketsUnder([ringKey('k1', 1)]).issue(FIELDS);
    const rotated = ticketsUnder([ringKey('k2', 2), ringKey('k1', 1)]);
    await verified(rotated, ticket);
    const { ticket: newer } = await rotated.issue(FIELDS);
    await verified(ticketsUnder([ringKey('k2', 2)]), newer);
    expect((await refusal(ticketsUnder([ringKey('k2', 2)]), ticket)).code).toBe('unauthenticated');
    expect((await refusal(ticketsUnder([ringKey('k1', 1)]), newer)).code).toBe('unauthenticated');
  });

  it.each([
    ['nothing', async () => ''],
    ['no JWT', async () => 'qk_what'],
    [
      'a bare JWT',
      async () =>
        new UnsecuredJWT({ tid: 'acme', scope: ['view'] }).setIssuer('qrcast').setSubject('ses_1').setExpirationTime('1h').encode(),
    ],
    ['one signed with the ring key itself', async () => signed(Buffer.alloc(32, 1), 'k1', 'qrcast')],
    ['one under an unknown key id', async () => signed(ticketKey(1), 'k9', 'qrcast')],
    ["another issuer's", async () => signed(ticketKey(1), 'k1', 'other')],
    ['one without scopes', async () => signed(ticketKey(1), 'k1', 'qrcast', {})],
    ['one with a changed session', async () => tampered((await ticketsUnder().issue(FIELDS)).ticket)],
  ])('are refused in the same way: %s', async (_name, make) => {
    const error = await refusal(ticketsUnder(), await make());
    expect(error).not.toBeInstanceOf(TicketEndedError);
    expect(error.code).toBe('unauthenticated');
  });

  it('(twin) are accepted in the form that the refused ones were made from', async () => {
    await verified(ticketsUnder(), await signed(ticketKey(1), 'k1', 'qrcast'));
  });

  it('are refused once revoked by their own tenant, and by no other', async () => {
    const tickets = ticketsUnder();
    const { ticket, ticketId } = await tickets.issue(FIELDS);
    await tickets.revoke('other', ticketId);
    await verified(tickets, ticket);
    await tickets.revoke('acme', ticketId);
    expect((await refusal(ticketsUnder(), ticket)).code).toBe('unauthenticated');
    expect(await tickets.isRevoked({ id: ticketId, tenantId: 'acme' })).toBe(true);
    const { ticket: another } = await tickets.issue(FIELDS);
    await verified(tickets, another);
  });

  it('are looked up until they are found revoked, and then refused without a look-up', async () => {
    let lookUps = 0;
    const counted = new Proxy(runtime.redis, {
      get(target, name) {
        if (name === 'zscore') lookUps++;
        const given = Reflect.get(target, name);
        return typeof given === 'function' ? given.bind(target) : given;
      },
    });
    const tickets = createTickets({ ...runtime, redis: counted, keyring: createKeyring([ringKey('k1', 1)]), clock: { now: () => NOW } });
    const { ticket, ticketId } = await tickets.issue(FIELDS);
    for (let n = 0; n < 3; n++) await verified(tickets, ticket);
    await ticketsUnder().revoke('acme', ticketId); // on another gateway
    for (let n = 0; n < 3; n++) expect(await refusal(tickets, ticket)).toMatchObject({ end: 'ticket_revoked' });
    expect(lookUps).toBe(4);
    await expect(tickets.read(ticket)).rejects.toMatchObject({ end: 'ticket_revoked' });
  });

  it('can be revoked up to a bound, each for as long as a ticket can live', async () => {
    const tenantId = `acme-${randomUUID().slice(0, 8)}`;
    const few = ticketsUnder(undefined, NOW, 3);
    const { ticket, ticketId } = await few.issue({ ...FIELDS, tenantId });
    await few.revoke(tenantId, ticketId);
    const made = await Promise.all([0, 1].map(() => few.issue({ ...FIELDS, tenantId })));
    for (const one of made) await few.revoke(tenantId, one.ticketId);
    await few.revoke(tenantId, ticketId); // the same again does not count
    const { ticketId: fourth } = await few.issue({ ...FIELDS, tenantId });
    await expect(few.revoke(tenantId, fourth)).rejects.toMatchObject({ code: 'too_many_requests', retryAfterMs: 60_000 });
    expect(await few.isRevoked({ id: fourth, tenantId })).toBe(false);
    expect((await refusal(few, ticket)).code).toBe('unauthenticated');
    await few.revoke(`${tenantId}-other`, fourth); // another tenant has a bound of its own
    const key = revokedTicketsKey(runtime.namespace, tenantId);
    const [, forgetAt = '0'] = await runtime.redis.zrange(key, '0', '0', 'WITHSCORES');
    expect(Number(forgetAt)).toBe(NOW + 86_400_000);
    expect(await runtime.redis.pttl(key)).toBeGreaterThan(86_300_000);
    expect(await runtime.redis.pttl(key)).toBeLessThanOrEqual(86_400_000);
  });

  it('make room for others when they would have expired', async () => {
    const tenantId = `acme-${randomUUID().slice(0, 8)}`;
    const idAt = (now: number): string => `tkt_${String(now).padStart(16, '0')}`;
    const revokeAt = (now: number): Promise<void> => ticketsUnder(undefined, now, 1).revoke(tenantId, idAt(now));
    await revokeAt(NOW);
    await expect(revokeAt(NOW + 86_399_999)).rejects.toMatchObject({ code: 'too_many_requests' });
    await revokeAt(NOW + 86_400_000);
    expect(await runtime.redis.zrange(revokedTicketsKey(runtime.namespace, tenantId), '0', '-1')).toEqual([idAt(NOW + 86_400_000)]);
  });
});

function ticketKey(byte: number): Uint8Array {
  const [first] = createKeyring([ringKey('k1', byte)]).derive('tickets');
  if (first === undefined) throw new Error('the keyring is empty');
  return first.key;
}

function signed(key: Uint8Array, kid: string, issuer: string, claims: Record<string, unknown> = { scope: ['view'] }): Promise<string> {
  return new SignJWT({ tid: 'acme', ...claims })
    .setProtectedHeader({ alg: 'HS256', kid })
    .setIssuer(issuer)
    .setSubject('ses_1')
    .setJti('tkt_1')
    .setExpirationTime((NOW + 60_000) / 1000)
    .sign(key);
}

function tampered(ticket: string): string {
  const [head, claims = '', signature] = ticket.split('.');
  const changed: unknown = { ...JSON.parse(Buffer.from(claims, 'base64url').toString()), sub: 'ses_2' };
  return [head, Buffer.from(JSON.stringify(changed)).toString('base64url'), signature].join('.');
}

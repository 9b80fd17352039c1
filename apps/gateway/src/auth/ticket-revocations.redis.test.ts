import { createKeyring } from '@qrcast/runtime/keyring/keyring';
import { openTestRuntime } from '@qrcast/runtime/test/runtime';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openRevocations, type Revocations } from './ticket-revocations.ts';
import { createTickets, type Ticket, type Tickets } from './tickets.ts';

let now = 1_790_000_000_000;
let runtime: ReturnType<typeof openTestRuntime>;
let tickets: Tickets;
let revocations: Revocations;
beforeAll(async () => {
  runtime = openTestRuntime(inject('redisUrl'));
  tickets = createTickets({ ...runtime, keyring: createKeyring([{ id: 'k1', key: Buffer.alloc(32, 1) }]), clock: { now: () => now } });
  revocations = openRevocations({ ...runtime, tickets, now: () => now });
  await runtime.bus.begun(); // answered after the subscription is active
});
afterAll(async () => {
  revocations.close();
  await runtime.close();
});

let ids = 0;
function newTicket(fields: Partial<Ticket> = {}): Ticket {
  return {
    id: `tkt_${String(++ids).padStart(16, '0')}`,
    tenantId: 'acme',
    sessionId: 'ses_1',
    scopes: ['view'],
    origins: [],
    expiresAt: now + 60_000,
    ...fields,
  };
}

/** Holds the ticket, and reports how the hold ended. */
function held(ticket: Ticket): { ends: string[]; ended: Promise<string>; release: () => void } {
  const { promise, resolve } = Promise.withResolvers<string>();
  const ends: string[] = [];
  const release = revocations.hold(ticket, (reason) => {
    ends.push(reason);
    resolve(reason);
  });
  return { ends, ended: promise, release };
}

describe('a held ticket', () => {
  it('is reported once, for every hold of it, and for no other ticket or tenant', async () => {
    const ticket = newTicket();
    const [one, two] = [held(ticket), held(ticket)];
    const others = [held(newTicket()), held({ ...ticket, tenantId: 'other' })];
    await revocations.revoke('acme', ticket.id);
    expect(await Promise.all([one.ended, two.ended])).toEqual(['ticket_revoked', 'ticket_revoked']);
    await revocations.revoke('acme', ticket.id);
    await runtime.bus.probe(1_000); // comes back after the revocations, over the same connection
    expect([one, two, ...others].map(({ ends }) => ends.length)).toEqual([1, 1, 0, 0]);
    for (const other of others) other.release();
  });

  it('is reported even if it was revoked between its verification and the hold', async () => {
    const ticket = newTicket();
    await tickets.revoke('acme', ticket.id);
    expect(await held(ticket).ended).toBe('ticket_revoked');
  });

  it('is reported when it has expired', async () => {
    const soon = held(newTicket({ expiresAt: now + 10 }));
    const later = held(newTicket());
    now += 10;
    expect(await soon.ended).toBe('ticket_expired');
    expect(later.ends).toEqual([]);
    later.release();
  });

  it('is not reported after its release', async () => {
    const ticket = newTicket();
    const released = held(ticket);
    released.release();
    released.release();
    const control = held(ticket);
    await revocations.revoke('acme', ticket.id);
    await control.ended;
    expect(released.ends).toEqual([]);
  });
});

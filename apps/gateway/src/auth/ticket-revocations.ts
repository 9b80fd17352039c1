/** Live end of a ticket: revoked once, it is refused from then on and its open streams are told, on every gateway. */

import type { Bus } from '@qrcast/runtime/redis/bus';
import { revocationsChannel } from '@qrcast/runtime/redis/keys';
import type { Redis } from 'ioredis';
import type { Ticket, TicketEnd, Tickets } from './tickets.ts';

export interface Revocations {
  revoke(tenantId: string, ticketId: string): Promise<void>;
  /** `onEnd` is called once if the ticket is revoked or expires while it is held. Returns its undo. */
  hold(ticket: Ticket, onEnd: (reason: TicketEnd) => void): () => void;
  close(): void;
}

interface RevocationsDeps {
  readonly bus: Bus;
  readonly redis: Redis;
  readonly namespace: string;
  readonly tickets: Tickets;
  readonly now: () => number;
}

/** How late an expired ticket's streams may end. */
const EXPIRY_CHECK_MS = 1_000;

interface Held {
  readonly ticket: Ticket;
  readonly end: (reason: TicketEnd) => void;
}

export function openRevocations({ bus, redis, namespace, tickets, now }: RevocationsDeps): Revocations {
  const channel = revocationsChannel(namespace);
  const held = new Set<Held>();
  /** The same, by whose ticket it is: a tenant may revoke many, and few of them are held. */
  const byTicket = new Map<string, Set<Held>>();
  const unchecked = new Set<Held>();

  const keyOf = (tenantId: string, ticketId: string): string => `${tenantId} ${ticketId}`;

  function add(one: Held): void {
    const key = keyOf(one.ticket.tenantId, one.ticket.id);
    held.add(one);
    byTicket.set(key, (byTicket.get(key) ?? new Set()).add(one));
  }

  /** True if it was held. */
  function remove(one: Held): boolean {
    const key = keyOf(one.ticket.tenantId, one.ticket.id);
    const same = byTicket.get(key);
    same?.delete(one);
    if (same?.size === 0) byTicket.delete(key);
    unchecked.delete(one);
    return held.delete(one);
  }

  const unsubscribe = bus.subscribe(channel, (message) => {
    for (const { end } of byTicket.get(message) ?? []) end('ticket_revoked');
  });
  const timer = setInterval(() => {
    for (const one of held) if (now() >= one.ticket.expiresAt) one.end('ticket_expired');
    for (const one of unchecked) check(one);
  }, EXPIRY_CHECK_MS);
  function check(one: Held): void {
    tickets.isRevoked(one.ticket).then(
      (isRevoked) => {
        unchecked.delete(one);
        if (isRevoked) one.end('ticket_revoked');
      },
      () => held.has(one) && unchecked.add(one), // Redis is out: asked again every second
    );
  }

  // After a reconnect a revocation may have been missed.
  const undoReset = bus.onReset(() => {
    for (const one of held) check(one);
  });

  return {
    async revoke(tenantId, ticketId) {
      await tickets.revoke(tenantId, ticketId);
      await redis.publish(channel, keyOf(tenantId, ticketId));
    },
    hold(ticket, onEnd) {
      const one: Held = {
        ticket,
        end(reason) {
          if (remove(one)) onEnd(reason);
        },
      };
      add(one);
      check(one); // it may have been revoked between its verification and now
      return () => void remove(one);
    },
    close() {
      clearInterval(timer);
      undoReset();
      unsubscribe();
      held.clear();
      byTicket.clear();
    },
  };
}

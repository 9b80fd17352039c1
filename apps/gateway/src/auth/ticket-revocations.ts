/**
 * Ends a ticket while it is in use. From the moment of its revocation a ticket is refused, and
 * every gateway ends the streams that it opened.
 */

import type { Bus } from '@qrcast/runtime/redis/bus';
import { revocationsChannel } from '@qrcast/runtime/redis/keys';
import { publish } from '@qrcast/runtime/redis/publish';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';
import { openHeldRights } from '../tenants/held-rights.ts';
import type { Ticket, TicketEnd, Tickets } from './tickets.ts';

export interface Revocations {
  revoke(tenantId: string, ticketId: string): Promise<void>;
  /**
   * `onEnd` is called once if the ticket is revoked or expires while it is held. It may be called
   * up to a second after the ticket has expired. Returns its undo, idempotent.
   */
  hold(ticket: Ticket, onEnd: (reason: TicketEnd) => void): () => void;
  close(): void;
}

interface RevocationsDeps {
  readonly bus: Bus;
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly tickets: Tickets;
  readonly now: () => number;
}

export function openRevocations({ bus, redis, namespace, tickets, now }: RevocationsDeps): Revocations {
  const channel = revocationsChannel(namespace);
  const held = openHeldRights<Ticket, TicketEnd>({
    bus,
    channel,
    keyOf: ({ tenantId, id }) => keyOf(tenantId, id),
    async check(ticket) {
      if (await tickets.isRevoked(ticket)) held.end(keyOf(ticket.tenantId, ticket.id), 'ticket_revoked');
    },
    onChange: (key) => held.end(key, 'ticket_revoked'),
    onTick: () => held.endWhere('ticket_expired', ({ expiresAt }) => now() >= expiresAt),
  });
  return {
    async revoke(tenantId, ticketId) {
      await tickets.revoke(tenantId, ticketId);
      await publish(redis, channel, keyOf(tenantId, ticketId));
    },
    hold: held.hold,
    close: held.close,
  };
}

function keyOf(tenantId: string, ticketId: string): string {
  return `${tenantId} ${ticketId}`;
}

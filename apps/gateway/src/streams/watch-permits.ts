/**
 * A seat: what a stream or a held request needs for watching a session: a place within the tenant's limits. It is lost when the ticket expires
 * or is revoked or the API key is removed, and when the tenant is suspended or deleted, on whatever gateway that is said.
 */

import type { RefusedError } from '@qrcast/core/errors';
import type { Principal } from '../auth/auth.ts';
import type { Revocations } from '../auth/ticket-revocations.ts';
import { type TicketEnd, TicketEndedError } from '../auth/tickets.ts';
import type { ViewerPlaces } from '../limits/viewer-quota.ts';
import { deletedError, suspendedError, type TenantEnd, type TenantStanding } from '../tenants/tenant-standing.ts';

/** Why a seat is lost; also the word of the close code. */
export type SeatEnd = TicketEnd | TenantEnd;

export interface Seat {
  /** `onEnd` is called once if it is lost before it is left. */
  hold(onEnd: (why: SeatEnd) => void): void;
  /** Idempotent. */
  leave(): void;
  /** Its place among the tenant's viewers, which is not given back when it is left; null if another took it over. */
  handOver(): (() => void) | null;
}

export interface Seats {
  /** `former`: the caller's own for the same session, whose place it takes over. @throws {RefusedError} `tenant_limit_reached`. */
  take(principal: Principal, sessionId: string, former?: Seat): Promise<Seat>;
}

export interface SeatsDeps {
  readonly revocations: Pick<Revocations, 'hold'>;
  readonly standing: Pick<TenantStanding, 'hold'>;
  readonly places: Pick<ViewerPlaces, 'take'>;
}

export function createSeats({ revocations, standing, places }: SeatsDeps): Seats {
  return {
    async take(principal, sessionId, former) {
      let place: (() => void) | null = former?.handOver() ?? (await places.take(principal.tenant, sessionId));
      const undos: (() => void)[] = [() => place?.()];
      let isLeft = false;
      function leave(): void {
        isLeft = true;
        for (const undo of undos.splice(0)) undo();
      }
      return {
        hold(onEnd) {
          if (isLeft) return;
          const end = (why: SeatEnd): void => {
            if (isLeft) return;
            leave();
            onEnd(why);
          };
          undos.push(standing.hold(principal, end));
          if (principal.kind === 'viewer') undos.push(revocations.hold(principal.ticket, end));
        },
        leave,
        handOver() {
          const handed = isLeft ? null : place;
          place = null;
          return handed;
        },
      };
    },
  };
}

/** As a call is told that its seat was lost. */
export function refusalOfEnd(why: SeatEnd): RefusedError {
  switch (why) {
    case 'ticket_expired':
    case 'ticket_revoked':
      return new TicketEndedError(why);
    case 'forbidden':
      return suspendedError();
    case 'unauthenticated':
      return deletedError();
    default:
      return why satisfies never;
  }
}

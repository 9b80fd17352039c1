/**
 * The right to watch one session, which a stream or a held request needs. It counts within the
 * tenant's viewer quota. It is lost when the ticket expires or is revoked, when the API key is
 * removed, and when the tenant is suspended or deleted, whichever gateway did that.
 */

import type { RefusedError } from '@qrcast/core/errors';
import type { Principal } from '../auth/auth.ts';
import type { Revocations } from '../auth/ticket-revocations.ts';
import { type TicketEnd, TicketEndedError } from '../auth/tickets.ts';
import type { ViewerQuota } from '../limits/viewer-quota.ts';
import { deletedError, suspendedError, type TenantEnd, type TenantStanding } from '../tenants/tenant-standing.ts';

/** Why a permit is lost; also the name of the close code. */
export type PermitEnd = TicketEnd | TenantEnd;

export interface WatchPermit {
  /** `onEnd` is called once if the permit is lost before its release. */
  hold(onEnd: (why: PermitEnd) => void): void;
  /** Idempotent. */
  release(): void;
  /**
   * Passes its part of the viewer quota on: the release of the permit does not give it back then.
   * Returns what gives it back; null if there is nothing to pass on any more.
   */
  handOver(): (() => void) | null;
}

export interface WatchPermits {
  /**
   * `former`: the caller's own permit for the same session, whose part of the quota is taken over.
   * @throws {RefusedError} `tenant_limit_reached`.
   */
  take(principal: Principal, sessionId: string, former?: WatchPermit): Promise<WatchPermit>;
}

export interface WatchPermitsDeps {
  readonly revocations: Pick<Revocations, 'hold'>;
  readonly standing: Pick<TenantStanding, 'hold'>;
  readonly viewerQuota: Pick<ViewerQuota, 'take'>;
}

export function createWatchPermits({ revocations, standing, viewerQuota }: WatchPermitsDeps): WatchPermits {
  return {
    async take(principal, sessionId, former) {
      let giveBack: (() => void) | null = former?.handOver() ?? (await viewerQuota.take(principal.tenant, sessionId));
      const undos: (() => void)[] = [() => giveBack?.()];
      let isReleased = false;
      function release(): void {
        isReleased = true;
        for (const undo of undos.splice(0)) undo();
      }
      return {
        hold(onEnd) {
          if (isReleased) return;
          const end = (why: PermitEnd): void => {
            if (isReleased) return;
            release();
            onEnd(why);
          };
          undos.push(standing.hold(principal, end));
          if (principal.kind === 'viewer') undos.push(revocations.hold(principal.ticket, end));
        },
        release,
        handOver() {
          const handed = isReleased ? null : giveBack;
          giveBack = null;
          return handed;
        },
      };
    },
  };
}

/** The error that a call is answered with when its permit was lost. */
export function refusalOfEnd(why: PermitEnd): RefusedError {
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

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

export function createWatchPermits(deps: WatchPermitsDeps): WatchPermits {
  return {
    async take(principal, sessionId, former) {
      const giveBack = former?.handOver() ?? (await deps.viewerQuota.take(principal.tenant, sessionId));
      return new Permit(deps, principal, giveBack);
    },
  };
}

/** A class, because a gateway has one for each viewer: closures would take three times the memory. */
class Permit implements WatchPermit {
  readonly #deps: WatchPermitsDeps;
  readonly #principal: Principal;
  /** Null once it was given back or passed on. */
  #giveBack: (() => void) | null;
  readonly #undos: (() => void)[] = [];
  #isReleased = false;

  constructor(deps: WatchPermitsDeps, principal: Principal, giveBack: () => void) {
    this.#deps = deps;
    this.#principal = principal;
    this.#giveBack = giveBack;
  }

  hold(onEnd: (why: PermitEnd) => void): void {
    if (this.#isReleased) return;
    const end = (why: PermitEnd): void => {
      if (this.#isReleased) return;
      this.release();
      onEnd(why);
    };
    const { standing, revocations } = this.#deps;
    this.#undos.push(standing.hold(this.#principal, end));
    if (this.#principal.kind === 'viewer') this.#undos.push(revocations.hold(this.#principal.ticket, end));
  }

  release(): void {
    this.#isReleased = true;
    this.handOver()?.();
    for (const undo of this.#undos.splice(0)) undo();
  }

  handOver(): (() => void) | null {
    const handed = this.#giveBack;
    this.#giveBack = null;
    return handed;
  }
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

/**
 * Whether a tenant may do anything now. It can be suspended or deleted while its calls and streams are under way: each change is published,
 * and every gateway acts on it at once.
 */

import { RefusedError } from '@qrcast/core/errors';
import type { Bus } from '@qrcast/runtime/bus';
import { tenantsChannel } from '@qrcast/runtime/keys';
import type { Tenant, Tenants } from './tenants.ts';

/** Why; also the word of the close code. */
export type TenantEnd = 'forbidden' | 'unauthenticated';

export interface TenantStanding {
  /** The tenant, as it was within the last second. @throws {RefusedError} `forbidden` while suspended, `unauthenticated` if it is no more. */
  require(tenantId: string): Promise<Tenant>;
  /** The same, as it is now. */
  requireNow(tenantId: string): Promise<Tenant>;
  /** `onEnd` is called once if the tenant is suspended or deleted while it is held. Returns its undo. */
  hold(tenantId: string, onEnd: (why: TenantEnd) => void): () => void;
  close(): void;
}

export interface TenantStandingDeps {
  readonly bus: Bus;
  readonly namespace: string;
  readonly tenants: Pick<Tenants, 'find'>;
}

/** So old a tenant may be at most, should the word of its change be lost. */
const KNOWN_FOR_MS = 1_000;
/** The streams of a deleted tenant are told the end of their sessions first, and close by themselves. */
const LAST_WORDS_MS = 1_000;

type OnEnd = (why: TenantEnd) => void;

export function openTenantStanding({ bus, namespace, tenants }: TenantStandingDeps): TenantStanding {
  const known = new Map<string, Promise<Tenant>>();
  const held = new Map<string, Set<OnEnd>>();
  const unchecked = new Set<string>();
  const timers = new Set<NodeJS.Timeout>();

  const requireNow = async (tenantId: string): Promise<Tenant> => mustStand(await tenants.find(tenantId));

  function require(tenantId: string): Promise<Tenant> {
    const tenant = known.get(tenantId) ?? requireNow(tenantId);
    known.set(tenantId, tenant);
    return tenant;
  }

  function endAll(tenantId: string, why: TenantEnd): void {
    const ends = held.get(tenantId) ?? [];
    held.delete(tenantId);
    for (const end of ends) end(why);
  }

  function check(tenantId: string, tenant: Promise<Tenant>): void {
    tenant.then(
      () => unchecked.delete(tenantId),
      (error: unknown) => {
        if (!(error instanceof RefusedError)) return void unchecked.add(tenantId); // Redis is out: asked again every second
        unchecked.delete(tenantId);
        if (error.code === 'forbidden') return endAll(tenantId, 'forbidden');
        const timer = setTimeout(() => {
          timers.delete(timer);
          endAll(tenantId, 'unauthenticated');
        }, LAST_WORDS_MS);
        timers.add(timer);
      },
    );
  }

  const unsubscribe = bus.subscribe(tenantsChannel(namespace), (tenantId) => {
    known.delete(tenantId);
    if (held.has(tenantId)) check(tenantId, requireNow(tenantId));
  });
  // After a reconnect a change may have been missed.
  const undoReset = bus.onReset(() => {
    known.clear();
    for (const tenantId of held.keys()) check(tenantId, requireNow(tenantId));
  });
  const timer = setInterval(() => {
    known.clear();
    for (const tenantId of unchecked) check(tenantId, requireNow(tenantId));
  }, KNOWN_FOR_MS);

  return {
    require,
    requireNow,
    hold(tenantId, onEnd) {
      const ends = held.get(tenantId) ?? new Set();
      held.set(tenantId, ends);
      ends.add(onEnd);
      check(tenantId, require(tenantId)); // it may have changed between the look at it and now
      return () => {
        if (ends.delete(onEnd) && ends.size === 0 && held.get(tenantId) === ends) held.delete(tenantId);
      };
    },
    close() {
      clearInterval(timer);
      for (const one of timers) clearTimeout(one);
      undoReset();
      unsubscribe();
      held.clear();
    },
  };
}

/** @throws {RefusedError} `forbidden` while suspended, `unauthenticated` if there is none. */
export function mustStand(tenant: Tenant | null): Tenant {
  if (tenant === null) throw deletedError();
  if (tenant.suspended) throw suspendedError();
  return tenant;
}

export const deletedError = (): RefusedError => new RefusedError('unauthenticated', 'the tenant of this credential was deleted');
export const suspendedError = (): RefusedError =>
  new RefusedError('forbidden', 'the tenant is suspended; ask the operator of this service');

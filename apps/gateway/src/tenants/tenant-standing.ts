/**
 * Whether a tenant may do anything now. It can be suspended or deleted, or lose an API key, while its calls and streams are under way: each change is published,
 * and every gateway acts on it at once.
 */

import { RefusedError } from '@qrcast/core/errors';
import type { Bus } from '@qrcast/runtime/redis/bus';
import { tenantsChannel } from '@qrcast/runtime/redis/keys';
import type { Tenant, Tenants } from './tenants.ts';

/** Why; also the word of the close code. */
export type TenantEnd = 'forbidden' | 'unauthenticated';

export interface TenantStanding {
  /** The tenant, as it was within the last second. @throws {RefusedError} `forbidden` while suspended, `unauthenticated` if it is no more. */
  require(tenantId: string): Promise<Tenant>;
  /** The same, as it is now. */
  requireNow(tenantId: string): Promise<Tenant>;
  /** `onEnd` is called once if the tenant is suspended or deleted, or its key removed, while it is held. Returns its undo. */
  hold(holder: Holder, onEnd: (why: TenantEnd) => void): () => void;
  close(): void;
}

export interface Holder {
  readonly tenantId: string;
  /** The API key it came with, if it came with one. */
  readonly keyId?: string;
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

interface Held {
  readonly keyId: string | undefined;
  readonly end: (why: TenantEnd) => void;
}

export function openTenantStanding({ bus, namespace, tenants }: TenantStandingDeps): TenantStanding {
  const known = new Map<string, Promise<Tenant>>();
  const held = new Map<string, Set<Held>>();
  const unchecked = new Set<string>();
  const timers = new Set<NodeJS.Timeout>();

  const requireNow = async (tenantId: string): Promise<Tenant> => mustStand(await tenants.find(tenantId));

  function require(tenantId: string): Promise<Tenant> {
    const tenant = known.get(tenantId) ?? requireNow(tenantId);
    known.set(tenantId, tenant);
    return tenant;
  }

  function endAll(tenantId: string, why: TenantEnd): void {
    const all = held.get(tenantId) ?? [];
    held.delete(tenantId);
    for (const { end } of all) end(why);
  }

  function endRemovedKeys({ id, keyIds }: Tenant): void {
    for (const one of held.get(id) ?? []) {
      if (one.keyId === undefined || keyIds.includes(one.keyId)) continue;
      held.get(id)?.delete(one);
      one.end('unauthenticated');
    }
  }

  function check(tenantId: string, tenant: Promise<Tenant>, isAboutKeys = true): void {
    tenant.then(
      (found) => {
        unchecked.delete(tenantId);
        if (isAboutKeys) endRemovedKeys(found);
      },
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
    hold({ tenantId, keyId }, end) {
      const all = held.get(tenantId) ?? new Set();
      held.set(tenantId, all);
      const one: Held = { keyId, end };
      all.add(one);
      // It may have changed between the look at it and now; what it has lost is told to all, once.
      check(tenantId, require(tenantId), keyId !== undefined);
      return () => {
        if (all.delete(one) && all.size === 0 && held.get(tenantId) === all) held.delete(tenantId);
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

export const deletedError = (): RefusedError =>
  new RefusedError('unauthenticated', 'this credential is good no more: its API key was removed, or its tenant deleted');
export const suspendedError = (): RefusedError =>
  new RefusedError('forbidden', 'the tenant is suspended; ask the operator of this service');

/**
 * What a worker has to look at: a set of marks in Redis. A mark is set just before the thing that
 * it marks is stored. It is removed only after a second look a good while later, so no crash in
 * between loses anything. A worker claims marks for a lease. If it dies, others get them.
 */

import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import { type Namespace, outboxKey } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';

/**
 * `session`, `instance`: new callbacks of one. `relay`: a lane of notifications. `callback`: a
 * callback to send again. `checks`: a tenant with connected instances to check, or with tokens to
 * delete.
 */
export type Mark =
  | { readonly kind: 'session'; readonly sessionId: string }
  | { readonly kind: 'relay'; readonly tenantId: string; readonly instanceId: string }
  | { readonly kind: 'callback'; readonly tenantId: string; readonly id: string }
  | { readonly kind: 'instance'; readonly tenantId: string; readonly instanceId: string }
  | { readonly kind: 'checks'; readonly tenantId: string };

export const sessionMark = (sessionId: string): Mark => ({ kind: 'session', sessionId });

export interface ClaimedMark {
  readonly mark: Mark;
  /** Nobody has looked since it was set. The thing that it marks may not be stored yet. */
  readonly isNew: boolean;
  readonly leaseUntil: number;
}

export interface Outbox {
  /** Sets a mark for something that is stored already. */
  mark(mark: Mark): Promise<void>;
  /**
   * Stores something and marks it. If it is stored, it is marked, whenever this process dies.
   * Resolves as `store` does.
   */
  markAround<T>(mark: Mark, store: () => Promise<T>): Promise<T>;
  /**
   * Claims due marks. Marks of another version that this one does not know are left; they come
   * again when their lease ends.
   */
  claim(limit: number): Promise<readonly ClaimedMark[]>;
  /**
   * Settles a mark after a look: it comes again in `againMs`, or never (null). A mark set again
   * meanwhile stays as it is.
   */
  settle(claimed: ClaimedMark, againMs: number | null): Promise<void>;
}

/** Longer than a look takes. */
const LEASE_MS = 10_000;
/** Lower than every time: due at once, and recognised as new. */
const NEW = 0;

export interface OutboxDeps {
  /** A `commands` connection; not closed here. */
  readonly redis: Redis;
  readonly namespace: Namespace;
  readonly log: Pick<Logger, 'warn'>;
}

export function createOutbox({ redis, namespace, log }: OutboxDeps): Outbox {
  const key = outboxKey(namespace);
  const claim = loadLuaScript(redis, new URL('./outbox-claim-1.lua', import.meta.url));
  const settle = loadLuaScript(redis, new URL('./outbox-settle-1.lua', import.meta.url));
  async function mark(one: Mark): Promise<void> {
    await redis.zadd(key, NEW, encodeMark(one));
  }

  return {
    mark,

    async markAround(one, store) {
      // Both go out on one connection, the mark first. An extra mark costs a look; a missing one
      // would lose the thing.
      const [, stored] = await Promise.all([mark(one), store()]);
      // A worker that looked in between found nothing and would come back late. So the mark is set
      // again.
      await mark(one).catch(() => undefined); // without it the worker still comes back
      return stored;
    },

    async claim(limit) {
      const [leaseUntil, found] = (await claim([key], [limit, LEASE_MS])) as [number, string[]]; // as the script says
      const claimed = Array.from({ length: found.length / 2 }, (_, i) => ({
        mark: decodeMark(found[2 * i] ?? ''),
        isNew: found[2 * i + 1] === String(NEW),
        leaseUntil,
      }));
      const known = claimed.filter((one): one is ClaimedMark => one.mark !== null);
      const unknown = claimed.length - known.length;
      if (unknown > 0) log.warn({ unknown }, 'marks in the outbox have an unknown kind and are left to another version');
      return known;
    },

    async settle({ mark, leaseUntil }, againMs) {
      await settle([key], [encodeMark(mark), leaseUntil, againMs ?? '']);
    },
  };
}

function encodeMark(mark: Mark): string {
  switch (mark.kind) {
    case 'session':
      return `session|${mark.sessionId}`;
    case 'relay':
      return `relay|${mark.tenantId}|${mark.instanceId}`;
    case 'callback':
      return `callback|${mark.tenantId}|${mark.id}`;
    case 'instance':
      return `instance|${mark.tenantId}|${mark.instanceId}`;
    case 'checks':
      return `checks|${mark.tenantId}`;
    default:
      return mark satisfies never;
  }
}

/** Returns null for a text that `encodeMark` did not write. */
function decodeMark(member: string): Mark | null {
  const [kind, first = '', second = ''] = member.split('|');
  if (kind === 'session') return { kind, sessionId: first };
  if (kind === 'relay') return { kind, tenantId: first, instanceId: second };
  if (kind === 'callback') return { kind, tenantId: first, id: second };
  if (kind === 'instance') return { kind, tenantId: first, instanceId: second };
  if (kind === 'checks') return { kind, tenantId: first };
  return null;
}

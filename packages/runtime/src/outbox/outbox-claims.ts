/**
 * The workers' side of the outbox. A worker claims marks for a lease; if it dies, others get them.
 * Work that waits for its time is a mark as well. All times are by Redis's clock, so a machine
 * whose clock is set does nothing early or late.
 */

import type { Logger } from '../log.ts';
import type { MeasuredClock } from '../redis/clock.ts';
import type { Namespace, WorkPart } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { takeInTime } from '../redis/take-in-time.ts';
import { partOf, workParts } from '../redis/work-parts.ts';
import { type DueMark, decodeMark, encodeMark, keyNearMark, type Mark } from './marks.ts';
import { NEW } from './outbox.ts';

export interface ClaimedMark {
  readonly mark: Mark;
  /** Nobody has looked since it was set. The thing that it marks may not be stored yet. */
  readonly isNew: boolean;
  /** In how many ms it is due. 0: it is due now. */
  readonly dueInMs: number;
  readonly leaseUntil: number;
}

export interface OutboxClaims {
  /**
   * Claims marks of the part that are due within `aheadMs`. Marks of another version that this one
   * does not know are left; they come again when their lease ends.
   */
  claim(part: WorkPart, limit: number, aheadMs: number): Promise<readonly ClaimedMark[]>;
  /**
   * Settles a mark after a look: it comes again in `againMs`, or never (null). A mark set again
   * meanwhile stays as it is.
   */
  settle(claimed: ClaimedMark, againMs: number | null): Promise<void>;
  /** Makes the work due in `inMs`, whenever it was due before. */
  putOff(mark: DueMark, inMs: number): Promise<void>;
  /** The work is under way: it waits no longer. */
  clear(mark: DueMark): Promise<void>;
  waits(mark: DueMark): Promise<boolean>;
}

/** Longer than a look takes. */
const LEASE_MS = 10_000;

export interface OutboxClaimsDeps {
  /** A `commands` connection; not closed here. */
  readonly redis: RedisClient;
  readonly namespace: Namespace;
  readonly clock: MeasuredClock;
  readonly log: Pick<Logger, 'warn'>;
}

type ClaimReply = [now: number, leaseUntil: number, found: string[]];

export function createOutboxClaims({ redis, namespace, clock, log }: OutboxClaimsDeps): OutboxClaims {
  const parts = workParts(namespace, redis);
  const keyOf = (mark: Mark): string => partOf(parts, keyNearMark(namespace, mark)).outboxKey;
  const claim = loadLuaScript(redis, new URL('./outbox-claim-1.lua', import.meta.url));
  const settle = loadLuaScript(redis, new URL('./outbox-settle-1.lua', import.meta.url));
  const putOff = loadLuaScript(redis, new URL('./outbox-put-off-1.lua', import.meta.url));

  return {
    async claim({ outboxKey }, limit, aheadMs) {
      const reply = await takeInTime<ClaimReply>(clock, (notAfter) => claim([outboxKey], [limit, LEASE_MS, aheadMs, notAfter]));
      const claimed = claimedIn(reply);
      const known = claimed.filter((one): one is ClaimedMark => one.mark !== null);
      const unknown = claimed.length - known.length;
      if (unknown > 0) log.warn({ unknown }, 'marks in the outbox have an unknown kind and are left to another version');
      return known;
    },

    async settle({ mark, leaseUntil }, againMs) {
      await settle([keyOf(mark)], [encodeMark(mark), leaseUntil, againMs ?? '']);
    },

    async putOff(mark, inMs) {
      await putOff([keyOf(mark)], [encodeMark(mark), Math.ceil(inMs)]);
    },

    async clear(mark) {
      await redis.zrem(keyOf(mark), encodeMark(mark));
    },

    waits: async (mark) => (await redis.zscore(keyOf(mark), encodeMark(mark))) !== null,
  };
}

function claimedIn([now, leaseUntil, found]: ClaimReply) {
  return Array.from({ length: found.length / 2 }, (_, i) => {
    const score = Number(found[2 * i + 1]);
    return { mark: decodeMark(found[2 * i] ?? ''), isNew: score === NEW, dueInMs: Math.max(0, score - now), leaseUntil };
  });
}

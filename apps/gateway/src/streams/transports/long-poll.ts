/**
 * Long-poll: `GET /v1/sessions/{id}?wait=` is held until there is something newer. The held request
 * watches like any stream. Its answer gives the credit, and the caller's next request is the next
 * subscription.
 *
 * Some callers ask again at once without a version that we gave, because something on the way has
 * rewritten or dropped the ETag. Others ask about a final state. There is nothing to hold these
 * requests for, so their caller could ask hundreds of times a second. The first few are answered at
 * once, which is enough for any page that is reloaded. The rest is spaced.
 */

import { isFinal, type Session } from '@qrcast/core/session';
import type { FastifyReply } from 'fastify';
import type { Principal } from '../../auth/auth.ts';
import { requireConnection } from '../../http/http-server.ts';
import type { TokenBuckets } from '../../limits/token-buckets.ts';
import type { ConnectionSlots } from '../connection-slots.ts';
import type { Hub } from '../hub.ts';
import { refusalOfEnd, type WatchPermits } from '../watch-permits.ts';

export interface LongPollDeps {
  readonly hub: Hub;
  readonly permits: WatchPermits;
  readonly slots: ConnectionSlots;
  /**
   * Rates of the requests that there is nothing to hold for: one bucket for each caller of a
   * session.
   */
  readonly unheldAnswers: TokenBuckets;
}

export interface LongPoll {
  readonly principal: Principal;
  readonly session: Session;
  /** The version that the caller has; null if it names none that we gave. */
  readonly known: number | null;
  readonly waitMs: number;
  readonly isVisible: boolean;
  readonly reply: FastifyReply;
}

/**
 * So many at once, and then one every five seconds. They are answered 200 without a version, and
 * 304 with the final one.
 */
const UNHELD_PER_MINUTE = 12;

/**
 * Resolves when the session is newer than `known` or final, when the time is over, when the caller
 * has gone, or when this gateway stops. Resolves at once if there is nothing to hold the request
 * for, until its caller has asked too often.
 * @throws {RefusedError} `unauthenticated` if the ticket ends meanwhile, `forbidden` if the tenant
 * is suspended, `unavailable` if no connection slot is free.
 */
export async function holdLongPoll(deps: LongPollDeps, poll: LongPoll): Promise<void> {
  const { session, known, waitMs } = poll;
  const isHeld = known !== null && !(isFinal(session) && known >= session.version);
  if (isHeld) return hold(deps, poll, known, waitMs);
  const spacingMs = deps.unheldAnswers.take(callerOf(poll), UNHELD_PER_MINUTE);
  if (spacingMs > 0) await hold(deps, poll, session.version, Math.min(waitMs, spacingMs));
}

function callerOf({ principal, session }: LongPoll): string {
  return `${session.id}|${principal.kind === 'viewer' ? principal.ticket.id : principal.keyId}`;
}

async function hold({ hub, permits, slots }: LongPollDeps, poll: LongPoll, after: number, holdMs: number): Promise<void> {
  const { principal, session, isVisible, reply } = poll;
  if (reply.raw.destroyed) return;
  requireConnection(reply);
  const permit = await permits.take(principal, session.id);
  reply.raw.once('close', () => permit.release());
  if (reply.raw.destroyed) return permit.release();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const freeSlot = slots.take('longpoll', () => {
    reply.header('connection', 'close'); // so that the next request goes to another gateway
    resolve();
  });
  const timer = setTimeout(resolve, holdMs);
  reply.raw.once('close', resolve); // the `close` of the request would come with the end of its body
  permit.hold((why) => reject(refusalOfEnd(why)));
  const sink = { transport: 'longpoll', send: () => resolve(), hasRoom: () => true, askedAt: () => 0, close: () => resolve() } as const;
  // The hub would tell a final state at once, and that is what has to be spaced.
  const isOver = isFinal(session) && after >= session.version;
  const options = { sessionId: session.id, by: principal, after, isVisible, sink };
  const { first, close } = isOver ? { first: null, close: () => undefined } : hub.subscribe(options);
  try {
    await Promise.race([first?.then(() => promise) ?? promise, promise]);
  } finally {
    clearTimeout(timer);
    close();
    permit.release();
    freeSlot();
  }
}

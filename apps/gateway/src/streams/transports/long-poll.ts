/**
 * Long-poll: `GET /v1/sessions/{id}?wait=` is held until there is something newer. The held request watches like any stream; its answer is
 * the credit, the caller's next request the next subscription.
 *
 * Some callers ask again at once and yet say no version that we gave, because something on the way has rewritten or dropped the ETag. Others
 * ask about a final state. Nothing holds these requests, so the caller would ask hundreds of times in a second. Some of their answers come
 * at once, enough for any page that is loaded anew. The others are spaced.
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
  /** For requests with `wait` that nothing holds: one bucket for each caller of a session. */
  readonly unheldAnswers: TokenBuckets;
}

export interface LongPoll {
  readonly principal: Principal;
  readonly session: Session;
  /** The version the caller has; null if it tells none that we gave. */
  readonly known: number | null;
  readonly waitMs: number;
  readonly isVisible: boolean;
  readonly reply: FastifyReply;
}

/** So many in a row, and then one in five seconds: 200 where a version is missing, 304 where it is the final one. */
const UNHELD_PER_MINUTE = 12;

/**
 * Resolves when the session is newer than `known` or final, the time is up, the caller has gone, or this gateway stops. A request that
 * nothing holds is answered at once, until its caller has asked too often.
 * @throws {RefusedError} `unauthenticated` when the ticket ends meanwhile, `forbidden` when the tenant is suspended, `unavailable` where there is no room for one more.
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
  reply.raw.once('close', permit.release);
  if (reply.raw.destroyed) return permit.release();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const leavePlace = slots.take(() => {
    reply.header('connection', 'close'); // the next request goes to a gateway that stays
    resolve();
  });
  const timer = setTimeout(resolve, holdMs);
  reply.raw.once('close', resolve); // of the request it would come with the end of its body
  permit.hold((why) => reject(refusalOfEnd(why)));
  const sink = { send: () => resolve(), close: () => resolve() };
  // A final state is told at once, and that is what has to be spaced.
  const isOver = isFinal(session) && after >= session.version;
  const subscription = isOver ? null : hub.subscribe({ sessionId: session.id, by: principal, after, isVisible, sink });
  try {
    await Promise.race([subscription?.first.then(() => promise) ?? promise, promise]);
  } finally {
    clearTimeout(timer);
    subscription?.close();
    permit.release();
    leavePlace();
  }
}

/**
 * Long-poll: `GET /v1/sessions/{id}?wait=` is held until there is something newer. The held request watches like any stream; its answer is
 * the credit, the caller's next request the next subscription.
 */

import type { FastifyReply } from 'fastify';
import type { Admission } from './admission.ts';
import type { Principal } from './auth.ts';
import { requireConnection } from './http-server.ts';
import type { Hub } from './hub.ts';
import { refusalOfEnd, type Seats } from './seats.ts';

export interface LongPollDeps {
  readonly hub: Hub;
  readonly seats: Seats;
  readonly admission: Admission;
}

export interface LongPoll {
  readonly principal: Principal;
  readonly sessionId: string;
  /** The version the caller has. */
  readonly after: number;
  readonly waitMs: number;
  readonly isVisible: boolean;
  readonly reply: FastifyReply;
}

/**
 * Resolves when the session is newer than `after` or final, the time is up, the caller has gone, or this gateway stops.
 * @throws {RefusedError} `unauthenticated` when the ticket ends meanwhile, `forbidden` when the tenant is suspended, `unavailable` where there is no room for one more.
 */
export async function holdUntilNewer({ hub, seats, admission }: LongPollDeps, poll: LongPoll): Promise<void> {
  const { principal, sessionId, after, waitMs, isVisible, reply } = poll;
  if (reply.raw.destroyed) return;
  requireConnection(reply);
  const seat = await seats.take(principal, sessionId);
  reply.raw.once('close', seat.leave);
  if (reply.raw.destroyed) return seat.leave();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const leavePlace = admission.enter(() => {
    reply.header('connection', 'close'); // the next request goes to a gateway that stays
    resolve();
  });
  const timer = setTimeout(resolve, waitMs);
  reply.raw.once('close', resolve); // of the request it would come with the end of its body
  seat.hold((why) => reject(refusalOfEnd(why)));
  const subscription = hub.subscribe({
    sessionId,
    by: principal,
    after,
    isVisible,
    sink: { send: () => resolve(), close: () => resolve() },
  });
  try {
    await Promise.race([subscription.first.then(() => promise), promise]);
  } finally {
    clearTimeout(timer);
    subscription.close();
    seat.leave();
    leavePlace();
  }
}

/** The overview as Server-Sent Events. It is no stream of a viewer: no meter and no quota counts it. */

import type { FastifyReply } from 'fastify';
import { requireConnection } from '../http/http-server.ts';
import { eventText, openEventStream } from '../streams/event-stream.ts';
import type { Holder, TenantStanding } from '../tenants/tenant-standing.ts';
import type { Overview } from './overview.ts';
import { createNewsTeller } from './overview-news.ts';
import type { OverviewSlots } from './overview-slots.ts';

export interface OverviewStreamDeps {
  readonly overview: Overview;
  readonly overviewSlots: OverviewSlots;
  readonly standing: Pick<TenantStanding, 'hold'>;
}

/** A comment, which a stock client skips. */
const LAST_KNOWN = ': Redis does not answer; the sessions that you have are the last known\n\n';

/**
 * Begins the answer. `tenantId`: whose sessions are shown, null for those of all. `holder`: whose right
 * the stream ends with, null for the operator.
 * @throws {RefusedError} `too_many_requests`, `unavailable`, `invalid_request`.
 */
export function beginOverviewStream(
  { overview, overviewSlots, standing }: OverviewStreamDeps,
  reply: FastifyReply,
  { tenantId, holder }: { readonly tenantId: string | null; readonly holder: Required<Holder> | null },
): void {
  if (reply.raw.destroyed) return void reply.hijack(); // the caller has gone
  requireConnection(reply);
  const free = overviewSlots.take(holder?.tenantId ?? null, (retryAfterMs) => stream.drain(retryAfterMs));
  reply.raw.once('close', free);
  const ends: (() => void)[] = [];
  const stream = openEventStream(reply, () => {
    for (const end of ends) end();
  });
  const teller = createNewsTeller({
    send: (news, sent) => stream.write(eventText('sessions', news), sent),
    fault: () => stream.write(LAST_KNOWN),
    onSlow: () => stream.close('slow_consumer'),
  });
  ends.push(teller.close, overview.read(tenantId, teller));
  if (holder !== null) ends.push(standing.hold(holder, (why) => stream.close(why)));
}

/** A tenant's sessions, page by page, newest first. */

import type { listSessionsSchema } from '@qrcast/core/requests';
import type { Session } from '@qrcast/core/session';
import { toWire, type WireSession } from '@qrcast/core/wire';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { z } from 'zod';
import type { SessionIndex } from './session-index.ts';
import type { ViewerCounts } from './visible-viewers.ts';

export interface SessionPage {
  readonly sessions: readonly WireSession[];
  readonly nextCursor: string | null;
}

export type SessionList = (tenantId: string, request: z.output<typeof listSessionsSchema>) => Promise<SessionPage>;

export interface SessionListDeps {
  readonly index: Pick<SessionIndex, 'page' | 'forget'>;
  readonly sessions: Pick<Sessions, 'exists'>;
  readonly viewerCounts: Pick<ViewerCounts, 'read'>;
  /** The session as it is now. */
  readonly current: (sessionId: string) => Promise<Session | null>;
  readonly clock: Clock;
}

const READ_AT_ONCE = 100;
/**
 * At most this many records are read for one page, however few of them fit. The cursor goes on from
 * there. So no call costs many times as much as another.
 */
const MAX_READ = 200;
/**
 * Ids without a record are forgotten when they are met. One call must not have to forget all of
 * them.
 */
const MAX_ROUNDS = 20;

export function createSessionList({ index, sessions: stored, viewerCounts, current, clock }: SessionListDeps): SessionList {
  return async (tenantId, { state, reference, limit, cursor }) => {
    const fits = (session: Session): boolean =>
      (state === undefined || session.state.kind === state) && (reference === undefined || session.reference === reference);
    const sessions: WireSession[] = [];
    let last = cursor ?? null;
    for (let [read, rounds] = [0, 0]; read < MAX_READ && rounds < MAX_ROUNDS; rounds++) {
      const ids = await index.page(tenantId, last, READ_AT_ONCE, reference);
      if (ids.length === 0) return { sessions, nextCursor: null };
      const page = await Promise.all(ids.map(current));
      for (const [i, session] of page.entries()) {
        const id = ids[i] ?? '';
        if (session === null && !(await stored.exists(id))) {
          await index.forget({ tenantId, id, reference });
          continue;
        }
        last = id; // also after one that cannot be read, which another version may list
        read += 1;
        if (session !== null && fits(session)) {
          // Without codes: whoever has a code can log in with it. To see one, a caller has to watch
          // its session, and each watch is in the audit log.
          sessions.push(toWire(session, { image: null, viewers: await viewerCounts.read(id), now: clock.now(), formats: [] }));
        }
        if (sessions.length === limit) return { sessions, nextCursor: last };
      }
    }
    return { sessions, nextCursor: last };
  };
}

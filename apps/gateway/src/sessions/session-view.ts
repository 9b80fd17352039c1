/**
 * A session as callers see it: as it is now, with the picture of its code and the number of its
 * viewers.
 */

import { noSuchSession, RefusedError } from '@qrcast/core/errors';
import { isStale, type Session } from '@qrcast/core/session';
import { ALL_FORMATS, type Format, toWire, type WireSession } from '@qrcast/core/wire';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { Snapshot } from '@qrcast/runtime/sessions/session-codec';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { ViewerCounts } from './visible-viewers.ts';
import type { Watching } from './watching.ts';

export interface SessionView {
  /** The session as it is now. @throws {RefusedError} `not_found`, `session_expired`. */
  find(sessionId: string): Promise<Session>;
  /**
   * A snapshot that was read a moment ago, null if there was none, as it is now. @throws
   * {RefusedError} `not_found`, `session_expired`.
   */
  refresh(read: Snapshot | null): Promise<Snapshot>;
  /**
   * `session`, which may be newer than the snapshot that was read before, with its picture. Reads
   * again only if it shows a code that `read` has no picture of. @throws {RefusedError}
   * `not_found`.
   */
  illustrate(session: Session | null, read: Snapshot | null): Promise<Snapshot>;
  /** Never with a code whose time is over. @throws {RefusedError} `not_found`. */
  present(snapshot: Snapshot, formats?: readonly Format[]): Promise<WireSession>;
}

export interface SessionViewDeps {
  readonly sessions: Pick<Sessions, 'read'>;
  readonly watching: Pick<Watching, 'current'>;
  readonly viewerCounts: Pick<ViewerCounts, 'read'>;
  readonly clock: Clock;
}

export function createSessionView({ sessions, watching, viewerCounts, clock }: SessionViewDeps): SessionView {
  function requireUnexpired(session: Session | null): Session {
    if (session === null) throw noSuchSession();
    if (clock.now() >= session.expiresAt) throw new RefusedError('session_expired', 'the session has expired; create a new one');
    return session;
  }

  async function illustrate(session: Session | null, read: Snapshot | null): Promise<Snapshot> {
    if (session === null) throw noSuchSession();
    const found = withPicture(session, read) ?? (await sessions.read(session.id));
    if (found === null) throw noSuchSession();
    return found;
  }

  return {
    find: async (sessionId) => requireUnexpired(await watching.current(sessionId)),
    async refresh(read) {
      const session = read && (await watching.current(read.session.id, { justRead: read.session }));
      return illustrate(requireUnexpired(session), read);
    },
    illustrate,
    async present(snapshot, formats = ALL_FORMATS) {
      const { id } = snapshot.session;
      const viewers = await viewerCounts.read(id);
      // Its time may be over since it was read: Redis may have been slow, or nobody has polled.
      const isOver = isStale(snapshot.session, clock.now());
      const { session, image } = isOver ? await illustrate(await watching.current(id), snapshot) : snapshot;
      return toWire(session, { image, viewers, now: clock.now(), formats });
    },
  };
}

/** Reads the session and presents it. @throws {RefusedError} `not_found`. */
export async function showSession(
  deps: { readonly sessions: Pick<Sessions, 'read'>; readonly service: Pick<SessionView, 'present'> },
  sessionId: string,
  formats?: readonly Format[],
): Promise<WireSession> {
  const snapshot = await deps.sessions.read(sessionId);
  if (snapshot === null) throw noSuchSession();
  return deps.service.present(snapshot, formats);
}

/** Null if the session shows a code that `read` has no picture of. */
function withPicture(session: Session, read: Snapshot | null): Snapshot | null {
  const digest = digestOf(session);
  if (digest === null) return { session, image: null };
  return read !== null && digest === digestOf(read.session) ? { session, image: read.image } : null;
}

const digestOf = ({ state }: Session): string | null => (state.kind === 'showing' ? state.code.digest : null);

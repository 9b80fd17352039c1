/**
 * What keeps versions in order when Redis loses data. A crash, a failover or a backup can bring back
 * an older record of a session. Viewers have been told higher versions, of states that are gone, and
 * ignore what is not newer. So a change gets a version that no lost change can have had. And a
 * record that stands without a change is put above every version that anyone was told.
 */

import type { Session } from './session.ts';

/** How far the clock of a Redis may be behind that of the one before it. */
const CLOCK_BEHIND_MS = 60_000;

/**
 * The session ready for a change at `at` (Unix ms) that viewers are told whole: the next version is
 * at least the milliseconds since the session was created. So it is above those of all changes
 * before it, even of those that Redis has lost. The same reference if the next version is above that
 * already.
 */
export function dateVersion(session: Session, at: number): Session {
  const before = ageOf(session, at) - 1;
  return session.version >= before ? session : { ...session, version: before };
}

/** The greatest version that anybody can have been told at `now` (Unix ms), even if it was lost. */
export function greatestVersion(session: Pick<Session, 'version' | 'createdAt'>, now: number): number {
  return Math.max(session.version, ageOf(session, now) + CLOCK_BEHIND_MS);
}

const ageOf = ({ createdAt }: Pick<Session, 'createdAt'>, at: number): number => Math.floor(at - createdAt);

/**
 * The same state under a version above `told`, owed to every viewer. It is dated as a change at `at`
 * (Unix ms), because others may have been told higher versions. The same reference if its version is
 * above `told` already.
 */
export function renumber(session: Session, told: number, at: number): Session {
  if (session.version > told) return session;
  const version = Math.max(told, dateVersion(session, at).version) + 1;
  return { ...session, version, toldVersion: version };
}

type Numbered = Pick<Session, 'version' | 'stamp'>;

/**
 * Whether `stands`, which was read after `told` had been told, shows that Redis has lost data since.
 */
export function isOlder(stands: Numbered, told: Numbered): boolean {
  if (stands.version !== told.version) return stands.version < told.version;
  return stands.stamp !== told.stamp && stands.stamp !== '' && told.stamp !== '';
}

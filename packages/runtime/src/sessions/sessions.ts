/**
 * The truth about every session: it is read, changed by events, and watched. All processes see one
 * order of versions. A session whose record cannot be read counts as none; the log names it.
 *
 * `apply` loads, reduces, and compares and sets. If another process was faster, it reduces again on
 * what that one wrote. `watch` never delivers an older version after a newer one, and never misses
 * the latest. It subscribes before it reads, passes both through one filter, and reads again whenever
 * a change may have been missed. The record is the truth; a published change is only a wake-up.
 */

import type { SessionEvent } from '@qrcast/core/reduce';
import type { Session } from '@qrcast/core/session';
import type { Timeline } from '@qrcast/core/timeline';
import type { WatchedState } from './published-state.ts';
import type { Snapshot } from './session-codec.ts';

export interface Watch {
  /**
   * The snapshot at the start, null if there is no such session. Rejects if Redis could not be
   * read. Changes follow through `onChange`.
   */
  readonly first: Promise<WatchedState | null>;
  /** Idempotent. No `onChange` after it. */
  close(): void;
}

/** What an event did. If it changed nothing, `before` and `after` are the same record. */
export interface Change {
  readonly before: Session;
  readonly after: Session;
}

/**
 * A record that the caller has read before the call. A `remembered` one may be out of date: it is
 * used for a first try, and what stands decides. A `justRead` one was read or written a moment ago
 * by the same call, so "nothing to do" is taken from it without another read.
 */
export type Known = { readonly remembered: Session } | { readonly justRead: Session };

export interface Sessions {
  /** Stores a new session with its sealed credentials. @throws {Error} if the id is taken. */
  create(session: Session, sealed: string): Promise<void>;
  /**
   * The session after the event, whether or not it changed; null if there is no such session.
   * `known` saves a round trip.
   */
  apply(sessionId: string, event: SessionEvent, known?: Known): Promise<Session | null>;
  /**
   * Like `apply`, and tells what this very event did. If several calls race for one change, exactly
   * one of them makes it.
   */
  change(sessionId: string, event: SessionEvent, known?: Known): Promise<Change | null>;
  /**
   * The session as it is at `now` (Unix ms): whatever time has changed since the last event is
   * stored first. Null if there is none.
   */
  current(sessionId: string, now: number, known?: Known): Promise<Change | null>;
  /**
   * The record alone, as it was stored last. Time may have changed the session since: see
   * `current`.
   */
  find(sessionId: string): Promise<Session | null>;
  /** Whether anything is stored of the session, even a record that cannot be read. */
  exists(sessionId: string): Promise<boolean>;
  /** The record with its picture. */
  read(sessionId: string): Promise<Snapshot | null>;
  /**
   * The credentials as they were sealed at `create`. Null once the session has ended for good: they
   * are deleted then.
   */
  readSealed(sessionId: string): Promise<string | null>;
  /** What happened to the session, as far as it is kept; null if there is no such session. */
  timeline(sessionId: string): Promise<Timeline | null>;
  /** Adds what a gateway has sent: a line of core's `encodeDelivery`. Does nothing without a session. */
  addToTimeline(sessionId: string, line: string): Promise<void>;
  /**
   * Deletes the record at that moment (Unix ms), or earlier if it was to go earlier; with 0, at
   * once. Watchers are not told.
   */
  expire(sessionId: string, at: number): Promise<void>;
  /**
   * Deletes the record, unless it has changed since it was read: then false. Watchers are not told.
   */
  remove(session: Session): Promise<boolean>;
  /**
   * Puts the session above version `told`, unchanged otherwise, and publishes it. Call it when
   * somebody was told that version and Redis has lost it (renumber.ts). `at` is now, Unix ms. Null
   * if there is no such session.
   */
  renumber(sessionId: string, told: number, at: number): Promise<Session | null>;
  /**
   * Calls `onChange` with newer snapshots in rising versions, never before `first` resolves. It may
   * skip some that come fast. Calls `onOlder` with the version told last whenever Redis is seen to
   * have lost it: from then on nothing comes until the session is above that version.
   */
  watch(sessionId: string, onChange: (state: WatchedState) => void, onOlder?: (told: number) => void): Watch;
  close(): Promise<void>;
}

/**
 * The record outlives `expiresAt` by this, so that a late caller is told `session_expired` and not
 * `not_found`.
 */
export const KEEP_EXPIRED_MS = 3_600_000;

/**
 * Lost races in a row, after which a change fails: more than there are processes that could win is
 * a fault.
 */
export const MAX_RACES = 50;

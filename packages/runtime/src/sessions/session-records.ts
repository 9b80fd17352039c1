/**
 * The records of sessions in Redis: a hash for each, with its version, record, picture and sealed
 * credentials. One script writes a change, publishes it and queues its callback, or does none of
 * these.
 */

import { randomBytes } from 'node:crypto';
import { callbackOf } from '@qrcast/core/callback';
import type { SessionEvent } from '@qrcast/core/reduce';
import { isFinal, type Session } from '@qrcast/core/session';
import { encodeChange } from '@qrcast/core/timeline';
import { sessionMark } from '../outbox/marks.ts';
import { createOutbox } from '../outbox/outbox.ts';
import { type Namespace, sessionCallbacksKey, sessionChannel, sessionKey, viewersKey } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
import { publishCommand } from '../redis/publish.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { activeTraceparent, tracedWithin } from '../tracing/tracing.ts';
import { pictureChange } from './picture-change.ts';
import { encodeState } from './published-state.ts';
import { encodeSession, type ReadSession, type Snapshot } from './session-codec.ts';
import { KEEP_EXPIRED_MS, type Sessions } from './sessions.ts';

export interface SessionRecordsDeps {
  readonly redis: RedisClient;
  readonly namespace: Namespace;
  readonly readSession: ReadSession;
  readonly keepsCredentials?: ((tenantId: string) => Promise<boolean>) | undefined;
}

export interface SessionRecords extends Pick<Sessions, 'create' | 'exists' | 'find' | 'read' | 'readSealed' | 'expire' | 'remove'> {
  /**
   * Writes `next` over `previous`. `event` made the change; null if none did.
   */
  replace(previous: Session, next: Session, event: SessionEvent | null): Promise<Replaced>;
}

/** The session as it was written; else the record that stands instead, null if none does that can be read. */
export type Replaced = { readonly written: Session } | { readonly stands: Session | null };

/** Bytes of a stamp: two writes of one version of one session share it once in 16 million. */
const STAMP_BYTES = 3;

const newStamp = (): string => randomBytes(STAMP_BYTES).toString('base64url');

/** `reply`: of session-commit-3.lua to the write of `session`. */
function readReply(readSession: ReadSession, session: Session, reply: unknown): Replaced {
  if (reply === 1) return { written: session };
  const stands = typeof reply === 'string' ? readSession(reply, session.id) : null;
  // A command may be sent again after a reconnect, although Redis had run it: then its own record stands.
  return stands?.stamp === session.stamp && stands.version === session.version ? { written: session } : { stands };
}

const attributesOf = ({ id, version, state }: Session) => ({ 'qrcast.session': id, 'qrcast.version': version, 'qrcast.state': state.kind });

export function openSessionRecords(deps: SessionRecordsDeps): SessionRecords {
  const { redis, namespace, readSession, keepsCredentials } = deps;
  const commit = createCommit({ redis, namespace });
  const removeScript = loadLuaScript(redis, new URL('./session-remove-1.lua', import.meta.url));
  const keyOf = (sessionId: string): string => sessionKey(namespace, sessionId);

  async function write(previous: Session, reduced: Session, event: SessionEvent | null): Promise<Replaced> {
    const next: Session = { ...reduced, stamp: newStamp() };
    const callback = event && callbackOf(previous, next, event.at);
    const isKept = next.state.kind === 'connected' && (await keepsCredentials?.(next.tenantId)) === true;
    const picture = pictureChange(previous, next, event);
    const sealed = isFinal(next) && !isKept ? '-' : '';
    const reply = await commit({
      expected: previous.version,
      expectedStamp: previous.stamp,
      session: next,
      picture,
      sealed,
      line: event === null ? '' : encodeChange(previous, next, event),
      ...(callback === null ? {} : { callback: JSON.stringify(callback) }),
    });
    return readReply(readSession, next, reply);
  }

  return {
    async create(made, sealed) {
      const session: Session = { ...made, stamp: newStamp() };
      const reply = await commit({ expected: '0', session, sealed, goneAt: made.expiresAt + KEEP_EXPIRED_MS });
      if ('stands' in readReply(readSession, session, reply)) throw new Error(`session ${made.id} exists already`);
    },

    replace(previous, reduced, event) {
      return tracedWithin('commit', attributesOf(reduced), async (note) => {
        const replaced = await write(previous, reduced, event);
        note({ 'qrcast.changed': 'written' in replaced });
        return replaced;
      });
    },

    exists: async (sessionId) => (await redis.exists(keyOf(sessionId))) === 1,
    find: async (sessionId) => readSession(await redis.hget(keyOf(sessionId), 'record'), sessionId),
    read: (sessionId) => readSnapshot(deps, redis, sessionId),
    readSealed: (sessionId) => redis.hget(keyOf(sessionId), 'sealed'),
    expire: async (sessionId, at) => void (await redis.pexpireat(keyOf(sessionId), at, 'LT')),
    remove: async (session) => (await removeScript([keyOf(session.id)], [session.version])) === 1,
  };
}

interface Commit {
  /** The version that must stand, '0' for none. */
  readonly expected: number | '0';
  /** The stamp that must stand, '' for any. */
  readonly expectedStamp?: string;
  readonly session: Session;
  /** As `pictureChange` says. */
  readonly picture?: string;
  /** '-' removes the credentials, '' leaves them. */
  readonly sealed: string;
  /** Unix ms. */
  readonly goneAt?: number;
  readonly callback?: string;
  /** A line of the timeline, '' for none. */
  readonly line?: string;
}

/** Resolves to the reply of session-commit-3.lua. */
function createCommit({ redis, namespace }: Pick<SessionRecordsDeps, 'redis' | 'namespace'>): (commit: Commit) => Promise<unknown> {
  const script = loadLuaScript(redis, new URL('./session-commit-3.lua', import.meta.url));
  const outbox = createOutbox({ redis, namespace });
  return async ({ expected, expectedStamp = '', session, picture = '', sealed, goneAt = '', callback = '', line = '' }) => {
    const { id, version, stamp } = session;
    const keys = [sessionKey(namespace, id), sessionCallbacksKey(namespace, id), viewersKey(namespace, id)];
    const change = [expected, version, encodeSession(session), picture, sessionChannel(namespace, id), sealed, goneAt, callback];
    const args = [...change, expectedStamp, stamp, publishCommand(redis), encodeState(session), line];
    const traceparent = activeTraceparent();
    if (traceparent !== null) args.push(traceparent);
    const write = (): Promise<unknown> => script(keys, args);
    // The mark lies in another slot than the session, so it cannot be part of the script.
    return callback === '' ? write() : outbox.markAround(sessionMark(id), write);
  };
}

export async function readSnapshot(
  { namespace, readSession }: Pick<SessionRecordsDeps, 'namespace' | 'readSession'>,
  connection: RedisClient,
  sessionId: string,
): Promise<Snapshot | null> {
  const [record, image] = await connection.hmget(sessionKey(namespace, sessionId), 'record', 'image');
  const session = readSession(record, sessionId);
  return session && { session, image: image ?? null };
}

/**
 * The records of sessions in Redis: a hash for each, with its version, record, picture and sealed
 * credentials. One script writes a change, publishes it and queues its callback, or does none of
 * these.
 */

import { callbackOf } from '@qrcast/core/callback';
import type { SessionEvent } from '@qrcast/core/reduce';
import { isFinal, type Session } from '@qrcast/core/session';
import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import { createOutbox, sessionMark } from '../outbox/outbox.ts';
import { type Namespace, sessionCallbacksKey, sessionChannel, sessionKey } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
import { pictureChange } from './picture-change.ts';
import { decodeSession, encodeSession, type Snapshot } from './session-codec.ts';
import { KEEP_EXPIRED_MS, type Sessions } from './sessions.ts';

export interface SessionRecordsDeps {
  readonly redis: Redis;
  readonly namespace: Namespace;
  readonly log: Logger;
  readonly keepsCredentials?: ((tenantId: string) => Promise<boolean>) | undefined;
}

export interface SessionRecords extends Pick<Sessions, 'create' | 'find' | 'read' | 'readSealed' | 'expire' | 'remove'> {
  /**
   * True if `next` was written over `previous`. Else the record that stands instead, null if none
   * does.
   */
  replace(previous: Session, next: Session, event: SessionEvent): Promise<true | Session | null>;
}

export function openSessionRecords({ redis, namespace, log, keepsCredentials }: SessionRecordsDeps): SessionRecords {
  const commit = createCommit({ redis, namespace, log });
  const removeScript = loadLuaScript(redis, new URL('./session-remove-1.lua', import.meta.url));
  const keyOf = (sessionId: string): string => sessionKey(namespace, sessionId);

  return {
    async create(session, sealed) {
      const reply = await commit({ expected: '0', session, sealed, goneAt: session.expiresAt + KEEP_EXPIRED_MS });
      if (reply !== 1) throw new Error(`session ${session.id} exists already`);
    },

    async replace(previous, next, event) {
      const callback = callbackOf(previous, next, event.at);
      const isKept = next.state.kind === 'connected' && (await keepsCredentials?.(next.tenantId)) === true;
      const picture = pictureChange(previous, next, event);
      const sealed = isFinal(next) && !isKept ? '-' : '';
      const reply = await commit({
        expected: previous.version,
        session: next,
        picture,
        sealed,
        ...(callback === null ? {} : { callback: JSON.stringify(callback) }),
      });
      if (reply === 1) return true;
      return typeof reply === 'string' ? decodeSession(reply, next.id) : null;
    },

    async find(sessionId) {
      const record = await redis.hget(keyOf(sessionId), 'record');
      return record === null ? null : decodeSession(record, sessionId);
    },
    read: (sessionId) => readSnapshot(redis, namespace, sessionId),
    readSealed: (sessionId) => redis.hget(keyOf(sessionId), 'sealed'),
    expire: async (sessionId, at) => void (await redis.pexpireat(keyOf(sessionId), at, 'LT')),
    remove: async (session) => (await removeScript([keyOf(session.id)], [session.version])) === 1,
  };
}

interface Commit {
  /** The version that must stand, '0' for none. */
  readonly expected: number | '0';
  readonly session: Session;
  /** As `pictureChange` says. */
  readonly picture?: string;
  /** '-' removes the credentials, '' leaves them. */
  readonly sealed: string;
  /** Unix ms. */
  readonly goneAt?: number;
  readonly callback?: string;
}

/** Resolves to the reply of session-commit-2.lua. */
function createCommit({ redis, namespace, log }: SessionRecordsDeps): (commit: Commit) => Promise<unknown> {
  const script = loadLuaScript(redis, new URL('./session-commit-2.lua', import.meta.url));
  const outbox = createOutbox({ redis, namespace, log });
  return async ({ expected, session, picture = '', sealed, goneAt = '', callback = '' }) => {
    const { id } = session;
    const keys = [sessionKey(namespace, id), sessionCallbacksKey(namespace, id)];
    const args = [expected, session.version, encodeSession(session), picture, sessionChannel(namespace, id), sealed, goneAt, callback];
    const write = (): Promise<unknown> => script(keys, args);
    // The mark lies in another slot than the session, so it cannot be part of the script.
    return callback === '' ? write() : outbox.markAround(sessionMark(id), write);
  };
}

export async function readSnapshot(connection: Redis, namespace: Namespace, sessionId: string): Promise<Snapshot | null> {
  const [record, image] = await connection.hmget(sessionKey(namespace, sessionId), 'record', 'image');
  return record == null ? null : { session: decodeSession(record, sessionId), image: image ?? null };
}

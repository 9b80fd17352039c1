/**
 * The timelines of sessions in Redis: two fields beside the record. Changes add to one as they are
 * stored (session-records.ts), and gateways add to the other what they sent.
 */

import { decodeTimeline } from '@qrcast/core/timeline';
import { sessionKey } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
import type { SessionRecordsDeps } from './session-records.ts';
import type { Sessions } from './sessions.ts';

export type SessionTimelines = Pick<Sessions, 'timeline' | 'addToTimeline'>;

export function createSessionTimelines({ redis, namespace, readSession }: SessionRecordsDeps): SessionTimelines {
  const addLine = loadLuaScript(redis, new URL('./session-note-1.lua', import.meta.url));
  return {
    async timeline(sessionId) {
      const [record, changes, deliveries] = await redis.hmget(sessionKey(namespace, sessionId), 'record', 'timeline', 'deliveries');
      const session = readSession(record, sessionId);
      return session && decodeTimeline(session, `${changes ?? ''}\n${deliveries ?? ''}`);
    },
    addToTimeline: async (sessionId, line) => void (await addLine([sessionKey(namespace, sessionId)], [line])),
  };
}

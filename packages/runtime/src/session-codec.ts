/** Sessions as Redis holds them. What comes from Redis is a boundary: another version of ours may have written it, so it is parsed. */

import type { Session } from '@qrcast/core/session';
import { z } from 'zod';

/** A session and, in `showing`, its picture as a data URL. */
export interface Snapshot {
  readonly session: Session;
  /** Null without a code; also where the picture's write was lost with a crash: the next code brings one. */
  readonly image: string | null;
}

const envelopeSchema = z.looseObject({
  id: z.string(),
  version: z.number().int().positive(),
  toldVersion: z.number().int().positive(),
  state: z.looseObject({ kind: z.enum(['idle', 'waiting', 'showing', 'password', 'connected', 'ended']) }),
});

export function encodeSession(session: Session): string {
  return JSON.stringify(session);
}

/** @throws {Error} if it is no session record. */
export function decodeSession(record: string): Session {
  const parsed = envelopeSchema.safeParse(JSON.parse(record));
  if (!parsed.success) throw new Error('a session record in Redis has an unknown shape; was it written by another version?');
  // Written by encodeSession: the envelope tells our records from others; checking every field would cost more than a poll.
  return parsed.data as unknown as Session;
}

/** A published change: the record, and after the first line break the new picture if it changed with it. */
export function decodeChange(message: string): { session: Session; image: string | null } {
  const end = message.indexOf('\n');
  return end === -1
    ? { session: decodeSession(message), image: null }
    : { session: decodeSession(message.slice(0, end)), image: message.slice(end + 1) };
}

/**
 * A whole state as viewers get it, in the forms that the transports need. A form is made when it is
 * first asked for, once for all viewers who are owed the same.
 */

import { type Format, toWire, type WireSession } from '@qrcast/core/wire';
import type { Picture } from '@qrcast/runtime/sessions/picture';
import type { Snapshot } from '@qrcast/runtime/sessions/session-codec';

export interface SessionMessage {
  readonly kind: 'session';
  readonly version: number;
  readonly session: WireSession;
  /** The JSON of `session`, to be joined. The picture is most of it, and its bytes are there already. */
  json(): readonly (string | Buffer)[];
}

/** In the JSON of a session. No text of a tenant can hold it, because quotes in a text are escaped. */
const BEFORE_PICTURE = '"code":{"image":';

export function createSessionMessage(
  { session, image }: Snapshot,
  viewers: number,
  now: number,
  formats: readonly Format[],
): SessionMessage {
  const plain = toWire(session, { image: null, viewers, now, formats });
  const picture = plain.code !== null && formats.includes('image') ? image : null;
  let whole: WireSession | null = null;
  return {
    kind: 'session',
    version: plain.version,
    get session() {
      whole ??= withPicture(plain, picture);
      return whole;
    },
    json() {
      const text = JSON.stringify(plain);
      if (picture === null) return [text];
      const at = text.indexOf(BEFORE_PICTURE) + BEFORE_PICTURE.length;
      return [text.slice(0, at), picture.json, text.slice(at + 'null'.length)];
    },
  };
}

const withPicture = (plain: WireSession, picture: Picture | null): WireSession =>
  plain.code === null || picture === null ? plain : { ...plain, code: { ...plain.code, image: String(picture) } };

/** The bytes of what is to be joined. @param room bytes left free at the beginning */
export function joinBytes(parts: readonly (string | Buffer)[], room = 0): Buffer {
  let length = room;
  for (const part of parts) length += typeof part === 'string' ? Buffer.byteLength(part) : part.length;
  const joined = Buffer.allocUnsafeSlow(length); // of its own memory, because it may be kept for long
  let at = room;
  for (const part of parts) at += typeof part === 'string' ? joined.write(part, at) : part.copy(joined, at);
  return joined;
}

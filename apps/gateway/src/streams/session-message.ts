/**
 * A whole state as viewers get it, in the forms that the transports need. A form is made when it is
 * first asked for, once for all viewers who are owed the same.
 */

import { type Format, toWire, type WireSession } from '@qrcast/core/wire';
import type { Picture } from '@qrcast/runtime/sessions/picture';
import type { WatchedState } from '@qrcast/runtime/sessions/session-codec';

/** To be sent in the turn in which it was made: the next code is written over its picture. */
export interface SessionMessage {
  readonly kind: 'session';
  readonly version: number;
  readonly session: WireSession;
  /** The JSON of `session`, to be joined. The picture is most of it, and its bytes are there already. */
  json(): TextParts;
}

/** In the JSON of a session. No text of a tenant can hold it, because quotes in a text are escaped. */
const BEFORE_PICTURE = '"code":{"image":';

export function createSessionMessage(
  { session, image }: WatchedState,
  viewers: number,
  now: number,
  formats: readonly Format[],
): SessionMessage {
  const plain = toWire(session, { image: null, viewers, now, formats });
  const picture = plain.code !== null && formats.includes('image') ? image : null;
  let whole: WireSession | null = null;
  let text: string | null = null;
  return {
    kind: 'session',
    version: plain.version,
    get session() {
      whole ??= withPicture(plain, picture);
      return whole;
    },
    json() {
      text ??= JSON.stringify(plain);
      if (picture === null) return [text];
      const at = text.indexOf(BEFORE_PICTURE) + BEFORE_PICTURE.length;
      return [text.slice(0, at), picture.json, text.slice(at + 'null'.length)];
    },
  };
}

/** The same message, to be sent later. */
export function keepMessage({ kind, version, json }: SessionMessage): SessionMessage {
  const joined = joinBytes(json());
  return {
    kind,
    version,
    get session() {
      return JSON.parse(joined.toString());
    },
    json: () => [joined],
  };
}

const withPicture = (plain: WireSession, picture: Picture | null): WireSession =>
  plain.code === null || picture === null ? plain : { ...plain, code: { ...plain.code, image: String(picture) } };

/** What a text is joined of. */
export type TextParts = readonly (string | Buffer)[];

/** In bytes. */
export function lengthOf(parts: TextParts): number {
  let length = 0;
  for (const part of parts) length += typeof part === 'string' ? Buffer.byteLength(part) : part.length;
  return length;
}

export function writeParts(parts: TextParts, target: Buffer, from: number): void {
  let at = from;
  for (const part of parts) at += typeof part === 'string' ? target.write(part, at) : part.copy(target, at);
}

export function joinBytes(parts: TextParts): Buffer {
  const joined = Buffer.allocUnsafeSlow(lengthOf(parts)); // of its own memory, because it may be kept for long
  writeParts(parts, joined, 0);
  return joined;
}

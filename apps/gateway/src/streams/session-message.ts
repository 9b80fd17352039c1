/**
 * A whole state as viewers get it, in the forms that the transports need. A form is made when it is
 * first asked for, once for all viewers who are owed the same.
 */

import { ALL_FORMATS, type Format, type WireBody, type WireSession } from '@qrcast/core/wire';
import { bodyIn, type WatchedState } from '@qrcast/runtime/sessions/published-state';

/** To be sent in the turn in which it was made: the next code is written over its picture. */
export interface SessionMessage {
  readonly kind: 'session';
  readonly version: number;
  readonly session: WireSession;
  /** The JSON of `session`, to be joined. Its bytes are there already, but for what differs from moment to moment. */
  json(): TextParts;
}

/** In the JSON of a session. No text of a tenant can hold it, because quotes in a text are escaped. */
const BEFORE_PICTURE = Buffer.from('"code":{"image":');
const NO_PICTURE = 'null';

export function createSessionMessage(
  { session: { version }, lines, image }: WatchedState,
  viewers: number,
  now: number,
  formats: readonly Format[],
): SessionMessage {
  const whole = bodyIn(lines);
  const body = ALL_FORMATS.every((format) => formats.includes(format)) ? whole : withFormats(whole, formats);
  const end = `,"viewers":${viewers},"serverNow":${now}}`;
  const before = image !== null && formats.includes('image') ? body.indexOf(BEFORE_PICTURE) : -1;
  const at = before + BEFORE_PICTURE.length;
  const json = (): TextParts =>
    image === null || before === -1
      ? [body.subarray(0, -1), end]
      : [body.subarray(0, at), image.json, body.subarray(at + NO_PICTURE.length, -1), end];
  let parsed: WireSession | null = null;
  return {
    kind: 'session',
    version,
    get session() {
      parsed ??= JSON.parse(String(joinBytes(json())));
      return parsed as WireSession; // our own JSON
    },
    json,
  };
}

/** Most viewers want all formats, so this is rare. */
function withFormats(body: Buffer, formats: readonly Format[]): Buffer {
  const session = JSON.parse(String(body)) as WireBody; // our own JSON
  if (session.code === null || formats.includes('text')) return body;
  return Buffer.from(JSON.stringify({ ...session, code: { ...session.code, text: null } } satisfies WireBody));
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

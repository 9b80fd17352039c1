/**
 * A state of a session as it is published: what gateways must know, and the JSON that viewers get.
 * Both are made once, by whoever changes the session. A gateway passes the JSON on as it is.
 */

import { isAscii } from 'node:buffer';
import type { Session } from '@qrcast/core/session';
import { factsOf, isSessionFacts, type SessionFacts } from '@qrcast/core/session-facts';
import { toWireBody } from '@qrcast/core/wire';
import type { Picture } from './picture.ts';
import { decodeSession, type Snapshot } from './session-codec.ts';

export interface PublishedState {
  readonly session: SessionFacts;
  /**
   * In UTF-8: the facts as JSON, a line break, and the session for viewers as JSON, without `viewers`
   * and `serverNow` and with a null for the picture. A view of the message: who keeps it copies it.
   */
  readonly lines: Buffer;
}

/** A state and, in `showing`, its picture as a data URL. */
export interface PublishedChange extends PublishedState {
  /** Null if it has not changed, without a code, and if it was lost in a crash of Redis. */
  readonly image: string | Buffer | null;
  /**
   * The counts of the session's visible viewers when it was written, as pairs of a gateway and its
   * entry (viewers-count-1.lua). Undefined if they were not read with it.
   */
  readonly counts?: readonly string[] | undefined;
  /** Of the span that wrote it. Undefined unless its trace is recorded. */
  readonly traceparent?: string | undefined;
}

/** A state as watchers get it. Its picture holds until they get the next one. */
export interface WatchedState extends Omit<PublishedChange, 'image'> {
  readonly image: Picture | null;
}

/** Stands for a gateway's id, before the counts, and has the traceparent for its entry. */
const TRACEPARENT = 'traceparent';
const LINE_BREAK = 0x0a;
const BRACE = 0x7d;

/** The lines of a state. */
export function encodeState(session: Session): string {
  return `${JSON.stringify(factsOf(session))}\n${JSON.stringify(toWireBody(session, null))}`;
}

/**
 * The JSON for viewers is looked at only at both ends, because parsing it would cost as much as all
 * else that a gateway does with it.
 * @throws {Error} if these are not the lines of a state of the session with this id.
 */
export function decodeState(lines: Buffer, sessionId: string): PublishedState {
  const session: unknown = JSON.parse(lines.toString('utf8', 0, endOfLine(lines, 0)));
  const body = bodyIn(lines);
  const start = `{"id":${JSON.stringify(sessionId)},`;
  const isWhole = body.at(-1) === BRACE && body.toString('latin1', 0, start.length) === start;
  if (!isSessionFacts(session) || session.id !== sessionId || !isWhole) throw new Error('a published state has an unknown shape');
  return { session, lines };
}

/** The JSON for viewers in the lines of a state. */
export function bodyIn(lines: Buffer): Buffer {
  return lines.subarray(endOfLine(lines, 0) + 1);
}

/** A record that was read, as if it had been published. */
export function changeOf({ session, image }: Snapshot): PublishedChange {
  return { session: factsOf(session), lines: Buffer.from(encodeState(session)), image };
}

/**
 * Parses a published change, as session-commit-3.lua joins it. An older version published the record
 * instead of the lines of a state, in the first line or behind the one with the counts.
 * @throws {Error} if it is none of the session with this id.
 */
export function decodeChange(message: Buffer, sessionId: string): PublishedChange {
  const headEnd = endOfLine(message, 0);
  const [format, ...counts] = message.toString('latin1', 0, headEnd).split(' ');
  const traceparent = counts[0] === TRACEPARENT ? counts.splice(0, 2)[1] : undefined;
  if (format === '3') return { ...decodeLines(message.subarray(headEnd + 1), sessionId), counts, traceparent };
  if (format === '2') return { ...decodeRecord(message.toString('utf8', headEnd + 1), sessionId), counts };
  if (format?.startsWith('{') === true) return decodeRecord(message.toString(), sessionId);
  throw new Error('a published change has an unknown format; was it written by another version?');
}

function decodeLines(text: Buffer, sessionId: string): PublishedChange {
  const end = endOfLine(text, endOfLine(text, 0) + 1);
  const image = end === text.length ? null : text.subarray(end + 1);
  return { ...decodeState(text.subarray(0, end), sessionId), image: image !== null && needsEscapes(image) ? String(image) : image };
}

/** No data URL does, but somebody else may have published it. */
const needsEscapes = (url: Buffer): boolean => !isAscii(url) || JSON.stringify(url.toString('latin1')).length !== url.length + '""'.length;

function decodeRecord(text: string, sessionId: string): PublishedChange {
  const [record = '', image = null] = text.split('\n', 2);
  return changeOf({ session: decodeSession(record, sessionId), image });
}

function endOfLine(text: Buffer, from: number): number {
  const end = text.indexOf(LINE_BREAK, from);
  return end === -1 ? text.length : end;
}

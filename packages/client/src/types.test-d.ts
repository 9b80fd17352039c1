/**
 * Checked by the compiler alone: the client's words are the protocol's, and the stock Socket.IO
 * client fits.
 */

import type { CloseReason } from '@qrcast/core/close-codes';
import type { ErrorCode } from '@qrcast/core/errors';
import type { Format as WireFormat, Fresh as WireFresh, WireSession } from '@qrcast/core/wire';
import { io } from 'socket.io-client';
import { expectTypeOf } from 'vitest';
import { socketIo } from './transports/socket-io.ts';
import type { Format, Fresh, RefusalCode, Session, SessionWatch, Transport, WatchEvent } from './types.ts';

/** As deep as a session goes. */
type Writable<T> = T extends object ? { -readonly [K in keyof T]: Writable<T[K]> } : T;

expectTypeOf<Writable<Session>>().toEqualTypeOf<Writable<WireSession>>();
expectTypeOf<Writable<Fresh>>().toEqualTypeOf<Writable<WireFresh>>();
expectTypeOf<Format>().toEqualTypeOf<WireFormat>();

/** No answer to a stream, or to a request for one. */
type Elsewhere =
  | 'upstream_not_allowed'
  | 'no_code'
  | 'not_resumable'
  | 'not_waiting_for_password'
  | 'password_rejected'
  | 'body_too_large'
  | 'unsupported_media_type'
  | 'attempt_live'
  | 'credentials_gone'
  | 'webhook_url_differs'
  | 'webhook_busy'
  | 'public_url_unknown';
expectTypeOf<RefusalCode>().toEqualTypeOf<CloseReason | Exclude<ErrorCode, Elsewhere> | 'no_gateway' | 'unknown'>();

expectTypeOf(socketIo(io)).toEqualTypeOf<Transport>();
expectTypeOf(socketIo(io, ['websocket'])).toEqualTypeOf<Transport>();

declare const event: WatchEvent;
if (event.type === 'connection') expectTypeOf(event.data.status).toBeString();
else expectTypeOf(event.data).toEqualTypeOf<Session>();

declare const watch: SessionWatch;
watch.on('fresh', (session) => expectTypeOf(session).toEqualTypeOf<Session>());
// @ts-expect-error: there is no such event
watch.on('code', () => undefined);

/** The streams that take a connection over, and the listeners that must run before theirs. */

import { removePrefix } from '../http/path-prefix.ts';
import { cutUnreadAnswers } from '../http/read-timeout.ts';
import { addUpgradeHeaders } from '../http/security-headers.ts';
import { openSocketIo } from '../streams/transports/socketio.ts';
import { openWebSocketStream } from '../streams/transports/websocket.ts';
import { CLOSE_WITHIN_MS } from '../streams/viewer-connection.ts';
import type { GatewayOptions } from './gateway-options.ts';
import type { HttpSurface } from './http-surface.ts';
import type { SessionParts } from './sessions.ts';
import type { Shared } from './shared.ts';
import type { Tenancy } from './tenancy.ts';
import type { Viewers } from './viewers.ts';

type Parts = Shared & Tenancy & SessionParts & Viewers;

/** Call before the server listens. */
export function openTransports(
  parts: Parts,
  { app, connections, headers, withoutPrefix }: HttpSurface,
  { maxUnreadAnswers }: Pick<GatewayOptions, 'maxUnreadAnswers'>,
): void {
  const { releasers, hub } = parts;
  const viewers = { ...parts, maxUnreadAnswers };
  const socketIo = openSocketIo(app.server, { ...viewers, answerVisitor: app.routing });
  releasers.push('socket.io', () => socketIo.close());
  const webSocket = openWebSocketStream(app.server, viewers);
  releasers.push('websocket', () => webSocket.close());
  // Each of these adds listeners in front of all others. Therefore the transports come first.
  addUpgradeHeaders(app.server, headers);
  removePrefix(app.server, withoutPrefix);
  cutUnreadAnswers(app.server);
  releasers.push('connections', () => connections.cutAfter(CLOSE_WITHIN_MS));
  // Closed first, because it answers the requests that are held.
  releasers.push('hub', () => hub.close());
}

/**
 * Refuses polled messages that are not UTF-8. Engine.IO decodes them with U+FFFD in place of wrong
 * bytes, and would pass on a password that nobody typed. Over WebSockets its `ws` closes the
 * connection for such a message.
 */

import { type IncomingMessage, ServerResponse } from 'node:http';
import { createUtf8Check, isUtf8Declared } from '@qrcast/core/utf8';

/**
 * A middleware of the engine. Refuses with 400 or 415, which end the connection. An upgrade has no
 * body, and its response is not Node's.
 */
export function requireUtf8(request: IncomingMessage, response: ServerResponse, next: () => void): void {
  const isPolled = request.method === 'POST' && response instanceof ServerResponse;
  if (isPolled && !isUtf8Declared(request.headers['content-type'])) refuse(request, response, 415);
  else {
    if (isPolled) checkText(request, response);
    next();
  }
}

/** This listener is added before the engine's own, and both before any data flows. */
function checkText(request: IncomingMessage, response: ServerResponse): void {
  const isText = createUtf8Check();
  const check = (chunk: Buffer): void => {
    if (isText(chunk)) return;
    request.off('data', check);
    refuse(request, response, 400);
  };
  request.on('data', check);
}

function refuse(request: IncomingMessage, response: ServerResponse, status: 400 | 415): void {
  request.removeAllListeners('end'); // so that the engine does not use what has come
  // After the engine's own listener has had the same chunk: it may refuse that for its size, and a
  // second answer would throw.
  process.nextTick(() => {
    if (response.headersSent) return;
    request.removeAllListeners('data');
    response.writeHead(status, { connection: 'close' }).end(() => request.destroy());
  });
}

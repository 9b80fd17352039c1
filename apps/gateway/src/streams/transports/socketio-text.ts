/**
 * Engine.IO reads what is polled in with a decoder that puts U+FFFD for what is not UTF-8, and would hand a password over that nobody typed.
 * Over WebSockets its `ws` closes such a message by itself.
 */

import { type IncomingMessage, ServerResponse } from 'node:http';
import { createUtf8Check, isUtf8Declared } from '@qrcast/core/utf8';

/** A middleware of its engine; refuses with 400 or 415, which end the connection. An upgrade has no body, and a response that is not Node's. */
export function requireUtf8(request: IncomingMessage, response: ServerResponse, next: () => void): void {
  const isPolled = request.method === 'POST' && response instanceof ServerResponse;
  if (isPolled && !isUtf8Declared(request.headers['content-type'])) refuse(request, response, 415);
  else {
    if (isPolled) checkText(request, response);
    next();
  }
}

/** Its listener is there before the engine's own, and that one before anything flows. */
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
  request.removeAllListeners('end'); // what came is not to be taken
  // Not before the engine's own listener has had the same chunk: it may refuse that for its size, and a second answer throws.
  process.nextTick(() => {
    if (response.headersSent) return;
    request.removeAllListeners('data');
    response.writeHead(status, { connection: 'close' }).end(() => request.destroy());
  });
}

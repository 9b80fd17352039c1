/**
 * Engine.IO reads what is polled in with a decoder that puts U+FFFD for what is not UTF-8, and would hand a password over that nobody typed.
 * Over WebSockets its `ws` closes such a message by itself.
 */

import { type IncomingMessage, ServerResponse } from 'node:http';
import { isUtf8Declared } from '@qrcast/core/utf8';

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
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const check = (chunk: Buffer): void => {
    try {
      decoder.decode(chunk, { stream: true });
    } catch {
      request.off('data', check);
      // Else the engine has refused it already, for its session or its size. A second answer would be an error that nobody catches.
      if (!response.headersSent) refuse(request, response, 400); // its only error: not UTF-8
    }
  };
  request.on('data', check);
}

function refuse(request: IncomingMessage, response: ServerResponse, status: 400 | 415): void {
  request.removeAllListeners('end'); // what came is not to be taken
  response.writeHead(status, { connection: 'close' }).end(() => request.destroy());
  // The engine still counts the bytes and the seconds of this body, and would answer 413 or 408 as well.
  response.writeHead = () => response;
  response.end = () => response;
}

/**
 * Answers what came over a connection but is not a request, or did not arrive whole in time. The
 * answer is sent if the socket can still be written to. Then the connection is cut.
 */

import type { Socket } from 'node:net';
import { RefusedError, toProblem } from '@qrcast/core/errors';
import type { AnswerHeaders } from './security-headers.ts';

const HEADERS_TOO_LARGE = 'expected a URL and headers of at most 16 KiB together';
const NOT_HTTP = 'the request could not be read; expected HTTP/1.1';

/** Returns the refusal that it answered; null if there was nobody to answer, or nothing to refuse. */
export function answerBrokenRequest({ code }: { readonly code?: string }, socket: Socket, headers: AnswerHeaders): RefusedError | null {
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return null;
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    answer(socket, '408 Request Timeout', headers, '');
    return null;
  }
  const refusal = new RefusedError('invalid_request', code === 'HPE_HEADER_OVERFLOW' ? HEADERS_TOO_LARGE : NOT_HTTP);
  const type = 'application/problem+json; charset=utf-8';
  answer(socket, '400 Bad Request', { ...headers, 'content-type': type }, JSON.stringify(toProblem(refusal)));
  return refusal;
}

function answer(socket: Socket, status: string, headers: AnswerHeaders, body: string): void {
  const fields = { ...headers, 'cache-control': 'no-store', connection: 'close', 'content-length': String(Buffer.byteLength(body)) };
  const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status}\r\n${head.join('')}\r\n${body}`);
  // Ends the connection once the answer is written, without reading what else comes.
  socket.destroySoon();
}

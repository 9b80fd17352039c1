/**
 * Answers as values, and the one function that writes them. Pages of the outer nginx have no CORS
 * headers; answers of the API have.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { decodeUtf8 } from '@qrcast/core/utf8';

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
  'access-control-allow-headers': 'Content-Type',
} as const;
const JSON_HEADERS = { ...CORS, 'content-type': 'application/json; charset=utf-8' } as const;

const REASONS: Readonly<Record<number, string>> = {
  403: 'Forbidden',
  404: 'Not Found',
  413: 'Request Entity Too Large',
  502: 'Bad Gateway',
  504: 'Gateway Time-out',
};

const NGINX_FOOT = '<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n';

export function json(value: unknown, status = 200): Reply {
  return { status, headers: JSON_HEADERS, body: JSON.stringify(value) };
}

/** A body that is JSON already, or is sent as if it were. */
export function rawJson(body: string | Buffer, status = 200): Reply {
  return { status, headers: JSON_HEADERS, body };
}

export function text(body: string, status = 200, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { ...CORS, 'content-type': 'text/plain; charset=utf-8', ...headers }, body };
}

export function empty(status: number, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { ...CORS, ...headers }, body: '' };
}

/**
 * A refusal with the API's own text. The provider publishes the text but not the JSON around it, so
 * clients must search for the text.
 */
export function badRequest(message: string): Reply {
  return json({ message }, 400);
}

export function nginxPage(status: number): Reply {
  const title = `${status} ${REASONS[status] ?? 'Error'}`;
  const lines = ['<html>', `<head><title>${title}</title></head>`, '<body>', `<center><h1>${title}</h1></center>`, NGINX_FOOT];
  const body = lines.join('\r\n');
  return { status, headers: { 'content-type': 'text/html' }, body };
}

/** Writes the whole reply. Does nothing if the client has left or something was written already. */
export function sendReply(response: ServerResponse, reply: Reply): void {
  if (response.destroyed || response.headersSent) return;
  const { status, headers, body } = reply;
  const length = status === 204 ? undefined : { 'content-length': Buffer.byteLength(body) };
  response.writeHead(status, { ...headers, ...length }).end(body);
}

const NOT_UTF8 = '(not UTF-8)';

/** The most bytes of a request body that are read. No client sends more here. */
const MAX_BODY_BYTES = 64 * 1024;

/**
 * The text of a request's body; null if it is too long. A body that is not UTF-8 becomes a text
 * that is not JSON, and is refused as such. Rejects if the client breaks off.
 */
export async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop must not destroy the request, because its socket is needed for the refusal.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return decodeUtf8(Buffer.concat(chunks)) ?? NOT_UTF8;
}

/** What every answer on this port tells browsers, whoever gives it: a route, Socket.IO, or the parser that could make nothing of a request. */

import type { Server } from 'node:http';

/** For what is no page: should a browser ever take it for one, it can load nothing, run nothing and be framed by nobody. */
const HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin', // of no effect on calls with CORS
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** A year; not for subdomains and their siblings, which are not ours. */
const HTTPS_ONLY = { 'strict-transport-security': 'max-age=31536000' } as const;

export type AnswerHeaders = Readonly<Record<string, string>>;

/** `publicUrl`: where browsers reach us; unset on a machine of one's own. */
export function answerHeaders(publicUrl: string | undefined): AnswerHeaders {
  return publicUrl?.startsWith('https:') === true ? { ...HEADERS, ...HTTPS_ONLY } : HEADERS;
}

/** Sets them before anything else looks at a request; who answers may set others in their place. Call it when all listeners are there. */
export function setAnswerHeaders(http: Server, headers: AnswerHeaders): void {
  http.prependListener('request', (_request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  });
}

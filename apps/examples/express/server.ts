/**
 * A backend that lets its users link their messenger account. The API key and the provider's token
 * stay here. The browser gets a ticket, which opens one session and is valid for 15 minutes.
 */

import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import express, { type ErrorRequestHandler, type Request } from 'express';

const { PORT = '8080', GREEN_API_URL } = process.env;
const QRCAST_URL = (process.env['QRCAST_URL'] || 'http://127.0.0.1:3000').replace(/\/$/, '');
const API_KEY = setting('QRCAST_API_KEY');

/**
 * Stands for your database: the provider's instance of each user (here one for all) and the last
 * session of each user.
 */
const instance = { instanceId: setting('GREEN_API_ID_INSTANCE'), apiToken: setting('GREEN_API_TOKEN') };
const sessionIds = new Map<string, string>();

interface Session {
  readonly id: string;
  readonly state: string;
}

class GatewayError extends Error {
  /** In seconds; null if trying again cannot help. */
  readonly retryAfter: string | null;

  constructor(message: string, retryAfter: string | null) {
    super(message);
    this.retryAfter = retryAfter;
  }
}

const app = express();

app.get('/', (_request, response) => response.sendFile(fileURLToPath(new URL('page.html', import.meta.url))));

// The page may repeat this call: while the user's session is live, the gateway returns the same
// one.
app.post('/login-code', async (request, response) => {
  const user = currentUser(request);
  const body = { ...instance, ...(GREEN_API_URL ? { apiUrl: GREEN_API_URL } : {}), reference: user.id };
  const created = await gateway<{ session: Session; ticket: string; pageUrl: string }>('POST', '/v1/sessions', body);
  sessionIds.set(user.id, created.session.id);
  response.json({ url: new URL(created.pageUrl).origin, ticket: created.ticket });
});

// A ticket is valid for 15 minutes, and a person may come back to the page later.
app.post('/login-code/ticket', async (request, response) => {
  const id = sessionIds.get(currentUser(request).id);
  if (id === undefined) return void response.status(404).json({ message: 'Please begin again.' });
  const { ticket } = await gateway<{ ticket: string }>('POST', `/v1/sessions/${id}/tickets`, {});
  response.json({ ticket });
});

// Do not trust the page: ask the gateway. If the gateway sends callbacks (`session.connected`),
// that route also belongs here, and does what follows a login even if the user has closed the page.
app.get('/login-code/result', async (request, response) => {
  const id = sessionIds.get(currentUser(request).id);
  const found = id === undefined ? null : await gateway<{ session: Session }>('GET', `/v1/sessions/${id}?visible=false`);
  response.json({ isLinked: found?.session.state === 'connected' });
});

app.use(((error, _request, response, _next) => {
  console.error(error instanceof Error ? error.message : error);
  if (!(error instanceof GatewayError) || error.retryAfter === null) {
    return void response.status(502).json({ message: 'This does not work at the moment.' });
  }
  response
    .status(503)
    .set('retry-after', error.retryAfter)
    .json({ message: `Please try again in ${error.retryAfter} s.` });
}) satisfies ErrorRequestHandler);

const server = app.listen(Number(PORT), '127.0.0.1', (error) => {
  if (error !== undefined) throw error;
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`); // TCP has an address object
});

/** Replace this with your own login. Here everybody is the same user. */
function currentUser(_request: Request): { readonly id: string } {
  return { id: 'user-1' };
}

function setting(name: string): string {
  const value = process.env[name];
  if (value) return value;
  console.error(`set ${name}`);
  process.exit(2);
}

/** @throws {GatewayError} with the gateway's own text */
async function gateway<Answer>(method: string, path: string, body?: object): Promise<Answer> {
  const headers = { authorization: `Bearer ${API_KEY}` };
  const init = body && { headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(QRCAST_URL + path, { method, headers, ...init }).catch(() => null);
  const answer = await response?.json().catch(() => null); // a proxy before the gateway may not answer with JSON
  if (response?.ok && answer !== null) return answer;
  const detail = answer?.detail ?? (response === null ? 'the gateway does not answer' : `status ${response.status}`);
  throw new GatewayError(detail, response === null ? '5' : response.headers.get('retry-after'));
}

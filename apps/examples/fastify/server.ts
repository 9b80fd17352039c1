/**
 * A backend that lets its users link their messenger account. The API key and the provider's token
 * stay here. The browser gets a ticket, which opens one session and is valid for 15 minutes.
 */

import { readFileSync } from 'node:fs';
import fastify, { type FastifyRequest } from 'fastify';

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

const app = fastify();

const page = readFileSync(new URL('page.html', import.meta.url));
app.get('/', (_request, reply) => reply.type('text/html; charset=utf-8').send(page));

// The page may repeat this call: while the user's session is live, the gateway returns the same
// one.
app.post('/login-code', async (request) => {
  const user = currentUser(request);
  const body = { ...instance, ...(GREEN_API_URL ? { apiUrl: GREEN_API_URL } : {}), reference: user.id };
  const created = await gateway<{ session: Session; ticket: string; pageUrl: string }>('POST', '/v1/sessions', body);
  sessionIds.set(user.id, created.session.id);
  return { url: new URL(created.pageUrl).origin, ticket: created.ticket };
});

// A ticket is valid for 15 minutes, and a person may come back to the page later.
app.post('/login-code/ticket', async (request, reply) => {
  const id = sessionIds.get(currentUser(request).id);
  if (id === undefined) return reply.status(404).send({ message: 'Please begin again.' });
  const { ticket } = await gateway<{ ticket: string }>('POST', `/v1/sessions/${id}/tickets`, {});
  return { ticket };
});

// Do not trust the page: ask the gateway. If the gateway sends callbacks (`session.connected`),
// that route also belongs here, and does what follows a login even if the user has closed the page.
app.get('/login-code/result', async (request) => {
  const id = sessionIds.get(currentUser(request).id);
  const found = id === undefined ? null : await gateway<{ session: Session }>('GET', `/v1/sessions/${id}?visible=false`);
  return { isLinked: found?.session.state === 'connected' };
});

app.setErrorHandler((error, _request, reply) => {
  console.error(error instanceof Error ? error.message : error);
  if (!(error instanceof GatewayError) || error.retryAfter === null) {
    return reply.status(502).send({ message: 'This does not work at the moment.' });
  }
  return reply
    .status(503)
    .header('retry-after', error.retryAfter)
    .send({ message: `Please try again in ${error.retryAfter} s.` });
});

console.log(await app.listen({ port: Number(PORT), host: '127.0.0.1' }));

/** Replace this with your own login. Here everybody is the same user. */
function currentUser(_request: FastifyRequest): { readonly id: string } {
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

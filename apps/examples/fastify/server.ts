/**
 * A backend that lets its users link their messenger account. The API key and the provider's token stay here; the browser gets a ticket,
 * which opens one session and lasts a quarter of an hour.
 */

import { readFileSync } from 'node:fs';
import fastify, { type FastifyRequest } from 'fastify';

const { PORT = '8080', GREEN_API_URL } = process.env;
const QRCAST_URL = (process.env['QRCAST_URL'] || 'http://127.0.0.1:3000').replace(/\/$/, '');
const API_KEY = setting('QRCAST_API_KEY');

/** Your database: the provider's instance of each user, here one for all, and the session that each user began last. */
const instance = { instanceId: setting('GREEN_API_ID_INSTANCE'), apiToken: setting('GREEN_API_TOKEN') };
const sessionIds = new Map<string, string>();

interface Session {
  readonly id: string;
  readonly state: string;
}

class GatewayError extends Error {
  /** In seconds; null where trying again is of no use. */
  readonly retryAfter: string | null;

  constructor(message: string, retryAfter: string | null) {
    super(message);
    this.retryAfter = retryAfter;
  }
}

const app = fastify();

const page = readFileSync(new URL('page.html', import.meta.url));
app.get('/', (_request, reply) => reply.type('text/html; charset=utf-8').send(page));

// May be repeated: while the user's session is live, the gateway finds it again.
app.post('/login-code', async (request) => {
  const user = currentUser(request);
  const body = { ...instance, ...(GREEN_API_URL ? { apiUrl: GREEN_API_URL } : {}), reference: user.id };
  const created = await gateway<{ session: Session; ticket: string; pageUrl: string }>('POST', '/v1/sessions', body);
  sessionIds.set(user.id, created.session.id);
  return { url: new URL(created.pageUrl).origin, ticket: created.ticket };
});

// A ticket lasts a quarter of an hour, and a person may come back to the page later.
app.post('/login-code/ticket', async (request, reply) => {
  const id = sessionIds.get(currentUser(request).id);
  if (id === undefined) return reply.status(404).send({ message: 'Please begin again.' });
  const { ticket } = await gateway<{ ticket: string }>('POST', `/v1/sessions/${id}/tickets`, {});
  return { ticket };
});

// The page's word is not enough: the gateway is asked. Where the gateway calls back (`session.connected`), that route stands here and does
// what follows a login, even if the user has closed the page.
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

/** Your own login; here everybody is one user. */
function currentUser(_request: FastifyRequest): { readonly id: string } {
  return { id: 'user-1' };
}

function setting(name: string): string {
  const value = process.env[name];
  if (value) return value;
  console.error(`set ${name}`);
  process.exit(2);
}

/** @throws {GatewayError} in the gateway's own words. */
async function gateway<Answer>(method: string, path: string, body?: object): Promise<Answer> {
  const headers = { authorization: `Bearer ${API_KEY}` };
  const init = body && { headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(QRCAST_URL + path, { method, headers, ...init }).catch(() => null);
  const answer = await response?.json().catch(() => null); // what stands before the gateway may not speak JSON
  if (response?.ok && answer !== null) return answer;
  const detail = answer?.detail ?? (response === null ? 'the gateway does not answer' : `status ${response.status}`);
  throw new GatewayError(detail, response === null ? '5' : response.headers.get('retry-after'));
}

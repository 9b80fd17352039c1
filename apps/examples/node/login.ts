/**
 * Links a messenger account: creates a session, prints the page for the account's owner, and
 * watches with the client library, which reconnects by itself.
 *
 * Node 22.18 or newer. Exit status: 0 connected, 1 not connected, 2 a setting is missing.
 */

import { watchSession } from '@qrcast/client';
import type { Session } from '@qrcast/client/types';

const MAX_FAILURES = 8; // in a row

const url = setting('QRCAST_URL', 'http://127.0.0.1:3000').replace(/\/$/, '');
const apiKey = setting('QRCAST_API_KEY');

function setting(name: string, otherwise?: string): string {
  const value = process.env[name] || otherwise;
  if (value !== undefined) return value;
  console.error(`set ${name}`);
  process.exit(2);
}

/** Tries again while that can help. Otherwise throws with the gateway's own text. */
async function post<Answer>(path: string, body: object): Promise<Answer> {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
  for (let failures = 0; failures < MAX_FAILURES; failures++) {
    const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) }).catch(() => null);
    const answer = await response?.json().catch(() => null); // a proxy before the gateway may not answer with JSON
    if (response?.ok) return answer as Answer; // in the form that the protocol describes
    const trouble = answer?.detail ?? (response === null ? 'no connection' : `status ${response.status}`);
    if (response !== null && response.status < 500 && response.status !== 429) throw new Error(`refused: ${trouble}`);
    console.error(`${trouble}; trying again`);
    const retryAfterMs = 1_000 * (Number(response?.headers.get('retry-after')) || 0);
    await new Promise((resolve) => setTimeout(resolve, retryAfterMs + Math.random() * Math.min(15_000, 1_000 * 2 ** failures)));
  }
  throw new Error(`gave up after ${MAX_FAILURES} tries`);
}

function describe({ state, notice, end }: Session): string {
  const why = notice?.code ?? end?.reason;
  return why === undefined ? state : `${state} (${why})`;
}

async function login(): Promise<boolean> {
  const { GREEN_API_URL: apiUrl } = process.env;
  const { session, ticket, pageUrl } = await post<{ session: Session; ticket: string; pageUrl: string }>('/v1/sessions', {
    instanceId: setting('GREEN_API_ID_INSTANCE'),
    apiToken: setting('GREEN_API_TOKEN'),
    reference: 'order-77',
    ...(apiUrl === undefined ? {} : { apiUrl }),
  });
  console.log(`page: ${pageUrl}`);

  // A ticket is valid for 15 minutes; a session may take longer.
  const renewTicket = async () => (await post<{ ticket: string }>(`/v1/sessions/${session.id}/tickets`, {})).ticket;
  const watch = watchSession({ url, ticket, formats: ['text'], renewTicket });
  let printed = '';
  for await (const { type, data } of watch) {
    if (type === 'connection' && data.status === 'retrying') console.error('lost the connection; trying again');
    if (type === 'connection' && data.status === 'refused') throw new Error(`refused: ${data.detail ?? data.code}`);
    if (type !== 'session' || describe(data) === printed) continue;
    printed = describe(data);
    console.log(printed);
  }
  return watch.snapshot.session?.state === 'connected';
}

try {
  process.exitCode = (await login()) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

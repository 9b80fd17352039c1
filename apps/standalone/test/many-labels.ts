/**
 * For tests: callers that try to make ever more series, with as many paths, methods, clients,
 * tenants and hosts of a provider as a few calls can name.
 */

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { METRICS } from '@qrcast/runtime/metrics/metric-table';
import type { Releasers } from '@qrcast/runtime/releasers';
import { asText } from './full-troubles.ts';
import type { LeakStage } from './leak-stage.ts';
import { parseMetrics } from './parse-metrics.ts';
import { metricsPortOf, scrapeOf } from './shown-places.ts';

const MOST_HOSTS = METRICS.qrcast_poll_seconds.labels.host.atMost;
/** Each at a host of its own. */
const SESSIONS_OF_A_TENANT = 3;
const PATHS = 120;
const LOOK_AGAIN_MS = 250;
const METHODS = ['GET', 'POST', 'PUT', 'PROPFIND', 'PURGE', 'SEARCH', 'MKCOL'];

/** Resolves to a text that was in every path and every name of a client. */
export async function bringManyLabels(stage: LeakStage, releasers: Releasers): Promise<string> {
  const mark = randomBytes(12).toString('hex');
  await callEverywhere(stage, mark);
  const stop = new AbortController();
  releasers.push('viewers of many hosts', () => stop.abort());
  const tickets = await createEverywhere(stage);
  await Promise.all(tickets.map((ticket, n) => watch(stage, ticket, `${mark}/${n}`, stop.signal)));
  await untilHostsAreTold(stage);
  stop.abort();
  return mark;
}

async function callEverywhere({ callers, accessLogs }: LeakStage, mark: string): Promise<void> {
  const paths = Array.from({ length: PATHS }, (_, n) => `${['/v1', '', '/v1/sessions', '/socket.io'][n % 4]}/${mark}-${n}/"%22%5C%0A${n}`);
  const calls = paths.map((path, n) =>
    callers.call(METHODS[n % METHODS.length] ?? 'GET', `${accessLogs[n % 2]?.url}${path}`, { headers: { 'user-agent': `${mark} ${n}` } }),
  );
  await Promise.all(calls);
}

/** Resolves to the tickets of the sessions. They have one token, which the hunt looks for. */
async function createEverywhere({ hunt, call, operator, manyHosts }: LeakStage): Promise<readonly string[]> {
  const apiToken = `t-${randomBytes(24).toString('hex')}`;
  hunt.add('provider token at many hosts', apiToken);
  const createAt = async (secret: string, n: number): Promise<string> => {
    const instanceId = `1102${String(n).padStart(6, '0')}`;
    const { status, text, body } = await call('POST', '/v1/sessions', {
      secret,
      body: { instanceId, apiToken, apiUrl: manyHosts.urls[n] },
    });
    if (status !== 201) throw new Error(`the session was not created: ${text}`);
    return asText(body['ticket']);
  };
  const tickets: string[] = [];
  for (let first = 0; first < manyHosts.urls.length; first += SESSIONS_OF_A_TENANT) {
    const id = `many-${first / SESSIONS_OF_A_TENANT}`;
    const { body } = await call('POST', '/v1/admin/tenants', { secret: operator.adminKey, body: { id, name: id } });
    for (let n = 0; n < SESSIONS_OF_A_TENANT; n++) tickets.push(await createAt(asText(body['apiKey']), first + n));
  }
  return tickets;
}

/** Resolves once the stream has begun. Nobody reads it. */
async function watch({ accessLogs }: LeakStage, ticket: string, client: string, signal: AbortSignal): Promise<void> {
  const headers = { authorization: `Bearer ${ticket}`, 'user-agent': client };
  const { status } = await fetch(`${accessLogs[1].url}/v1/sessions/self/events`, { headers, signal });
  if (status !== 200) throw new Error(`expected a stream, and was answered ${status}`);
}

/** A host has a label of its own once it has answered. */
async function untilHostsAreTold({ programs, operator }: LeakStage): Promise<void> {
  const worker = programs.get('worker');
  if (worker === undefined) throw new Error('there is no worker');
  const port = await metricsPortOf(worker);
  const hosts = async (): Promise<ReadonlySet<string | undefined>> => {
    const { samples } = parseMetrics(await scrapeOf(port, operator.metricsToken));
    return new Set(samples.filter(({ name }) => name === 'qrcast_poll_seconds_count').map(({ labels }) => labels['host']));
  };
  while ((await hosts()).size <= MOST_HOSTS) await delay(LOOK_AGAIN_MS);
}

/** A scrape of a gateway and a worker that have done known work, compared with what viewers and provider saw. */

import { createMeters } from '@qrcast/runtime/metrics/meters';
import type { Metric } from '@qrcast/runtime/metrics/metric';
import { METRICS } from '@qrcast/runtime/metrics/metric-table';
import { openMetricsRegistry } from '@qrcast/runtime/process/metrics-registry';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { type Callers, createCallers } from '../test/callers.ts';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { parseMetrics, type Samples } from '../test/parse-metrics.ts';

const meters = createMeters();
const registry = openMetricsRegistry(meters, ['gateway', 'worker']);
const scrape = async (): Promise<Samples> => parseMetrics(await registry.text());

let cluster: Cluster;
let callers: Callers;
let url: string;
/** While the viewers of the first session watch, and after everything. */
let during: Samples;
let after: Samples;
let text: string;
const secrets: string[] = [];

beforeAll(async () => {
  cluster = await openCluster({ redisUrl: inject('redisUrl'), meters });
  callers = createCallers();
  url = cluster.gateways[0]?.publicUrl ?? '';
  await logIn();
  await cancel();
  await callers.call('GET', `${url}/v1/sessions`, { secret: 'qk_nobody_has_this_key' });
  await callers.call('GET', `${url}/v1/nothing-is-here`);
  await vi.waitUntil(async () => (await scrape()).sum('qrcast_connections') === 0, { timeout: 60_000 });
  text = await registry.text();
  after = parseMetrics(text);
});
afterAll(async () => {
  callers.close();
  registry.close();
  await cluster.close();
});

/** With a viewer on each transport. */
async function logIn(): Promise<void> {
  const instance = cluster.newInstance();
  const { session, ticket } = await cluster.create(instance);
  const streams = [callers.socketIo(url, ticket, ['websocket']), callers.webSocket(url, ticket), callers.events(url, ticket)];
  const shown = await Promise.all(streams.map((stream) => stream.until('"showing"')));
  const held = callers.call('GET', `${url}/v1/sessions/${session.id}?wait=30`, {
    secret: ticket,
    headers: { 'if-none-match': `"${9_000_000_000}"` },
  });
  await Promise.all(streams.map((stream) => stream.until('fresh')));
  during = await scrape();
  instance.scan();
  await Promise.all(streams.map((stream) => stream.until('"connected"')));
  await held;
  await Promise.all(streams.slice(1).map((stream) => stream.until('done')));
  const codeText = /"text":"([^"]+)"/.exec(shown.join())?.[1] ?? expect.unreachable();
  secrets.push(
    session.id,
    ticket,
    instance.idInstance,
    instance.apiToken,
    instance.phone,
    codeText,
    cluster.apiKey,
    cluster.webhookToken,
    'acme',
  );
}

async function cancel(): Promise<void> {
  const { session, ticket } = await cluster.create(cluster.newInstance());
  const stream = callers.webSocket(url, ticket);
  await stream.until('"showing"');
  await cluster.call('DELETE', `/v1/sessions/${session.id}`);
  await stream.until('"ended"');
}

it('has every metric of the table, with its type and no label but those of the table', () => {
  for (const [name, { type, labels }] of Object.entries<Metric>(METRICS)) {
    expect(text).toContain(`# TYPE ${name} ${type}\n`);
    for (const used of after.labelsOf(name)) expect([...Object.keys(labels), 'le']).toContain(used);
  }
});

describe('logins', () => {
  it('are counted once for each step', () => {
    const steps = ['watched', 'code_shown', 'scanned', 'password', 'connected'].map((step) =>
      after.sum('qrcast_attempt_steps_total', { step }),
    );
    expect(steps).toEqual([2, 2, 1, 0, 1]);
    expect(after.sum('qrcast_attempt_steps_total', { step: 'ended' })).toBe(1);
    expect(after.sum('qrcast_attempt_steps_total', { step: 'ended', reason: 'cancelled' })).toBe(1);
    expect(after.sum('qrcast_attempts_total', { messenger: 'max' })).toBe(2);
    expect(after.sum('qrcast_time_to_first_code_seconds_count')).toBe(2);
    expect(after.sum('qrcast_codes_per_login_count')).toBe(1);
  });
});

describe('viewers', () => {
  it('have their connections while they watch, and none afterwards', () => {
    const now = ['socketio', 'websocket', 'sse'].map((transport) => during.sum('qrcast_connections', { transport }));
    expect(now).toEqual([1, 1, 1]);
    expect(during.sum('qrcast_subscriptions')).toBe(during.sum('qrcast_connections'));
    expect(during.sum('socket_io_connected')).toBe(1);
    expect([after.sum('qrcast_subscriptions'), after.sum('socket_io_connected')]).toEqual([0, 0]);
    expect(after.sum('qrcast_connections_accepted_total', { transport: 'websocket' })).toBe(2);
    expect(after.sum('qrcast_connections_closed_total', { transport: 'websocket', code: 'done' })).toBe(2);
    expect(after.sum('qrcast_connections_limit')).toBe(1_000);
  });

  it('were sent as many messages as they got', () => {
    const got = (kind: string): number => callers.messages().filter((message) => message.startsWith(`{"type":"${kind}"`)).length;
    for (const kind of ['session', 'fresh'])
      expect(after.sum('qrcast_messages_sent_total', { transport: 'websocket', kind })).toBe(got(kind));
    expect(after.sum('qrcast_messages_sent_bytes_total', { transport: 'websocket' })).toBeGreaterThan(1_000);
  });

  it('had each change soon, and joining is no change', () => {
    const waited = after.sum('qrcast_delivery_seconds_count', { kind: 'session' });
    expect(waited).toBeGreaterThan(0);
    expect(waited).toBeLessThan(after.sum('qrcast_messages_sent_total', { kind: 'session' }));
    expect(after.sum('qrcast_delivery_seconds_sum')).toBeLessThan(60);
  });

  it('and callers that are refused are counted by the reason', () => {
    expect(after.sum('qrcast_refusals_total', { code: 'unauthenticated' })).toBe(1);
    expect(after.sum('qrcast_refusals_total', { code: 'not_found' })).toBe(1);
    expect(after.sum('qrcast_http_request_seconds_count', { route: '/v1/sessions', method: 'GET', status: '401' })).toBe(1);
  });
});

it('requests to the provider are counted as it has them', () => {
  const asked = cluster.simulator.instances().flatMap((instance) => instance.requests);
  for (const [method, name] of [
    ['qr', 'qr'],
    ['state', 'getStateInstance'],
  ] as const) {
    const answered = asked.filter((request) => request.method === name && request.status !== null).length;
    expect(after.sum('qrcast_provider_answers_total', { method })).toBe(answered);
  }
  expect(after.sum('qrcast_poll_seconds_count')).toBe(after.sum('qrcast_provider_answers_total'));
  expect(after.sum('qrcast_poll_seconds_count', { host: new URL(cluster.simulator.url).host })).toBe(
    after.sum('qrcast_poll_seconds_count'),
  );
  expect(after.sum('qrcast_polls_inflight')).toBe(0);
  expect(after.sum('qrcast_polls_limit')).toBe(cluster.worker.concurrency);
  expect(after.sum('qrcast_poll_lateness_seconds_count')).toBeGreaterThan(0);
  expect(after.sum('qrcast_code_decode_seconds_count')).toBeGreaterThan(1);
});

it('the work and Redis are told as they are', () => {
  expect(after.sum('qrcast_ready')).toBe(2);
  expect(after.sum('qrcast_waiting_sessions')).toBeLessThanOrEqual(2); // ended sessions leave a moment later
  expect(after.sum('qrcast_tick_age_seconds')).toBeLessThan(10);
  expect(after.sum('qrcast_redis_command_seconds_count', { command: 'session-commit-3' })).toBeGreaterThan(4);
  expect(after.sum('qrcast_bus_messages_total')).toBeGreaterThan(4);
  expect(after.sum('bullmq_job_completed_total', { queue: 'polls' })).toBeGreaterThan(0);
});

it('names no session, instance, account, tenant, code or secret', () => {
  for (const secret of secrets) expect(text).not.toContain(secret);
});

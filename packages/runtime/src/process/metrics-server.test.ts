/** What Prometheus gets, over real HTTP. */

import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createLog } from '../log.ts';
import { createMeters, type Meters } from '../metrics/meters.ts';
import { METRICS } from '../metrics/metric-table.ts';
import { openMetricsServer } from './metrics-server.ts';
import { addReadyGauge } from './ready-gauge.ts';

const TOKEN = '0f4c9b27d1e86a35c0b7f29de4815a63';

async function open(meters: Meters = createMeters(), token?: string): Promise<string> {
  const server = await openMetricsServer({ port: 0, token, meters, owners: ['gateway', 'worker'], log: createLog('test', 'silent') });
  onTestFinished(() => server.close());
  return `http://127.0.0.1:${server.port}/metrics`;
}

async function linesOf(url: string, name: string): Promise<string[]> {
  const text = await (await fetch(url)).text();
  return text.split('\n').filter((line) => line.replace(/^# \w+ /, '').startsWith(name));
}

it('shows a counter, a histogram and a gauge with their help and labels, and an empty label not at all', async () => {
  const meters = createMeters();
  meters.counter('qrcast_refusals_total', { code: 'too_many_requests', limit: 'viewers' }).add(2);
  meters.counter('qrcast_refusals_total', { code: 'not_found', limit: '' }).add();
  for (const seconds of [0.05, 0.2, 500]) meters.histogram('qrcast_scan_to_connected_seconds', {}).observe(seconds);
  meters.level('qrcast_connections', { transport: 'sse' }).up();
  const url = await open(meters);
  expect(await linesOf(url, 'qrcast_refusals_total')).toEqual([
    expect.stringContaining('# HELP'),
    '# TYPE qrcast_refusals_total counter',
    'qrcast_refusals_total{code="too_many_requests",limit="viewers"} 2',
    'qrcast_refusals_total{code="not_found"} 1',
  ]);
  const histogram = await linesOf(url, 'qrcast_scan_to_connected_seconds');
  expect(histogram).toContain('qrcast_scan_to_connected_seconds_bucket{le="0.5"} 2');
  expect(histogram).toContain('qrcast_scan_to_connected_seconds_bucket{le="300"} 2');
  expect(histogram).toContain('qrcast_scan_to_connected_seconds_bucket{le="+Inf"} 3');
  expect(histogram).toContain('qrcast_scan_to_connected_seconds_sum 500.25');
  expect(histogram).toContain('qrcast_scan_to_connected_seconds_count 3');
  expect(await linesOf(url, 'qrcast_connections{')).toEqual(['qrcast_connections{transport="sse"} 1']);
  expect(await linesOf(url, 'process_cpu_seconds_total')).toHaveLength(3);
  expect(await linesOf(url, 'qrcast_build_info{')).toEqual([
    expect.stringMatching(/version="\d+\.\d+\.\d+(-rc\.\d+)?",node="26\.[\d.]+"} 1$/),
  ]);
});

it('begins the series that are known beforehand with 0, so that their first count is seen as growth', async () => {
  const meters = createMeters();
  meters.counter('qrcast_callback_faults_total', { cause: 'tls' }).add();
  const url = await open(meters);
  const causes = await linesOf(url, 'qrcast_callback_faults_total{');
  expect(causes).toContain('qrcast_callback_faults_total{cause="tls"} 1');
  expect(causes).toContain('qrcast_callback_faults_total{cause="dns"} 0');
  expect(await linesOf(url, 'qrcast_bus_messages_total')).toContain('qrcast_bus_messages_total 0');
  meters.counter('qrcast_connections_closed_total', { transport: 'sse', code: 'draining' }).add(2);
  const closed = await linesOf(url, 'qrcast_connections_closed_total{');
  expect(closed).toContain('qrcast_connections_closed_total{transport="sse",code="draining"} 2');
  expect(closed).toContain('qrcast_connections_closed_total{transport="websocket",code="client"} 0');
  const { transport, code } = METRICS.qrcast_connections_closed_total.labels;
  expect(closed).toHaveLength(transport.length * code.length);
  expect(await linesOf(url, 'qrcast_provider_answers_total{')).toEqual([]); // too many
});

it.each([
  ['qrcast_connections_limit', 7],
  ['qrcast_waiting_sessions', 4],
  ['qrcast_redis_writable', 3],
] as const)('combines what several parts say of one gauge as its table says: %s', async (name, expected) => {
  const meters = createMeters();
  for (const value of [3, 4]) meters.gauge(name, () => value);
  expect(await linesOf(await open(meters), name)).toContain(`${name} ${expected}`);
});

it.each([
  ['is not known', () => null],
  ['fails', () => Promise.reject(new Error('Redis is out'))],
  ['never comes', () => new Promise<number>(() => undefined)],
])('leaves out a gauge whose reading %s, and shows the rest', async (_name, read) => {
  const meters = createMeters();
  meters.gauge('qrcast_waiting_sessions', read);
  meters.gauge('qrcast_outbox_marks', () => 5);
  const url = await open(meters);
  expect((await linesOf(url, 'qrcast_waiting_sessions')).filter((line) => !line.startsWith('#'))).toEqual([]);
  expect(await linesOf(url, 'qrcast_outbox_marks')).toContain('qrcast_outbox_marks 5');
});

it('says 0 of a process that takes long to find out that it is not ready', async () => {
  const meters = createMeters();
  const end = addReadyGauge(meters, 'worker', async () => {
    await delay(2_000);
    throw new Error('it takes no jobs');
  });
  const url = await open(meters);
  expect(await linesOf(url, 'qrcast_ready{')).toEqual(['qrcast_ready{role="worker"} 0']);
  end();
  expect(await linesOf(url, 'qrcast_ready{')).toEqual([]);
});

it('answers who knows the token, and tells nobody else anything', async () => {
  const url = await open(createMeters(), TOKEN);
  const ask = async (authorization?: string) => fetch(url, authorization === undefined ? {} : { headers: { authorization } });
  for (const wrong of [undefined, 'Bearer', `Bearer ${TOKEN}x`, `Basic ${TOKEN}`, `Bearer ${TOKEN} x`, TOKEN]) {
    const refused = await ask(wrong);
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toBe('Bearer');
    expect(await refused.text()).not.toContain('qrcast_connections');
  }
  for (const right of [`Bearer ${TOKEN}`, `bearer  ${TOKEN}`]) expect((await ask(right)).status).toBe(200);
});

it('says what is here to who asks for something else', async () => {
  const url = await open();
  expect(await (await fetch(url.replace('/metrics', '/'))).text()).toBe('only /metrics is here\n');
  const posted = await fetch(url, { method: 'POST' });
  expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  const head = await fetch(url, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
});

it('says which setting to change if its port is taken', async () => {
  const port = Number(new URL(await open()).port);
  const again = openMetricsServer({ port, meters: createMeters(), owners: ['worker'], log: createLog('test', 'silent') });
  await expect(again).rejects.toThrow('QRCAST_METRICS_PORT');
});

it('answers 500 and logs it if the metrics cannot be read', async () => {
  const lines: string[] = [];
  const meters = createMeters();
  vi.spyOn(meters.counters, 'get').mockImplementation(() => {
    throw new Error('a fault');
  });
  const log = createLog('test', 'error', { write: (line) => void lines.push(line) });
  const server = await openMetricsServer({ port: 0, meters, owners: ['worker'], log });
  onTestFinished(() => server.close());
  expect((await fetch(`http://127.0.0.1:${server.port}/metrics`)).status).toBe(500);
  expect(lines).toEqual([expect.stringContaining('the metrics could not be read')]);
});

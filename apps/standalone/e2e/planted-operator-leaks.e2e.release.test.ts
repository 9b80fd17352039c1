/**
 * The twin of no-leaks for what operators and tenants are shown: metrics, traces, timelines, commands
 * and the console. A secret that is put there is found.
 */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createLog } from '@qrcast/runtime/log';
import { createMeters } from '@qrcast/runtime/metrics/meters';
import { openMetricsServer } from '@qrcast/runtime/process/metrics-server';
import { type Namespace, sessionKey } from '@qrcast/runtime/redis/keys';
import { createReleasers } from '@qrcast/runtime/releasers';
import { Redis } from 'ioredis';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { type CallOptions, createCallers } from '../test/callers.ts';
import { type Cluster, type Created, openCluster } from '../test/cluster.ts';
import { watchConsole } from '../test/evidence-console.ts';
import { printDoctor, printTenants, printTop } from '../test/full-commands.ts';
import { lookAtConsole } from '../test/full-console.ts';
import { createLeakHunt } from '../test/leak-hunt.ts';
import { hasTerminals } from '../test/login.ts';
import { spawnNode } from '../test/role-process.ts';
import { scrapeOf, timelinesOf } from '../test/shown-places.ts';
import { openTraceReceiver } from '../test/trace-receiver.ts';
import { openTracing } from '../test/traced-roles.ts';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const METRICS_TOKEN = 'metrics-token-of-this-test-0123456789';
const TOKEN = 'Zm9vLXRva2VuXzAxMjM0NTY3ODktYWJjZGVm';
const PASSWORD = `it's "6d2f9a1c7be84035" & 50% + ü/`;

const hunt = createLeakHunt();
hunt.add('token', TOKEN);
hunt.add('password', PASSWORD);
const names = (text: string): string[] => [...new Set(hunt.find(text).map((found) => found.replace(/ \(.*/, '')))];

const releasers = createReleasers();
let cluster: Cluster;
let live: Created;
let url: string;

/** A tenant, a session and a timeline with the token in each text that somebody else gives. */
beforeAll(async () => {
  cluster = await openCluster({ redisUrl: inject('redisUrl'), hasConsole: true, callbackHosts: ['http://127.0.0.1:9'] });
  releasers.push('cluster', () => cluster.close());
  url = cluster.gateways[0]?.publicUrl ?? '';
  live = await cluster.create(cluster.newInstance(), { reference: TOKEN });
  await cluster.view(live.ticket).until(({ state }) => state === 'showing');
  const headers = { authorization: `Bearer ${cluster.adminKey}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ name: TOKEN, callback: { url: 'http://127.0.0.1:9/' } });
  expect((await fetch(`${url}/v1/admin/tenants/acme`, { method: 'PATCH', headers, body })).status).toBe(200);
  const ended = await cluster.create(cluster.newInstance());
  expect((await cluster.call('DELETE', `/v1/sessions/${ended.session.id}`)).status).toBeLessThan(300);
  await vi.waitUntil(async () => (await (await cluster.call('GET', '/v1/callbacks')).text()).includes('session.ended'), {
    timeout: 60_000,
  });
  const redis = new Redis(cluster.worker.redisUrl);
  releasers.push('redis', async () => void (await redis.quit()));
  const line = JSON.stringify(['c', 1, 2, 'answered', TOKEN, 1, 'waiting', '', 0, 0]);
  await redis.hset(sessionKey(cluster.worker.namespace as Namespace, live.session.id), 'timeline', line);
});
afterAll(() => releasers.release());

describe('the evidence of what operators are shown contains', () => {
  it('a label of a scrape', async () => {
    const meters = createMeters();
    meters.histogram('qrcast_redis_command_seconds', { command: TOKEN }).observe(1);
    const served = await openMetricsServer({ port: 0, token: METRICS_TOKEN, meters, owners: ['worker'], log: createLog('test', 'silent') });
    releasers.push('metrics', () => served.close());
    expect(names(await scrapeOf(served.port, METRICS_TOKEN))).toEqual(['token']);
    await expect(scrapeOf(served.port, 'another')).rejects.toThrow('401');
  });

  it('a span, its attributes and its events', async () => {
    const collector = await openTraceReceiver();
    releasers.push('collector', () => collector.close());
    const { args, env } = await openTracing(collector.url, releasers);
    const script = `import { trace } from '@opentelemetry/api';
      const span = trace.getTracer('planted').startSpan('a span', { attributes: { 'qrcast.session': ${JSON.stringify(TOKEN)} } });
      span.recordException(new Error(${JSON.stringify(PASSWORD)}));
      span.end();
      await trace.getTracerProvider().getDelegate().forceFlush();
      process.stdout.write('exported');`;
    const program = spawnNode([...args, '--input-type=module', '-e', script], env, PACKAGE);
    await program.until(/exported/);
    await program.stop();
    expect(names(collector.text())).toEqual(['token', 'password']);
  });

  it('a timeline', async () => {
    const callers = createCallers();
    const call = (method: string, path: string, options?: CallOptions) => callers.call(method, `${url}${path}`, options);
    const keys = { adminKey: cluster.adminKey, apiKey: cluster.apiKey };
    for (const text of (await timelinesOf(call, keys, [live.session.id])).split('\n')) expect(names(text)).toEqual(['token']);
  });

  it('what commands print, each of them', async () => {
    const options = { url, adminKey: cluster.adminKey, apiKey: cluster.apiKey };
    const env = { QRCAST_ADMIN_KEY: cluster.adminKey, [`QRCAST_${TOKEN}`]: '1' };
    const top = await printTop(options, live.session.id);
    const tenants = await printTenants(createLeakHunt(), options, 'acme');
    const printed = new Map([...top, ...(await printDoctor({ fit: env, faulty: env })), ...tenants]);
    const found = [...printed].flatMap(([name, text]) => (names(text).length > 0 ? [name] : []));
    // A text without a name that a tenant gave stays without a finding.
    const may = /^(tenants (add|keys|suspend)|.* with a wrong key)/;
    expect(found.toSorted()).toEqual(
      [...printed.keys()].filter((name) => !may.test(name) || name === 'tenants keys list --json').toSorted(),
    );
    expect(found.includes('top at a terminal')).toBe(hasTerminals);
  });
});

describe('the evidence of the console contains', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
    releasers.push('browser', () => browser.close());
  });

  const look = (plant?: string) =>
    lookAtConsole({
      ...{ hunt: createLeakHunt(), browser, origin: url, sessionId: live.session.id },
      keys: { operator: cluster.adminKey, tenant: cluster.apiKey },
      ...(plant === undefined ? {} : { plant }),
    });

  it('what others have named, in the answers, the stream, the views and the file', async () => {
    const { told, views, saved } = await look();
    const paths = told.filter((answer) => names(answer).length > 0).map((answer) => new URL(answer.split(' ')[1] ?? '').pathname);
    const timeline = `sessions/${live.session.id}/timeline`;
    const expected = ['/v1/admin/overview', '/v1/overview', '/v1/admin/tenants', `/v1/admin/${timeline}`, `/v1/${timeline}`];
    expect(paths).toEqual(expect.arrayContaining(expected));
    const shown = ['sessions of the operator', 'tenants of the operator', 'one session of the operator'];
    for (const view of [...shown, 'sessions of the tenant', 'one session of the tenant'])
      expect(names(views.get(view) ?? '')).toEqual(['token']);
    expect(names(saved)).toEqual(['token']);
  });

  it('what stands in the document of each view', async () => {
    const { views } = await look(`addEventListener('DOMContentLoaded', () => document.body.append(${JSON.stringify(PASSWORD)}))`);
    for (const [view, seen] of views) expect(names(seen), view).toContain('password');
    expect(views.size).toBeGreaterThan(20);
  });
});

describe('the evidence of the page of the console contains', () => {
  const T = JSON.stringify(TOKEN);
  const server = createServer((request, response) => {
    const { url: asked = '' } = request;
    response.writeHead(200, { 'content-type': 'text/html', ...(asked === '/header' ? { 'x-leak': TOKEN } : {}) });
    if (asked === '/stream') for (const part of [TOKEN.slice(0, 9), TOKEN.slice(9)]) response.write(part);
    else response.end(asked === '/body' ? TOKEN : '<input id="field">');
  });
  let browser: Browser;
  let origin: string;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it.each([
    ['a header of an answer', `fetch('/header')`],
    ['the body of an answer', `fetch('/body')`],
    ['a stream that has not ended, in parts', `fetch('/stream')`],
    ['an address', `fetch('/?' + ${T}, { referrerPolicy: 'no-referrer' })`],
    ['a referrer', `history.replaceState(null, '', '/?' + ${T}), fetch('/'), history.replaceState(null, '', '/')`],
    ['the console of the browser', `console.error(${T})`],
    ['a field', `field.value = ${T}`],
    ['localStorage', `localStorage.token = ${T}`],
    ['sessionStorage', `sessionStorage.token = ${T}`],
    ['an address before this one', `history.pushState(null, '', '/?' + ${T}), history.pushState(null, '', '/')`],
  ])('%s', async (_where, script) => {
    const page = await (await browser.newContext()).newPage();
    const evidence = await watchConsole(page);
    await page.goto(origin);
    const all = async (): Promise<string> => [...evidence.told(), ...evidence.said(), await evidence.kept()].join('\n');
    expect(names(await all())).toEqual([]);
    await page.evaluate(`void (${script})`);
    await expect.poll(async () => names(await all())).toEqual(['token']);
    await page.context().close();
  });
});

/**
 * The twin of no-leaks: the same search over the same evidence finds a planted leak, by each way
 * and in each encoding.
 */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CounterName, createMeters, type GaugeName, type HistogramName } from '@qrcast/runtime/metrics/meters';
import type { Metric } from '@qrcast/runtime/metrics/metric';
import { METRICS } from '@qrcast/runtime/metrics/metric-table';
import { openMetricsRegistry } from '@qrcast/runtime/process/metrics-registry';
import { Redis } from 'ioredis';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openAccessLog } from '../test/access-log.ts';
import { openBrowser } from '../test/browser.ts';
import { createCallers } from '../test/callers.ts';
import { type PageEvidence, watchPage } from '../test/evidence-browser.ts';
import { openRedisEvidence } from '../test/evidence-redis.ts';
import { findUnbounded } from '../test/label-hunt.ts';
import { createLeakHunt } from '../test/leak-hunt.ts';
import { commandLines, environmentOf, spawnNode } from '../test/role-process.ts';

const TOKEN = 'Zm9vLXRva2VuXzAxMjM0NTY3ODktYWJjZGVm';
const PASSWORD = `it's "6d2f9a1c7be84035" & 50% + ü/`;
const KEY = Buffer.from('00f1e2d3c4b5a69788796a5b4c3d2e1f0f1e2d3c4b5a69788796a5b4c3d2e1f0', 'hex');
const PICTURE = `data:image/png;base64,${Buffer.from(Array.from({ length: 300 }, (_, i) => (i * 89) % 251)).toString('base64')}`;

const hunt = createLeakHunt();
hunt.add('token', TOKEN);
hunt.add('password', PASSWORD);
hunt.add('key', KEY);
hunt.add('picture', PICTURE);
const names = (text: string): string[] => [...new Set(hunt.find(text).map((found) => found.replace(/ \(.*/, '')))];

describe('the search finds', () => {
  const inside = (before: string, text: string): string => Buffer.from(`${before}${text}, and more`).toString('base64');
  it.each([
    ['in clear', `GET /waInstance1/qr/${TOKEN}?x`, 'token'],
    ['cut off', `…${PICTURE.slice(60)}`, 'picture'],
    ['cut short', `${PICTURE.slice(0, 300)}…`, 'picture'],
    ['in JSON', JSON.stringify({ password: PASSWORD }), 'password'],
    ['in JSON in JSON', JSON.stringify(JSON.stringify({ password: PASSWORD })), 'password'],
    ['in a URL', `/?p=${encodeURIComponent(PASSWORD)}`, 'password'],
    ['in a form', new URLSearchParams({ password: PASSWORD }).toString(), 'password'],
    ['in base64', inside('', PASSWORD), 'password'],
    ['in base64 behind a character', inside('a', PASSWORD), 'password'],
    ['in base64 behind two', inside('ab', PASSWORD), 'password'],
    ['in base64url', Buffer.from(`${PASSWORD}?`).toString('base64url'), 'password'],
    ['in hex', Buffer.from(TOKEN).toString('hex').toUpperCase(), 'token'],
    ['as bytes in base64', KEY.toString('base64'), 'key'],
    ['as bytes in hex', KEY.toString('hex'), 'key'],
  ])('a secret %s', (_how, text, name) => {
    expect(names(`before ${text} behind`)).toEqual([name]);
  });

  it('nothing if there is nothing', () => {
    expect(hunt.find(`${TOKEN.slice(0, 20)} ${PASSWORD.slice(0, 8)} ${KEY.subarray(0, 12).toString('base64')}`)).toEqual([]);
  });

  it('no secret in a place where it is allowed', () => {
    expect(hunt.find(TOKEN, (name) => name === 'token')).toEqual([]);
  });
});

describe('the evidence contains', () => {
  it('what a program writes, and what other programs can read of it', async () => {
    const script = `process.stdout.write(${JSON.stringify(TOKEN)}); console.error(${JSON.stringify(PASSWORD)}); setInterval(() => 0, 1e6)`;
    const program = spawnNode(['-e', script, KEY.toString('hex')], { LEAK: TOKEN });
    await program.until(/"6d2f9a1c7be84035"/);
    if (process.platform === 'linux') {
      expect(names(commandLines().get(program.pid) ?? '')).toContain('key');
      expect(names(environmentOf(program.pid))).toEqual(['token']);
    }
    await program.stop();
    expect(names(program.output())).toEqual(['token', 'password']);
  });

  it('an address and a referrer, with and without an upgrade', async () => {
    const server = createServer((_request, response) => response.end('{}'));
    server.on('upgrade', (_request, socket) => socket.end('HTTP/1.1 404 Not Found\r\n\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const log = await openAccessLog(() => (server.address() as AddressInfo).port);
    const callers = createCallers();
    await callers.call('GET', `${log.url}/v1/sessions?ticket=${TOKEN}`);
    await callers.call('GET', `${log.url}/`, { headers: { referer: `https://a.example.com/?${KEY.toString('hex')}` } });
    await callers.webSocket(`${log.url}/${encodeURIComponent(PASSWORD)}`, '').until('closed');
    await log.close();
    await new Promise((resolve) => server.close(resolve));
    expect(log.lines().map(names)).toEqual([['token'], ['key'], ['password']]);
  });

  it('everything that an answer or a stream contains', async () => {
    const server = createServer((request, response) => {
      const { url = '' } = request;
      response.setHeader('x-echo', Buffer.from(url).toString('hex'));
      if (url.endsWith('/events')) response.end(`event: session\ndata: ${TOKEN}\n\n`);
      else response.writeHead(url === '/refused' ? 400 : 200).end(JSON.stringify({ ticket: TOKEN, detail: PASSWORD }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const callers = createCallers();
    await callers.call('GET', `${url}/refused`);
    await callers.call('GET', `${url}/${TOKEN}`);
    await callers.call('POST', `${url}/v1/sessions`);
    await callers.events(url, '').until('ended');
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(callers.refusals().map(names)).toEqual([['token', 'password']]);
    // Where a ticket is created, its own field may contain it.
    expect(callers.answers().map(names)).toEqual([['token', 'password'], ['password']]);
    expect(names(callers.messages().join('\n'))).toEqual(['token']);
  });

  it('every kind of record in Redis, every message, and short-lived values', async () => {
    const redis = new Redis(inject('redisUrl'));
    const evidence = await openRedisEvidence(inject('redisUrl'));
    const plants = {
      string: () => redis.set('leak:string', TOKEN),
      field: () => redis.hset('leak:queue:1', 'data', JSON.stringify({ apiToken: TOKEN })),
      list: () => redis.rpush('leak:list', TOKEN),
      member: () => redis.sadd('leak:set', TOKEN),
      scored: () => redis.zadd('leak:zset', 1, TOKEN),
      entry: () => redis.xadd('leak:stream', '*', 'token', TOKEN),
      key: () => redis.set(`leak:${TOKEN}`, '1'),
    };
    for (const [what, plant] of Object.entries(plants)) {
      expect(names(await evidence.dump()), `before the ${what}`).toEqual([]);
      await plant();
      expect(names(await evidence.dump()), what).toEqual(['token']);
      for (const key of await redis.keys('leak:*')) await redis.del(key);
    }
    await redis.publish('leak', PASSWORD);
    while (!names(evidence.messages().join('\n')).includes('password')) await redis.ping();
    await redis.quit();
    await evidence.close();
    expect(names(evidence.commands().join('\n'))).toEqual(['token', 'password']);
  });
});

describe('the search for labels finds', () => {
  const series = (count: number, labelsOf: (n: number) => string): string =>
    Array.from({ length: count }, (_, n) => labelsOf(n)).join('\n');

  it.each([
    ['a metric of no table', 'qrcast_new_total 1', 'qrcast_new_total is in no table'],
    ['a metric of another library', 'http_requests{path="/"} 1', 'http_requests is in no table'],
    ['a label that the table does not name', 'qrcast_ready{tenant="acme"} 1', 'a label tenant, which the table does not name'],
    ['a value that the table does not list', 'qrcast_connections{transport="smoke \\"signals\\""} 1', '1 values of transport'],
    ['a bound of a bucket', 'qrcast_time_to_first_code_seconds_bucket{le="7"} 1', '1 values of le'],
    [
      'more values than the table allows',
      series(51, (n) => `qrcast_poll_seconds_count{outcome="code",host="${n}.example.com"} 1`),
      '51 values of host, and the table allows 50',
    ],
    ['more series of the process than it has', series(41, (n) => `nodejs_things{kind="${n}"} 1`), 'nodejs_things has 41 series'],
  ])('%s', (_what, scrape, words) => {
    expect(findUnbounded(`# TYPE x counter\n${scrape}\n`)).toEqual([expect.stringContaining(words)]);
  });

  it('nothing in what the product serves after 1,000 tenants, hosts and sessions, whatever label they fill', async () => {
    const meters = createMeters(['acme']);
    for (let n = 0; n < 1_000; n++) {
      for (const [name, { type, labels }] of Object.entries<Metric>(METRICS)) {
        if (name === 'qrcast_build_info') continue; // the registry fills it
        const odd = Object.fromEntries(Object.keys(labels).map((label) => [label, `${label} "\n${n}`]));
        const named = 'tenant' in labels ? { ...odd, tenant: meters.tenantLabel(`tenant-${n}`) } : odd;
        if (type === 'counter') meters.counter(name as CounterName, named as never).add();
        else if (type === 'histogram') meters.histogram(name as HistogramName, named as never).observe(1);
        else meters.level(name as GaugeName, named as never).up();
      }
    }
    const registry = openMetricsRegistry(meters, ['gateway', 'worker']);
    const text = await registry.text();
    registry.close();
    expect(findUnbounded(text)).toEqual([]);
    for (const name of Object.keys(METRICS)) expect(text).toContain(`# TYPE ${name} `);
    expect(text).not.toContain('"tenant-'); // the operator has named another one
    expect(text.split('\n').length).toBeLessThan(50_000);
  });
});

describe('the evidence of a page contains', () => {
  let browser: Browser;
  let page: Page;
  let evidence: PageEvidence;
  const server = createServer((_request, response) => response.setHeader('content-type', 'text/html').end('<p id=host></p>'));
  let url: string;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await new Promise((resolve) => server.close(resolve));
  });

  const T = JSON.stringify(TOKEN);
  const DATABASE = `new Promise((resolve) => {
    const opening = indexedDB.open('leak');
    opening.onupgradeneeded = () => opening.result.createObjectStore('store');
    opening.onsuccess = () => {
      const writing = opening.result.transaction('store', 'readwrite');
      writing.objectStore('store').put({ token: ${T} }, 1);
      writing.oncomplete = () => resolve(opening.result.close());
    };
  })`;

  async function openAnew(): Promise<void> {
    page = await (await browser.newContext()).newPage();
    evidence = watchPage(page);
    await page.goto(url);
    expect(names(`${await evidence.kept()}${evidence.said().join('\n')}${await evidence.sessionStorage()}`)).toEqual([]);
  }

  it.each([
    ['localStorage', `localStorage.token = ${T}`],
    ['a cookie', `document.cookie = 'token=' + ${T}`],
    ['a database', DATABASE],
    ['a cache', `caches.open('leak').then((cache) => cache.put('/', new Response(${T})))`],
    ['the address', `location.hash = ${T}`],
    ['the history', `history.pushState(null, '', '/?' + ${T}), history.pushState(null, '', '/')`],
    ["the history's state", `history.pushState({ token: ${T} }, '', '/')`],
    ['the window', `window.name = ${T}`],
    ['the title', `document.title = ${T}`],
    ['what it shows', `host.textContent = ${T}`],
    ['what an element shows', `host.attachShadow({ mode: 'open', serializable: true }).innerHTML = '<p>' + ${T}`],
    ['what it has loaded', `fetch('/?' + ${T}).then((response) => response.text())`],
  ])('%s', async (_where, script) => {
    await openAnew();
    await page.evaluate(`(async () => void (await (${script})))()`);
    expect(names(await evidence.kept())).toEqual(['token']);
    await page.context().close();
  });

  it('sessionStorage, its requests, its sockets and its console', async () => {
    await openAnew();
    await page.evaluate(`sessionStorage.token = ${T}`);
    expect(names(await evidence.sessionStorage())).toEqual(['token']);
    for (const script of [`fetch('/?' + ${T})`, `new WebSocket(location.origin + '/' + ${T})`, `console.log(${T})`]) {
      const before = evidence.said().length;
      await page.evaluate(`void ${script}`);
      while (names(evidence.said().slice(before).join('\n')).length === 0) await page.evaluate('1');
    }
    await page.context().close();
  });
});

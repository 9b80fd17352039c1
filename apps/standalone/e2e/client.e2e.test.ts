/**
 * The published client in Chromium, on a page of another origin: over each transport, in a worker,
 * and without a network.
 */

import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGzip } from 'node:zlib';
import type { Session } from '@qrcast/client/types';
import { openTestProxy } from '@qrcast/runtime/test/proxy';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { type Cluster, openCluster, TEST_POLICY } from '../test/cluster.ts';
import { stopClock } from '../test/page.ts';

const BUILT = fileURLToPath(new URL('.', import.meta.resolve('@qrcast/client')));

let browser: Browser;
let cluster: Cluster;
let site: Server;
let page: Page;
const faults: string[] = [];
beforeAll(async () => {
  if (!existsSync(BUILT))
    throw new Error('expected the built client in packages/client/dist; build it: pnpm --filter @qrcast/client build');
  site = createServer((request, response) => {
    const name = new URL(request.url ?? '', 'http://site').pathname.slice(1);
    if (name.endsWith('.js')) response.setHeader('content-type', 'text/javascript').end(readFileSync(join(BUILT, name)));
    else
      response
        .setHeader('content-type', 'text/html')
        .end('<!doctype html><title>a page of somebody else</title><link rel="icon" href="data:,">');
  }).listen(0, '127.0.0.1');
  await once(site, 'listening');
  [browser, cluster] = await Promise.all([openBrowser(), openCluster({ redisUrl: inject('redisUrl') })]);
});
afterAll(async () => {
  await Promise.all([browser.close(), cluster.close()]);
  await new Promise((resolve) => site.close(resolve));
});
afterEach(() => page.context().close());

async function openPage(hasOwnClock = false): Promise<void> {
  page = await (await browser.newContext()).newPage();
  if (hasOwnClock) await page.clock.install();
  faults.length = 0;
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  page.on('pageerror', (error) => faults.push(error.message));
  await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`); // it listens on TCP
}

/** In the page, as its `watch`. */
async function watch(ticket: string, transport: string, url = cluster.gateways[0]?.publicUrl): Promise<void> {
  const options = { url, ticket, transport };
  await page.evaluate(`(async () => {
    const { watchSession } = await import('/watch-session.js');
    globalThis.watch = watchSession(${JSON.stringify(options)});
  })()`);
}

/** Compresses like express with `compression()`, even if the answer forbids it. */
async function openSwallowingProxy(port: number) {
  let streams = 0;
  const proxy = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const onward = request({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
      const isStream = answer.headers['content-type']?.startsWith('text/event-stream') === true;
      if (isStream) streams++;
      outgoing.writeHead(answer.statusCode ?? 502, { ...answer.headers, ...(isStream ? { 'content-encoding': 'gzip' } : {}) });
      outgoing.flushHeaders();
      if (isStream) answer.pipe(createGzip()).pipe(outgoing);
      else answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy()); // the page was closed
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  });
  proxy.on('upgrade', (_request, socket) => void socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'));
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, // it listens on TCP
    streams: () => streams,
    async close(): Promise<void> {
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}

const shows = (condition: string): Promise<unknown> => page.waitForFunction(condition);

describe.each(['auto', 'websocket', 'sse', 'long-poll'])('a page of another origin over %s', (transport) => {
  it('shows the live code, takes the password, and sees the login', async () => {
    const instance = cluster.newInstance();
    const { ticket } = await cluster.create(instance);
    await openPage();
    await watch(ticket, transport);
    await shows(`watch.snapshot.session?.code?.image?.startsWith('data:image/png')`);
    const name = transport === 'auto' ? 'websocket' : transport;
    expect(await page.evaluate('watch.snapshot.connection')).toEqual({ status: 'open', transport: name });
    instance.scanWithPassword('right');
    await shows(`watch.snapshot.session.state === 'password'`);
    expect(await page.evaluate(`watch.sendPassword('right')`)).toEqual({ ok: true });
    await shows(`watch.snapshot.connection.status === 'closed'`);
    expect(await page.evaluate('watch.snapshot.session')).toMatchObject({ state: 'connected' } satisfies Partial<Session>);
    expect(faults).toEqual([]);
  });
});

describe('a page', () => {
  it('whose connection is open but silent removes the code in time, and recovers when it is cut', async () => {
    const proxy = await openTestProxy(cluster.gateways[0]?.port ?? 0);
    const { ticket } = await cluster.create(cluster.newInstance());
    await openPage(true);
    await watch(ticket, 'auto', `http://127.0.0.1:${proxy.port}`);
    await shows('watch.snapshot.session?.code');
    await stopClock(page);
    proxy.freeze();
    await page.evaluate(`{
      const { promise, resolve } = Promise.withResolvers();
      let { staleAt } = watch.snapshot.session.code;
      watch.on('fresh', ({ code }) => { staleAt = code.staleAt; });
      watch.on('session', ({ code }) => { if (code) staleAt = code.staleAt; }); // it may have come before the freeze
      watch.on('stale', () => resolve({ staleAt, now: watch.serverNow(), code: watch.snapshot.session.code }));
      globalThis.gone = promise;
      void 0; // otherwise this call would wait for it
    }`);
    await page.clock.runFor(TEST_POLICY.codeTtlMs);
    const gone = (await page.evaluate('gone')) as { staleAt: number; now: number; code: unknown };
    expect(gone.code).toBeNull();
    expect(gone.now).toBeLessThan(gone.staleAt);
    proxy.cut();
    await page.clock.resume();
    await shows('watch.snapshot.session.code');
    await proxy.close();
  });

  it('without a bundler loads it from the gateway, as one file', async () => {
    const instance = cluster.newInstance();
    const { ticket } = await cluster.create(instance);
    await openPage();
    const options = { url: cluster.gateways[0]?.publicUrl, ticket };
    const file = `${options.url}/client.js`;
    await page.addScriptTag({ type: 'module', url: file });
    const content = `import { watchSession } from '${file}'; globalThis.watch = watchSession(${JSON.stringify(options)});`;
    await page.addScriptTag({ type: 'module', content });
    await shows(`globalThis.watch?.snapshot.session?.code?.image?.startsWith('data:image/png')`);
    instance.scan();
    await shows(`watch.snapshot.session.state === 'connected'`);
    expect(faults).toEqual([]);
  });

  it('behind a proxy that compresses streams and refuses WebSocket gets its code by long-poll', async () => {
    const proxy = await openSwallowingProxy(cluster.gateways[0]?.port ?? 0);
    const { ticket } = await cluster.create(cluster.newInstance());
    await openPage();
    await watch(ticket, 'auto', proxy.url);
    await shows('watch.snapshot.session?.code');
    expect(await page.evaluate('watch.snapshot.connection')).toEqual({ status: 'open', transport: 'long-poll' });
    expect(proxy.streams()).toBe(1);
    await page.evaluate('watch.close()');
    await proxy.close();
  });

  it('in a browser without newer functions shows the code over every transport, and no call rejects', async () => {
    const { ticket } = await cluster.create(cluster.newInstance());
    await openPage();
    const told = await page.evaluate(`new Promise((resolve, reject) => {
      const source = \`
        for (const [owner, ...names] of [
          [AbortSignal, 'any', 'timeout', 'abort'], [URL, 'canParse', 'parse'], [URLSearchParams.prototype, 'size'], [Object, 'hasOwn', 'groupBy'],
          [Array.prototype, 'at', 'findLast', 'toSorted', 'with'], [String.prototype, 'at'], [Promise, 'withResolvers', 'try'],
          [self, 'structuredClone', 'reportError'], [Crypto.prototype, 'randomUUID'], [Response, 'json'],
        ]) for (const name of names) {
          for (let holder = owner; holder !== null; holder = Object.getPrototypeOf(holder)) delete holder[name];
          if (name in owner) throw new Error('still there: ' + name);
        }
        const { watchSession } = await import('\${location.origin}/watch-session.js');
        const options = ${JSON.stringify({ url: cluster.gateways[0]?.publicUrl, ticket })};
        const told = await Promise.all(['websocket', 'sse', 'long-poll'].map(async (transport) => {
          const watch = watchSession({ ...options, transport, formats: ['text'] });
          for await (const { type, data } of watch) {
            if (type !== 'session' || data.code === null) continue;
            const { error } = await watch.sendPassword('p');
            watch.close();
            return [transport, data.code.image, typeof data.code.text, error.code];
          }
        }));
        postMessage(told);\`;
      const worker = new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })), { type: 'module' });
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
    })`);
    const answered = [null, 'string', 'not_waiting_for_password'];
    expect(told).toEqual(['websocket', 'sse', 'long-poll'].map((transport) => [transport, ...answered]));
  });

  it('leaves it to a worker', async () => {
    const { ticket } = await cluster.create(cluster.newInstance());
    await openPage();
    const options = { url: cluster.gateways[0]?.publicUrl, ticket };
    const state = await page.evaluate(`new Promise((resolve, reject) => {
      const source = \`import { watchSession } from '\${location.origin}/watch-session.js';
        for await (const { type, data } of watchSession(${JSON.stringify(options)})) if (type === 'session' && data.code) postMessage(data.state);\`;
      const worker = new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })), { type: 'module' });
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
    })`);
    expect(state).toBe('showing');
  });
});

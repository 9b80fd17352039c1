/**
 * The client library as its users install it: its tarball in their own project, with their tools
 * from npm. Each page is built, served and opened in a browser, where it must show a live code.
 */

import { cpSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { openBrowser } from '@qrcast/standalone/test/browser';
import { type Cluster, openCluster } from '@qrcast/standalone/test/cluster';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { createProject, type Project, pack, removeFolder, runWell, scratchFolder } from '../../../infra/test/packed-client.ts';
import { openPage } from './test-page.ts';
import { EXAMPLES, startProgram } from './test-program.ts';

const ADDRESS = /http:\/\/(?:127\.0\.0\.1|localhost):\d+/;

const folder = scratchFolder();
let tarball = '';
let browser: Browser;
let cluster: Cluster;
const open: { close(): Promise<unknown> }[] = [];

beforeAll(async () => {
  tarball = pack('npm', folder);
  const simulator = { rotateMs: 3_600_000 }; // no code changes while a test compares it
  [browser, cluster] = await Promise.all([openBrowser(), openCluster({ redisUrl: inject('redisUrl'), simulator })]);
});
afterAll(async () => {
  await browser.close();
  await cluster.close();
  removeFolder(folder);
});
afterEach(async () => {
  for (const opened of open.splice(0).reverse()) await opened.close();
});

const project = (...packages: string[]): Project => createProject(folder, tarball, packages);
const gateway = (): string => cluster.gateways[0]?.publicUrl ?? '';

/** Starts a program of the project that prints its address. It ends with the test. */
async function serve(
  { folder: cwd }: Project,
  command: string,
  args: readonly string[],
  settings: Record<string, string> = {},
): Promise<string> {
  const program = startProgram(command, args, settings, cwd);
  open.push({ close: program.stop });
  for (;;) {
    const address = ADDRESS.exec(program.output())?.[0];
    if (address !== undefined) return address;
    await program.until('http://');
  }
}

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript' };

/** A web server for static files. */
async function serveFiles(root: string): Promise<string> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://site').pathname;
    const file = join(root, path.endsWith('/') ? `${path}index.html` : path);
    try {
      response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream').end(readFileSync(file));
    } catch {
      response.writeHead(404).end(); // there is no such file, for example a favicon
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`; // it listens on TCP
}

/** Opens the page for a new login, reads the code from the screen and scans it. */
async function expectLogin(page: string): Promise<void> {
  const instance = cluster.newInstance();
  const { ticket } = await cluster.create(instance);
  const opened = await openPage(browser, `${page}#${encodeURIComponent(JSON.stringify({ url: gateway(), ticket }))}`);
  open.push(opened);
  expect(await opened.scan()).toBe(instance.code());
  instance.scan();
  await opened.page.getByText('connected', { exact: true }).waitFor();
}

const INDEX = '<!doctype html><title>Mine</title><body><script type="module" src="main.js"></script></body>';
const SHOW = `
  document.body.insertAdjacentHTML('beforeend', '<section><img alt="" /><p></p></section>');
  const watch = watchSession(JSON.parse(decodeURIComponent(location.hash.slice(1))));
  watch.subscribe(() => {
    const { session } = watch.snapshot;
    document.querySelector('img').src = session?.code?.image ?? '';
    document.querySelector('p').textContent = session?.state ?? '';
  });`;
const IMPORTED = `import { watchSession } from '@qrcast/client';${SHOW}`;
const REQUIRED = `const { watchSession } = require('@qrcast/client');${SHOW}`;

const SCREEN = `
  import { useSession } from '@qrcast/client/react';
  import { useEffect, useState } from 'react';
  export function Screen() {
    const [options, setOptions] = useState<{ url: string; ticket: string } | null>(null);
    useEffect(() => setOptions(JSON.parse(decodeURIComponent(location.hash.slice(1)))), []);
    const { session } = useSession(options);
    return <section>{session?.code?.image && <img src={session.code.image} alt="" />}<p>{session?.state}</p></section>;
  }`;

describe('Vite', () => {
  it.each(['dev', 'build'])('%s: the React example, copied out of this repository', async (mode) => {
    const mine = project('vite@8', 'react@19', 'react-dom@19', 'express@5');
    for (const example of ['react', 'express']) cpSync(join(EXAMPLES, example), join(mine.folder, example), { recursive: true });
    const instance = cluster.newInstance();
    const backend = await serve(mine, process.execPath, ['express/server.ts'], {
      PORT: '0',
      QRCAST_URL: gateway(),
      QRCAST_API_KEY: cluster.apiKey,
      GREEN_API_ID_INSTANCE: instance.idInstance,
      GREEN_API_TOKEN: instance.apiToken,
      GREEN_API_URL: cluster.simulator.url,
    });
    if (mode === 'build') runWell(mine.folder, ['node_modules/.bin/vite', 'build', 'react', '--logLevel', 'warn']);
    const command = mode === 'build' ? ['preview', 'react'] : ['react'];
    const address = await serve(mine, 'node_modules/.bin/vite', [...command, '--host', '127.0.0.1', '--port', '0'], {
      BACKEND_URL: backend,
    });
    const shown = await openPage(browser, address);
    open.push(shown);
    await shown.page.getByText('Link my MAX account').click();
    expect(await shown.scan()).toBe(instance.code());
    instance.scan();
    await shown.page.getByText('Your account is linked.').waitFor();
  });

  it('7 build: a page without a framework', async () => {
    const mine = project('vite@7');
    mine.write({ 'index.html': INDEX, 'main.js': IMPORTED });
    runWell(mine.folder, ['node_modules/.bin/vite', 'build', '--logLevel', 'warn']);
    await expectLogin(await serveFiles(join(mine.folder, 'dist')));
  });
});

describe('webpack 5', () => {
  it.each([
    ['development', 'import', IMPORTED],
    ['production', 'import', IMPORTED],
    ['production', 'require()', REQUIRED],
  ])('%s: a page that loads it by %s', async (mode, _how, source) => {
    const mine = project('webpack@5', 'webpack-cli@7');
    mine.write({ 'src/index.js': source, 'dist/index.html': INDEX });
    runWell(mine.folder, ['node_modules/.bin/webpack', '--mode', mode, '-o', 'dist', '--output-filename', 'main.js']);
    await expectLogin(await serveFiles(join(mine.folder, 'dist')));
  });
});

describe('esbuild and Rollup', () => {
  it('esbuild: a page that loads it by require()', async () => {
    const mine = project('esbuild');
    mine.write({ 'source.js': REQUIRED, 'dist/index.html': INDEX });
    runWell(mine.folder, [
      'node_modules/.bin/esbuild',
      'source.js',
      '--bundle',
      '--minify',
      '--log-level=warning',
      '--outfile=dist/main.js',
    ]);
    await expectLogin(await serveFiles(join(mine.folder, 'dist')));
  });

  it('Rollup: a page that imports it', async () => {
    const mine = project('rollup@4', '@rollup/plugin-node-resolve@16');
    mine.write({ 'source.mjs': IMPORTED, 'dist/index.html': INDEX });
    runWell(mine.folder, ['node_modules/.bin/rollup', 'source.mjs', '-p', 'node-resolve={browser:true}', '-o', 'dist/main.js', '--silent']);
    await expectLogin(await serveFiles(join(mine.folder, 'dist')));
  });
});

describe.each([
  ['16', '--turbopack'],
  ['16', '--webpack'],
  ['15', ''],
])('Next %s %s', (version, bundler) => {
  it('build and start: a screen with the hook, and one with the element, in the app router', async () => {
    const mine = project(`next@${version}`, 'react@19', 'react-dom@19', 'typescript@5', '@types/react@19', '@types/node@24');
    mine.write({
      'app/layout.tsx': `import type { ReactNode } from 'react';
        export default ({ children }: { children: ReactNode }) => <html lang="en"><body>{children}</body></html>;`,
      'app/screen.tsx': `'use client';\n${SCREEN}`,
      'app/page.tsx': `import { Screen } from './screen';\nexport default () => <main><Screen /></main>;`,
      // A server component with markup only, typed by the package.
      'app/element/page.tsx': `import type {} from '@qrcast/client/element/react';
        export const dynamic = 'force-dynamic';
        export default async ({ searchParams }: { searchParams: Promise<{ ticket: string }> }) => <>
          <script type="module" src={process.env['QRCAST_URL'] + '/element.js'} />
          <qrcast-login ticket={(await searchParams).ticket} lang="en" />
        </>;`,
      // A server component may load the module, because nothing of it runs on the server.
      'app/server/page.tsx': `import { useSession } from '@qrcast/client/react';
        import { watchSession } from '@qrcast/client';
        export default () => <p>{typeof useSession} {typeof watchSession}</p>;`,
    });
    const next = 'node_modules/.bin/next';
    runWell(mine.folder, bundler === '' ? [next, 'build'] : [next, 'build', bundler]);
    const address = await serve(mine, next, ['start', '-H', '127.0.0.1', '-p', '0'], { QRCAST_URL: gateway() });
    await expectLogin(`${address}/`);
    expect(await (await fetch(`${address}/server`)).text()).toMatch(/<p>function(<!-- -->)? (<!-- -->)?function<\/p>/);

    const instance = cluster.newInstance();
    const { ticket } = await cluster.create(instance);
    const element = await openPage(browser, `${address}/element?ticket=${ticket}`);
    open.push(element);
    expect(await element.scan()).toBe(instance.code());
  });
});

it('without a bundler: a page loads the one file from node_modules', async () => {
  const mine = project();
  mine.write({
    'index.html': INDEX,
    'main.js': `import { watchSession } from './node_modules/@qrcast/client/dist/client.js';${SHOW}`,
  });
  await expectLogin(await serveFiles(`${mine.folder}/`));
});

describe('Node', () => {
  it('runs the example, copied out of this repository', async () => {
    const mine = project();
    cpSync(join(EXAMPLES, 'node/login.ts'), join(mine.folder, 'login.ts'));
    mine.write({ 'package.json': { type: 'module', dependencies: {} } });
    const instance = cluster.newInstance();
    const settings = {
      QRCAST_URL: gateway(),
      QRCAST_API_KEY: cluster.apiKey,
      GREEN_API_ID_INSTANCE: instance.idInstance,
      GREEN_API_TOKEN: instance.apiToken,
    };
    const program = startProgram(process.execPath, ['login.ts'], { ...settings, GREEN_API_URL: cluster.simulator.url }, mine.folder);
    open.push({ close: program.stop });
    await program.until('showing');
    instance.scan();
    expect(await program.until('connected')).toContain('waiting');
    expect(await program.ended).toBe(0);
  });

  it('watches over require() and the stock Socket.IO client', async () => {
    const mine = project('socket.io-client@4');
    mine.write({
      'main.cjs': `
        const { watchSession } = require('@qrcast/client');
        const { socketIo } = require('@qrcast/client/socket-io');
        const { io } = require('socket.io-client');
        const watch = watchSession({ url: process.env.URL, ticket: process.env.TICKET, transport: socketIo(io) });
        watch.on('session', ({ state }) => console.log(state));
        watch.on('final', ({ state }) => console.log('final', state));`,
    });
    const instance = cluster.newInstance();
    const { ticket } = await cluster.create(instance);
    const program = startProgram(process.execPath, ['main.cjs'], { URL: gateway(), TICKET: ticket }, mine.folder);
    open.push({ close: program.stop });
    await program.until('showing');
    instance.scan();
    await program.until('final connected');
    expect(await program.ended).toBe(0);
  });
});

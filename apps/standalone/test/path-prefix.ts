/**
 * For tests: all of a gateway below a path of another host, behind a real nginx that removes the
 * path or leaves it.
 */

import { watchSession } from '@qrcast/client';
import { socketIo } from '@qrcast/client/socket-io';
import { io } from 'socket.io-client';
import { expect, it } from 'vitest';
import { openConsoleAt, openView, signIn } from './console-page.ts';
import { startLogin } from './login.ts';
import { openPage, scanScreen, untilState } from './page.ts';
import { type Below, call, createSession, type Place, prepareBelow } from './path-prefix-stage.ts';
import { openTestSite } from './site.ts';

type WatchTransport = NonNullable<Parameters<typeof watchSession>[0]['transport']>;

interface Check {
  readonly says: string;
  /** Whether it can be made there. Everywhere, if this is not given. */
  isFor?(place: Place): boolean;
  check(below: Below): Promise<void>;
}

const pageAt = (at: string): Check => ({
  says: `the page works at ${at}, and asks for nothing elsewhere`,
  check: (below) => checkPage(below, at),
});

const sdkOver = (name: string, transport: WatchTransport): Check => ({
  says: `the SDK watches over ${name}`,
  check: (below) => checkSdk(below, transport),
});

const CHECKS = {
  addresses: { says: 'links, Location and documents name it', check: checkAddresses },
  page: pageAt('/connect'),
  pageBeforeSlash: pageAt('/connect/'),
  pageBeforeSlashes: pageAt('/connect//'),
  pageInCapitals: pageAt('/Connect'),
  pageAfterSlashes: pageAt('//connect'),
  sessionPage: { says: 'the page of a session works, with a slash at its end as well', check: checkSessionPage },
  frame: {
    says: 'a frame shows no login of an address that nginx reads in another way than the browser',
    isFor: ({ uri }) => uri === '/',
    check: checkFrame,
  },
  element: { says: 'the element finds its gateway by the address of its script', check: checkElement },
  root: { says: 'the root says what this is, and its link leads to the docs in their style', check: checkRoot },
  console: { says: 'the console works: its page, files, calls and stream', check: checkConsole },
  webSocket: sdkOver('WebSocket', 'websocket'),
  sse: sdkOver('SSE', 'sse'),
  longPoll: sdkOver('long-poll', 'long-poll'),
  socketIo: sdkOver('Socket.IO', socketIo(io)),
  socketIoWebSocket: sdkOver('Socket.IO with a WebSocket alone', socketIo(io, ['websocket'])),
  command: { says: 'the command works over it', check: checkCommand },
  admin: {
    says: 'the admin API is there only where nginx took the whole path off, so that a guard of its path cannot be led around',
    check: checkAdmin,
  },
  damagedLink: { says: 'a damaged link is told in words, and its ticket is in no answer', check: checkDamagedLink },
} satisfies Record<string, Check>;

type CheckName = keyof typeof CHECKS;

export interface QuickPlace {
  readonly place: Place;
  /** What `pnpm test` checks there. */
  readonly checks: readonly CheckName[];
}

/** Together they make each kind of check once. The release suite makes all others. */
export const QUICK_PLACES: readonly QuickPlace[] = [
  {
    place: { name: 'a path that nginx takes off', path: '/qrcast/', prefix: '/qrcast', location: '/qrcast/', uri: '/' },
    checks: ['addresses', 'pageBeforeSlash', 'frame', 'admin', 'console', 'damagedLink'],
  },
  {
    place: {
      name: 'an encoded path of two names that nginx leaves on',
      path: '/%d0%b2ход/qr%20max',
      prefix: '/%d0%b2%D1%85%D0%BE%D0%B4/qr%20max',
      location: '"/вход/qr max/"',
      uri: '',
    },
    // The page watches over a WebSocket.
    checks: ['addresses', 'page', 'sessionPage', 'element', 'root', 'console', 'sse', 'socketIo', 'command'],
  },
];

/** @param isMade which of the checks to make; all, if it is not given */
export function testBelow(place: Place, isMade: (name: CheckName) => boolean = () => true): void {
  const below = prepareBelow(place);
  for (const [name, { says, check, isFor = () => true }] of Object.entries<Check>(CHECKS)) {
    if (isMade(name as CheckName)) it.runIf(isFor(place))(says, () => check(below()));
  }
}

async function checkAddresses(below: Below): Promise<void> {
  const { cluster, origin, url } = below;
  const { prefix } = below.place;
  const { response, session, ticket, pageUrl } = await createSession(below);
  expect(response.status).toBe(201);
  expect(pageUrl).toBe(`${url}/connect#${ticket}`);
  expect(response.headers.get('location')).toBe(`${prefix}/v1/sessions/${session.id}`);
  const found = await call(below, new URL(response.headers.get('location') ?? '', origin).href);
  expect(((await found.json()) as { session: { id: string } }).session.id).toBe(session.id);
  const openApi = (await (await fetch(`${url}/openapi.json`)).json()) as { servers: unknown };
  expect(openApi.servers).toEqual([{ url }]);
  const asyncApi = (await (await fetch(`${url}/asyncapi.json`)).json()) as { servers: Record<string, unknown> };
  expect(asyncApi.servers['ws']).toEqual({ host: new URL(origin).host, protocol: 'ws', pathname: prefix });
  const tenant = { id: 'shop', name: 'Shop' };
  const admin = await call(
    below,
    `http://127.0.0.1:${cluster.gateways[0]?.port}/v1/admin/tenants`,
    { method: 'POST', body: JSON.stringify(tenant) },
    cluster.adminKey,
  );
  expect(((await admin.json()) as { webhookUrl: string }).webhookUrl).toBe(`${url}/v1/webhooks/green-api/shop`);
}

async function checkPage(below: Below, at: string): Promise<void> {
  const { browser, origin, url } = below;
  const { prefix } = below.place;
  const { ticket, instance } = await createSession(below);
  const { page, faults } = await openPage(browser, { allowed: [origin] });
  const asked: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await page.goto(`${url}${at}#${ticket}`);
  await untilState(page, 'showing');
  expect(await scanScreen(page)).toBe(instance.code());
  expect(asked.filter((one) => !one.startsWith(`${prefix}/`) && one !== ',')).toEqual([]);
  await page.reload();
  await untilState(page, 'showing');
  instance.scan(); // its notification also comes through nginx
  await untilState(page, 'connected');
  expect(faults).toEqual([]);
  await page.context().close();
}

async function checkSessionPage(below: Below): Promise<void> {
  const { browser, origin, url } = below;
  for (const end of ['', '/']) {
    const { ticket, session } = await createSession(below);
    const { page, faults } = await openPage(browser, { allowed: [origin] });
    await page.goto(`${url}/connect/${session.id}${end}#${ticket}`);
    await untilState(page, 'showing');
    expect(faults).toEqual([]);
    await page.context().close();
  }
}

async function checkFrame(below: Below): Promise<void> {
  const { browser, cluster, origin, url } = below;
  const site = await openTestSite(url);
  // It has a tenant of its own: tests that run at the same time have sites of other origins.
  const made = await cluster.gateways[0]?.tenants.create({ id: 'framed', name: 'Framed', allowedOrigins: [site.origin] });
  const [{ session }, { session: other, ticket }] = await Promise.all([
    createSession(below, made?.secrets.apiKey),
    createSession(below, made?.secrets.apiKey),
  ]);
  const { page } = await openPage(browser, { allowed: [origin, site.origin] });
  // nginx takes both for the address of that session. To the browser, one belongs to no session,
  // and one to the other session.
  for (const end of ['x%2f..', `${other.id}%2f..`]) {
    await page.goto(`${site.origin}${site.serve(`<iframe src="${url}/connect/${session.id}/${end}#${ticket}"></iframe>`)}`);
    const shown = page.frames()[1]?.waitForSelector('html[data-state="showing"], html[data-state="refused"]');
    expect([end, await (await shown)?.getAttribute('data-state')]).toEqual([end, 'refused']);
  }
  await page.context().close();
  await site.close();
}

async function checkElement(below: Below): Promise<void> {
  const { browser, origin, url } = below;
  const site = await openTestSite(url);
  const { ticket } = await createSession(below);
  const { page, faults } = await openPage(browser, { allowed: [origin, site.origin] });
  await page.goto(`${site.origin}${site.serve(`<qrcast-login ticket="${ticket}" lang="en"></qrcast-login>`)}`);
  await page.waitForSelector('#title:text-is("Scan the code with MAX")');
  expect(faults).toEqual([]);
  await page.context().close();
  await site.close();
}

async function checkRoot(below: Below): Promise<void> {
  const { browser, origin, url } = below;
  const { page, faults } = await openPage(browser, { allowed: [origin] });
  await page.goto(`${url}/`);
  await page.getByRole('link', { name: 'For developers' }).click();
  await page.waitForURL(`${url}/docs`);
  expect(await page.evaluate('getComputedStyle(document.body).display')).toBe('grid');
  expect(await page.getByText(`This gateway: ${url}`).count()).toBe(1);
  await page.getByRole('link', { name: 'OpenAPI 3.1' }).click();
  await page.waitForURL(`${url}/openapi.json`);
  expect(faults).toEqual([]);
  await page.context().close();
}

async function checkConsole(below: Below): Promise<void> {
  const { browser, cluster, url } = below;
  const { prefix } = below.place;
  const opened = await openConsoleAt(browser, url);
  const { page, faults, asked } = opened;
  const icon =
    '[document.querySelector("link[rel=icon]").href].map((src) => Object.assign(new Image(), { src }).decode())[0].then(() => true)';
  expect(await page.evaluate(icon)).toBe(true);
  await signIn(opened, cluster.apiKey);
  await page.waitForSelector('.badge.live');
  const { session } = await createSession(below);
  await page.click(`a[href="#/sessions/${session.id}"]`); // the stream has told it
  await page.waitForSelector('.timeline li');
  await openView(page, 'audit');
  await page.waitForSelector('.table');
  await page.goto(`${url}/console/`);
  await page.waitForSelector('#key');
  expect(asked.filter((call) => !call.startsWith(`GET ${prefix}/`))).toEqual([]);
  expect(faults).toEqual([]);
  await page.context().close();
}

async function checkSdk(below: Below, transport: WatchTransport): Promise<void> {
  const { url } = below;
  const { ticket, instance } = await createSession(below);
  const watch = watchSession({ url: `${url}/`, ticket, transport });
  const states = new Set<string>();
  await new Promise<void>((resolve) => {
    watch.subscribe(() => {
      const { session } = watch.snapshot;
      if (session?.state === 'showing' && !states.has('showing')) instance.scan();
      if (session !== null) states.add(session.state);
      if (session?.state === 'connected') resolve();
    });
  });
  watch.close();
  expect([...states]).toContain('showing');
}

async function checkCommand(below: Below): Promise<void> {
  const { cluster, url } = below;
  const instance = cluster.newInstance();
  const args = ['login', '--id', instance.idInstance, '--api-url', cluster.simulator.url, '--gateway', `${url}/`, '--json'];
  const run = await startLogin(args, { env: { GREEN_API_TOKEN: instance.apiToken, QRCAST_API_KEY: cluster.apiKey } });
  await run.until(() => run.output().includes('"state":"showing"'));
  instance.scan();
  expect(await run.ended).toBe(0);
  await run.clean();
}

async function checkAdmin(below: Below): Promise<void> {
  const { cluster, url } = below;
  const { prefix, uri, leavesTwoSlashes = false } = below.place;
  const { status } = await call(below, `${url}/v1/admin/tenants`, {}, cluster.adminKey);
  expect(status).toBe(uri === '/' && !leavesTwoSlashes ? 200 : 404);
  expect((await call(below, `${url}${prefix}/v1/admin/tenants`, {}, cluster.adminKey)).status).toBe(404);
}

async function checkDamagedLink(below: Below): Promise<void> {
  const { url } = below;
  for (const damaged of [`/connect%23`, `/connect?`, `/connect/`]) {
    const { ticket } = await createSession(below);
    const response = await fetch(`${url}${damaged}${ticket}`, {
      headers: { accept: 'text/html', 'accept-language': 'ru' },
      redirect: 'manual',
    });
    const text = await response.text();
    expect([response.status, text.includes('Ссылка повреждена'), text.includes(ticket)]).toEqual([
      damaged.endsWith('?') ? 400 : 404,
      true,
      false,
    ]);
  }
}

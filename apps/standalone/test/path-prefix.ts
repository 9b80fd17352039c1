/**
 * For tests: all of a gateway below a path of another host, behind a real nginx that removes the
 * path or leaves it.
 */

import { watchSession } from '@qrcast/client';
import { socketIo } from '@qrcast/client/socket-io';
import { parsePublicUrl } from '@qrcast/core/public-url';
import { createReleasers } from '@qrcast/runtime/releasers';
import { openTestProxy } from '@qrcast/runtime/test/proxy';
import type { Browser } from 'playwright-core';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { openBrowser } from './browser.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { startLogin } from './login.ts';
import { openPage, scanScreen, untilState } from './page.ts';
import { startNginx } from './proxies.ts';
import { openTestSite } from './site.ts';

const FORWARD = `
  proxy_http_version 1.1;
  proxy_set_header Host $host;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_upgrade;
  proxy_read_timeout 300s;`;
const UPGRADE = 'map $http_upgrade $connection_upgrade { default upgrade; "" ""; }';

export interface Place {
  readonly name: string;
  /** The path as the operator writes it. */
  readonly path: string;
  /** The path as it appears in addresses. */
  readonly prefix: string;
  /** The configuration of nginx. */
  readonly location: string;
  /** What nginx replaces the path with. If empty, nginx leaves it. */
  readonly uri: '/' | '';
  /** Whether `location` has no slash at its end, so that two slashes remain. */
  readonly leavesTwoSlashes?: boolean;
}

function publicUrlOf(text: string): string {
  const parsed = parsePublicUrl(text);
  if (parsed.kind === 'fault') throw new Error(parsed.fault);
  return parsed.url;
}

export function testBelow({ path, prefix, location, uri, leavesTwoSlashes = false }: Place): void {
  const releasers = createReleasers();
  let browser: Browser;
  let cluster: Cluster;
  /** The public address, without a slash at the end. */
  let url: string;
  let origin: string;

  beforeAll(async () => {
    let port = 0;
    browser = await openBrowser();
    releasers.push('browser', () => browser.close());
    const line = await openTestProxy(() => port); // nginx gets its port before the gateway is started with it
    releasers.push('line', () => line.close());
    const nginx = await startNginx(
      releasers,
      `location ${location} { proxy_pass http://127.0.0.1:${line.port}${uri}; ${FORWARD} }`,
      UPGRADE,
    );
    origin = nginx.url;
    url = `${origin}${prefix}`;
    cluster = await openCluster({
      redisUrl: inject('redisUrl'),
      publicUrl: publicUrlOf(`${origin}${path}`),
      simulator: { rotateMs: 3_600_000 },
    });
    releasers.push('cluster', () => cluster.close());
    port = cluster.gateways[0]?.port ?? 0;
  });
  afterAll(() => releasers.release());

  const call = (at: string, init: RequestInit = {}, secret = cluster.apiKey): Promise<Response> =>
    fetch(at, { ...init, headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json', ...init.headers } });

  async function create(apiKey = cluster.apiKey) {
    const instance = cluster.newInstance();
    const body = JSON.stringify({ instanceId: instance.idInstance, apiToken: instance.apiToken, apiUrl: cluster.simulator.url });
    const response = await call(`${url}/v1/sessions`, { method: 'POST', body }, apiKey);
    const created = (await response.json()) as { session: { id: string }; ticket: string; pageUrl: string };
    return { instance, response, ...created };
  }

  it('links, Location and documents name it', async () => {
    const { response, session, ticket, pageUrl } = await create();
    expect(response.status).toBe(201);
    expect(pageUrl).toBe(`${url}/connect#${ticket}`);
    expect(response.headers.get('location')).toBe(`${prefix}/v1/sessions/${session.id}`);
    const found = await call(new URL(response.headers.get('location') ?? '', origin).href);
    expect(((await found.json()) as { session: { id: string } }).session.id).toBe(session.id);
    const openApi = (await (await fetch(`${url}/openapi.json`)).json()) as { servers: unknown };
    expect(openApi.servers).toEqual([{ url }]);
    const asyncApi = (await (await fetch(`${url}/asyncapi.json`)).json()) as { servers: Record<string, unknown> };
    expect(asyncApi.servers['ws']).toEqual({ host: new URL(origin).host, protocol: 'ws', pathname: prefix });
    const tenant = { id: 'shop', name: 'Shop' };
    const admin = await call(
      `http://127.0.0.1:${cluster.gateways[0]?.port}/v1/admin/tenants`,
      { method: 'POST', body: JSON.stringify(tenant) },
      cluster.adminKey,
    );
    expect(((await admin.json()) as { webhookUrl: string }).webhookUrl).toBe(`${url}/v1/webhooks/green-api/shop`);
  });

  it.each(['/connect', '/connect/', '/connect//', '/Connect', '//connect'])(
    'the page works at %s, and asks for nothing elsewhere',
    async (at) => {
      const { ticket, instance } = await create();
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
    },
  );

  it('the page of a session works, with a slash at its end as well', async () => {
    for (const end of ['', '/']) {
      const { ticket, session } = await create();
      const { page, faults } = await openPage(browser, { allowed: [origin] });
      await page.goto(`${url}/connect/${session.id}${end}#${ticket}`);
      await untilState(page, 'showing');
      expect(faults).toEqual([]);
      await page.context().close();
    }
  });

  it.runIf(uri === '/')('a frame shows no login of an address that nginx reads in another way than the browser', async () => {
    const site = await openTestSite(url);
    // It has a tenant of its own: tests that run at the same time have sites of other origins.
    const made = await cluster.gateways[0]?.tenants.create({ id: 'framed', name: 'Framed', allowedOrigins: [site.origin] });
    const [{ session }, { session: other, ticket }] = await Promise.all([create(made?.secrets.apiKey), create(made?.secrets.apiKey)]);
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
  });

  it('the element finds its gateway by the address of its script', async () => {
    const site = await openTestSite(url);
    const { ticket } = await create();
    const { page, faults } = await openPage(browser, { allowed: [origin, site.origin] });
    await page.goto(`${site.origin}${site.serve(`<qrcast-login ticket="${ticket}" lang="en"></qrcast-login>`)}`);
    await page.waitForSelector('#title:text-is("Scan the code with MAX")');
    expect(faults).toEqual([]);
    await page.context().close();
    await site.close();
  });

  it('the root says what this is, and its link leads to the docs in their style', async () => {
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
  });

  it.each(['websocket', 'sse', 'long-poll', socketIo(io), socketIo(io, ['websocket'])] as const)(
    'the SDK watches over transport %#',
    async (transport) => {
      const { ticket, instance } = await create();
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
    },
  );

  it('the command works over it', async () => {
    const instance = cluster.newInstance();
    const args = ['login', '--id', instance.idInstance, '--api-url', cluster.simulator.url, '--gateway', `${url}/`, '--json'];
    const run = await startLogin(args, { env: { GREEN_API_TOKEN: instance.apiToken, QRCAST_API_KEY: cluster.apiKey } });
    await run.until(() => run.output().includes('"state":"showing"'));
    instance.scan();
    expect(await run.ended).toBe(0);
    await run.clean();
  });

  it('the admin API is there only where nginx took the whole path off, so that a guard of its path cannot be led around', async () => {
    const { status } = await call(`${url}/v1/admin/tenants`, {}, cluster.adminKey);
    expect(status).toBe(uri === '/' && !leavesTwoSlashes ? 200 : 404);
    expect((await call(`${url}${prefix}/v1/admin/tenants`, {}, cluster.adminKey)).status).toBe(404);
  });

  it('a damaged link is told in words, and its ticket is in no answer', async () => {
    for (const damaged of [`/connect%23`, `/connect?`, `/connect/`]) {
      const { ticket } = await create();
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
  });
}

/** Which sites may show the hosted page in a frame, tried in Chromium with two origins. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Frame, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { scanScreen } from '../test/page.ts';

let browser: Browser;
let cluster: Cluster;
let gateway: string;
/** Shows `framed` in a frame. It has two names, so it is two sites. */
let site: Server;
let framed = '';
let allowed: string;
let other: string;

beforeAll(async () => {
  [browser, cluster] = await Promise.all([
    openBrowser(),
    openCluster({ redisUrl: inject('redisUrl'), simulator: { rotateMs: 3_600_000 } }),
  ]);
  const [first] = cluster.gateways;
  if (first === undefined) throw new Error('the cluster has no gateway');
  gateway = first.publicUrl;
  site = createServer((_request, response) =>
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end(`<!doctype html><title>Shop</title><link rel="icon" href="data:,"><iframe width="900" height="600" src="${framed}"></iframe>`),
  );
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  const { port } = site.address() as AddressInfo; // it listens on TCP
  allowed = `http://127.0.0.1:${port}`;
  other = `http://localhost:${port}`;
  await first.tenants.patch('acme', { allowedOrigins: [allowed] });
});
afterAll(async () => {
  await browser.close();
  await new Promise((resolve) => site.close(resolve));
  await cluster.close();
});

/** Opens a page with the frame, which may be loaded or refused. */
async function frame(origin: string, url: string): Promise<{ page: Page; inner: Frame; complaints: readonly string[] }> {
  framed = url;
  const page = await (await browser.newContext({ viewport: { width: 1000, height: 700 } })).newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  await page.goto(origin, { waitUntil: 'load' });
  const [, inner] = page.frames();
  if (inner === undefined) throw new Error('the page has no frame');
  return { page, inner, complaints };
}

describe('the hosted page in a frame', () => {
  it('works on a site that the tenant allows', async () => {
    const instance = cluster.newInstance();
    const { session, ticket } = await cluster.create(instance, { returnUrl: `${allowed}/back` });
    const { page, inner } = await frame(allowed, `${gateway}/connect/${session.id}#${ticket}`);
    await inner.waitForSelector('html[data-state="showing"]');
    await inner.waitForSelector('#title:text-is("Scan the code with MAX")');
    expect(await scanScreen(page)).toBe(instance.code());
    instance.scan();
    await inner.waitForSelector('html[data-state="connected"]');
    expect(await inner.locator('#stay').count()).toBe(0); // nobody is sent back automatically
    await inner.locator('#return').click();
    await page.waitForURL(`${allowed}/back`);
    await page.context().close();
  });

  it.each([
    ['on another site', () => other, (id: string) => `/connect/${id}`],
    ['on that site without the session in its address', () => allowed, () => '/connect'],
    ['on that site with a session that there is not', () => allowed, () => '/connect/ses_AAAAAAAAAAAAAAAA'],
  ])('is refused %s', async (_where, origin, path) => {
    const { session, ticket } = await cluster.create(cluster.newInstance());
    const { page, inner, complaints } = await frame(origin(), `${gateway}${path(session.id)}#${ticket}`);
    expect(await inner.evaluate('document.querySelector("qrcast-login")')).toBeNull();
    expect(complaints.join()).toMatch(/frame-ancestors/);
    await page.context().close();
  });

  it('leaves the API and everything else unframed', async () => {
    for (const path of ['/docs', '/healthz', '/openapi.json']) {
      const { page, inner, complaints } = await frame(allowed, `${gateway}${path}`);
      expect(await inner.evaluate('document.body.innerText')).not.toMatch(/alive|openapi|qrcast/i);
      expect(complaints.join()).toMatch(/frame-ancestors/);
      await page.context().close();
    }
  });
});

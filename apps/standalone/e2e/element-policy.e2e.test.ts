/**
 * `<qrcast-login>` under strict Content Security Policies, including Trusted Types, beside other
 * libraries that such pages load.
 */

import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { openPage, scanScreen } from '../test/page.ts';

/** The host page's own copy of Lit: the file that its bundler would use. */
const LIT = readFileSync(
  createRequire(createRequire(import.meta.url).resolve('@qrcast/web/texts'))
    .resolve('lit-html')
    .replace('/node/', '/'),
);
/** Lit draws the heading of the page. */
const HOST = `import { html, render } from '/lit-html.js'; render(html\`<b>Shop</b>\`, document.querySelector('h1'));`;
/** Any version of Lit creates a policy of this name when it is loaded. */
const OTHER_LIT = `trustedTypes.createPolicy('lit-html', { createHTML: (text) => text });`;

let browser: Browser;
let cluster: Cluster;
let gateway: string;
let site: Server;
let origin: string;
let html = '';
let policy = '';

beforeAll(async () => {
  [browser, cluster] = await Promise.all([
    openBrowser(),
    openCluster({ redisUrl: inject('redisUrl'), simulator: { rotateMs: 3_600_000 } }),
  ]);
  gateway = cluster.gateways[0]?.publicUrl ?? '';
  site = createServer((request, response) => {
    if (request.url === '/lit-html.js') return response.writeHead(200, { 'content-type': 'text/javascript' }).end(LIT);
    if (request.url === '/element.js')
      return fetch(`${gateway}/element.js`).then(async (copy) =>
        response.writeHead(200, { 'content-type': 'text/javascript' }).end(await copy.text()),
      );
    return response.writeHead(200, { 'content-type': 'text/html', 'content-security-policy': policy }).end(html);
  });
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`; // it listens on TCP
});
afterAll(async () => {
  await browser.close();
  await new Promise((resolve) => site.close(resolve));
  await cluster.close();
});

interface Host {
  /**
   * Directives beside those of every such page, which allow the gateway, the page itself and its
   * nonce.
   */
  readonly directives: string;
  readonly scripts: string;
  readonly scriptSources?: string;
}

/** Opens the page with a login, and reads the code from the screen. Expects an empty console. */
async function expectDrawn({ directives, scripts, scriptSources = `'self' ${gateway} 'nonce-n'` }: Host): Promise<string | null> {
  const instance = cluster.newInstance();
  const { ticket } = await cluster.create(instance);
  policy = `default-src 'none'; script-src ${scriptSources}; connect-src ${gateway} ${gateway.replace('http', 'ws')}; img-src data:; ${directives}`;
  html = `<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,"><main><h1></h1>
    <qrcast-login ticket="${ticket}"></qrcast-login></main>${scripts}</html>`;
  const { page, faults } = await openPage(browser, { allowed: [gateway, origin] });
  await page.goto(origin);
  await page.waitForSelector('#title:text-is("Scan the code with MAX")');
  expect(await scanScreen(page)).toBe(instance.code());
  instance.scanWithPassword('pass/s1');
  await page.fill('#password', 'pass/s1');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#title:text-is("Connected")');
  expect(faults).toEqual([]);
  const heading = await page.textContent('h1');
  await page.context().close();
  return heading;
}

const ELEMENT = () => `<script type="module" nonce="n" src="${gateway}/element.js"></script>`;
const module = (code: string): string => `<script type="module" nonce="n">${code}</script>`;
const classic = (code: string): string => `<script nonce="n">${code}</script>`;
const TRUSTED = "require-trusted-types-for 'script'";

describe('the element draws under Trusted Types', () => {
  it('if a page with its own Lit allows Lit’s policy once, whichever is loaded first', async () => {
    const directives = `${TRUSTED}; trusted-types lit-html`;
    expect(await expectDrawn({ directives, scripts: module(HOST) + ELEMENT() })).toBe('Shop');
    expect(await expectDrawn({ directives, scripts: ELEMENT() + module(HOST) })).toBe('Shop');
  });

  it('if another version of Lit uses the name', async () => {
    await expectDrawn({ directives: `${TRUSTED}; trusted-types lit-html`, scripts: classic(OTHER_LIT) + ELEMENT() });
  });

  it('if the page allows no policy at all', async () => {
    await expectDrawn({ directives: `${TRUSTED}; trusted-types 'none'`, scripts: ELEMENT() });
  });

  it('from two copies of the script, one of the gateway and one of the site', async () => {
    const scripts = `${ELEMENT()}<script type="module" nonce="n" src="/element.js"></script>`;
    await expectDrawn({ directives: `${TRUSTED}; trusted-types 'none'`, scripts });
  });
});

describe('the element draws without', () => {
  it('any address in script-src: a nonce and strict-dynamic', async () => {
    await expectDrawn({ directives: TRUSTED, scripts: ELEMENT(), scriptSources: "'nonce-n' 'strict-dynamic'" });
  });

  it('a style of its own in style-src', async () => {
    await expectDrawn({ directives: "style-src 'none'; style-src-attr 'none'", scripts: ELEMENT() });
  });
});

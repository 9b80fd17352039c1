/** `<qrcast-login>` in a page of another origin, with its own policy and its own style. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { findBarriers, isTooWide, openPage, type PageOptions, PHONE, SMALL_PHONE, scanScreen, type WatchedPage } from '../test/page.ts';

let browser: Browser;
let cluster: Cluster;
let gateway: string;
/** Answers every request with `html`. */
let site: Server;
let html = '';
let policy = '';
let origin: string;
const opened: WatchedPage[] = [];

beforeAll(async () => {
  [browser, cluster] = await Promise.all([
    openBrowser(),
    openCluster({ redisUrl: inject('redisUrl'), simulator: { rotateMs: 3_600_000 } }),
  ]);
  gateway = cluster.gateways[0]?.publicUrl ?? '';
  site = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'text/html', 'content-security-policy': policy }).end(html),
  );
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`; // it listens on TCP
});
afterAll(async () => {
  await browser.close();
  await new Promise((resolve) => site.close(resolve));
  await cluster.close();
});
afterEach(async () => {
  for (const { page, faults } of opened.splice(0)) {
    await page.context().close();
    expect(faults).toEqual([]);
  }
});

/** Opens a page with this body. Its policy allows the gateway only what README says it needs. */
async function openSite(body: string, options: Partial<PageOptions> = {}): Promise<Page> {
  policy = `default-src 'none'; script-src ${gateway} 'nonce-test'; style-src 'nonce-test'; connect-src ${gateway} ${gateway.replace('http', 'ws')}; img-src data:`;
  html = `<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,">
    <script type="module" src="${gateway}/element.js"></script><main><h1>Shop</h1>${body}</main></html>`;
  const watched = await openPage(browser, { allowed: [gateway, origin], ...options });
  opened.push(watched);
  await watched.page.goto(origin);
  return watched.page;
}

const untilShown = (page: Page, title: string): Promise<unknown> => page.waitForSelector(`#title:text-is("${title}")`);

/** Gives the body's element a ticket, and waits for the code on the screen. */
async function openShowing(body = '<qrcast-login></qrcast-login>', options: Partial<PageOptions> = {}) {
  const instance = cluster.newInstance();
  const { session, ticket } = await cluster.create(instance);
  const page = await openSite(body.replace('<qrcast-login', `<qrcast-login ticket="${ticket}"`), options);
  await untilShown(page, 'Scan the code with MAX');
  return { instance, session, page };
}

describe('the element', () => {
  it('needs one line and a ticket, works under a strict policy, and sends its events to the page', async () => {
    const { instance, page } = await openShowing(`<qrcast-login></qrcast-login>
      <script nonce="test">
        globalThis.heard = [];
        for (const name of ['session', 'connected', 'ended', 'refused']) addEventListener('qrcast-' + name, ({ type }) => heard.push(type));
      </script>`);
    expect(await scanScreen(page)).toBe(instance.code());
    expect(await findBarriers(page)).toEqual([]);
    instance.scan();
    await untilShown(page, 'Connected');
    const heard = await page.evaluate<string[]>('heard');
    expect(heard.at(-1)).toBe('qrcast-connected');
    expect(new Set(heard)).toEqual(new Set(['qrcast-session', 'qrcast-connected']));
  });

  it('accepts the password in the page', async () => {
    const { instance, page } = await openShowing();
    instance.scanWithPassword('correct horse');
    await page.fill('#password', 'correct horse');
    await page.keyboard.press('Enter');
    await untilShown(page, 'Connected');
  });

  it('refuses a ticket for other sites, and accepts one for this site', async () => {
    const instance = cluster.newInstance();
    const { session } = await cluster.create(instance);
    const ticketFor = async (origins: readonly string[]): Promise<string> => {
      const response = await cluster.call('POST', `/v1/sessions/${session.id}/tickets`, { origins });
      return ((await response.json()) as { ticket: string }).ticket;
    };
    const page = await openSite(`<qrcast-login ticket="${await ticketFor(['https://shop.example.com'])}"></qrcast-login>`);
    await untilShown(page, 'This login does not work here');
    await page.evaluate(`document.querySelector('qrcast-login').ticket = ${JSON.stringify(await ticketFor([origin]))}`);
    await untilShown(page, 'Scan the code with MAX');
    expect(await scanScreen(page)).toBe(instance.code());
  });

  it('asks the page for a new ticket when the old one is over', async () => {
    const instance = cluster.newInstance();
    const { ticket } = await cluster.create(instance);
    const page = await openSite(`<qrcast-login></qrcast-login>
      <script nonce="test">
        const login = document.querySelector('qrcast-login');
        login.renewTicket = async () => ${JSON.stringify(ticket)};
        login.ticket = 'of.another.life';
      </script>`);
    await untilShown(page, 'Scan the code with MAX');
  });

  it('closes its watch when it is removed, and opens one when it is put back', async () => {
    const { session, page } = await openShowing();
    const viewers = async (): Promise<number> => {
      const { sessions } = (await (await cluster.call('GET', '/v1/sessions?limit=100')).json()) as {
        sessions: { id: string; viewers: number }[];
      };
      return sessions.find(({ id }) => id === session.id)?.viewers ?? -1;
    };
    await page.evaluate(`globalThis.login = document.querySelector('qrcast-login'), login.remove()`);
    await expect.poll(viewers).toBe(0);
    await page.evaluate('document.body.append(login)');
    await untilShown(page, 'Scan the code with MAX');
    await expect.poll(viewers).toBe(1);
  });

  it.each([
    ['a narrow column', 'div { width: 17rem }', {}],
    ['a phone', '', PHONE],
    ['a box that asks it for its width', 'div { display: inline-flex }', {}],
    ['a grid on a small phone', 'div { display: grid; place-items: center }', SMALL_PHONE],
    ['a track of a grid on a small phone', 'div { display: grid; grid-template-columns: 1fr }', SMALL_PHONE],
    ['a flex row on a small phone', 'div { display: flex; justify-content: center }', SMALL_PHONE],
    ['a box that asks it for its width on a small phone', 'div { display: inline-block }', SMALL_PHONE],
    ['a float on a small phone', 'div { float: left }', SMALL_PHONE],
  ] as const)('fits into %s', async (_name, style, options) => {
    const { instance, page } = await openShowing(`<style nonce="test">${style}</style><div><qrcast-login></qrcast-login></div>`, options);
    expect(await scanScreen(page)).toBe(instance.code());
    expect(await isTooWide(page)).toBe(false);
  });

  it('keeps its sentences in order in a right-to-left page, and can be right-to-left itself', async () => {
    const { instance, page } = await openShowing('<div dir="rtl"><qrcast-login></qrcast-login></div>');
    const card = `document.querySelector('qrcast-login').shadowRoot.querySelector('.card')`;
    const direction = (): Promise<string> => page.evaluate(`getComputedStyle(${card}).direction`);
    expect(await direction()).toBe('ltr');
    await page.evaluate(`${card}.dir = 'rtl'`); // as a language of that kind will
    expect(await direction()).toBe('rtl');
    expect(await scanScreen(page)).toBe(instance.code());
    expect(await isTooWide(page)).toBe(false);
  });

  it('uses the page’s colours, and keeps the code scannable in them', async () => {
    const { instance, page } = await openShowing(`<qrcast-login theme="dark"></qrcast-login>
      <style nonce="test">
        qrcast-login { --qrcast-surface: rgb(0 0 0); --qrcast-accent: rgb(255 0 0); --qrcast-radius: 0; }
        qrcast-login::part(title) { font-style: italic; }
      </style>`);
    const look = await page.evaluate(`{
      const card = document.querySelector('qrcast-login').shadowRoot.querySelector('.card');
      const { backgroundColor, borderRadius, colorScheme } = getComputedStyle(card);
      [backgroundColor, borderRadius, colorScheme, getComputedStyle(card.querySelector('#title')).fontStyle];
    }`);
    expect(look).toEqual(['rgb(0, 0, 0)', '0px', 'dark', 'italic']);
    expect(await scanScreen(page)).toBe(instance.code());
  });
});

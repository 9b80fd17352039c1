/**
 * The login in frames with `sandbox`, and without storage, in Chromium: it works, or says what is
 * missing.
 */

import type { Browser, Frame, Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Cluster } from '../test/cluster.ts';
import { frameOf, logIn, useLoginStage } from '../test/login-stage.ts';
import { openPage, untilState } from '../test/page.ts';

const SHOWING = '#title:text-is("Scan the code with MAX")';

const stage = useLoginStage();
beforeAll(async () => {
  await stage.cluster.gateways[0]?.tenants.patch('acme', { allowedOrigins: [stage.site.origin] });
});

interface TestLogin {
  readonly instance: ReturnType<Cluster['newInstance']>;
  readonly id: string;
  /** A ticket that names the origins of the tenant. */
  readonly bound: string;
  /** A ticket that names no origins. */
  readonly free: string;
}

async function newLogin(): Promise<TestLogin> {
  const instance = stage.cluster.newInstance();
  const { session, ticket } = await stage.cluster.create(instance);
  const made = await stage.cluster.call('POST', `/v1/sessions/${session.id}/tickets`, { origins: [] });
  return { instance, id: session.id, bound: ticket, free: ((await made.json()) as { ticket: string }).ticket };
}

/** Opens a page with a frame that has these attributes. */
async function openFramed(attributes: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<{ page: Page; frame: Frame }> {
  const page = await (await stage.browser.newContext({ locale: 'en-US', viewport: { width: 1000, height: 800 }, ...options })).newPage();
  await page.goto(
    stage.site.origin +
      stage.site.serve(`<script>globalThis.told = []; addEventListener('message', ({ origin, data }) => told.push([origin, data.state]));</script>
      <iframe width="900" height="700" ${attributes}></iframe>`),
  );
  return { page, frame: frameOf(page) };
}

const hosted = (sandbox: string, id: string, ticket: string, query = ''): string =>
  `sandbox="${sandbox}" src="${stage.gateway}/connect/${id}${query}#${ticket}"`;

describe('the hosted page in a frame with sandbox', () => {
  it('works with a ticket for any origin, even if no form may be submitted', async () => {
    const login = await newLogin();
    const { page, frame } = await openFramed(hosted('allow-scripts', login.id, login.free));
    await logIn(frame, login.instance);
    await page.waitForFunction('told.length > 0');
    expect(await page.evaluate('told')).toEqual([['null', 'connected']]);
    await page.context().close();
  });

  it('works with a ticket for the tenant’s origins if it keeps its own origin', async () => {
    const login = await newLogin();
    const { page, frame } = await openFramed(hosted('allow-scripts allow-same-origin', login.id, login.bound));
    await logIn(frame, login.instance);
    await page.context().close();
  });

  it.each([
    ['en', 'This login does not work in this frame'],
    ['ru', 'В этой рамке вход не работает'],
  ])('says what is missing if a ticket names origins and the frame has none: %s', async (language, title) => {
    const { id, bound } = await newLogin();
    const { page, frame } = await openFramed(hosted('allow-scripts allow-forms', id, bound, `?lang=${language}`));
    await frame.waitForSelector(`#title:text-is("${title}")`);
    expect(await frame.textContent('.detail')).toContain('allow-same-origin');
    await page.context().close();
  });

  it('says that it needs scripts if it may run none', async () => {
    const { id, bound } = await newLogin();
    const { page } = await openFramed(hosted('', id, bound));
    await expect
      .poll(async () => (await page.frameLocator('iframe').locator('noscript').allInnerTexts()).join())
      .toMatch(/JavaScript[\s\S]*нужен/);
    await page.context().close();
  });
});

describe('the element in a frame with sandbox', () => {
  const embedded = (ticket: string): string => {
    const inner = `<script type=module src=${stage.gateway}/element.js></script><qrcast-login lang=en ticket=${ticket}></qrcast-login>`;
    return `sandbox="allow-scripts allow-forms" srcdoc="${inner}"`;
  };

  it('works with a ticket for any origin, and says what is missing with another', async () => {
    const login = await newLogin();
    const { page, frame } = await openFramed(embedded(login.free));
    await logIn(frame, login.instance);
    const other = await openFramed(embedded((await newLogin()).bound));
    await other.frame.waitForSelector('#title:text-is("This login does not work in this frame")');
    for (const opened of [page, other.page]) await opened.context().close();
  });
});

describe('without storage', () => {
  it.each([
    [
      'whose getters throw',
      `for (const name of ['sessionStorage', 'localStorage', 'indexedDB', 'caches']) Object.defineProperty(window, name, { get() { throw new DOMException('', 'SecurityError'); } });
      Object.defineProperty(document, 'cookie', { get() { throw new DOMException('', 'SecurityError'); } });`,
    ],
    ['that holds nothing', `Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError'); };`],
    ['and a history that may not be written', `history.replaceState = () => { throw new DOMException('', 'SecurityError'); };`],
  ])('the page works with one %s, and says after a reload that its link is incomplete', async (_which, script) => {
    const login = await newLogin();
    const { page, faults } = await openPage(stage.browser, { allowed: [stage.gateway] });
    await page.addInitScript(script);
    await page.goto(`${stage.gateway}/connect#${login.bound}`);
    await untilState(page, 'showing');
    await page.reload();
    await page.waitForSelector(script.includes('history') ? SHOWING : '#title:text-is("This link is not complete")');
    expect(faults).toEqual([]);
    await page.context().close();
  });
});

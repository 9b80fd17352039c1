/** The hosted login page as people meet it: in Chromium, from a gateway and a worker, with the simulated provider and phone. */

import { FAILURES_UNTIL_DOWN } from '@qrcast/core/schedule';
import type { Instance } from '@qrcast/simulator/instance';
import type { Browser, Page, Request } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { type Cluster, openCluster } from '../test/cluster.ts';
import {
  doubleText,
  findBarriers,
  forgetTexts,
  isTooWide,
  openPage,
  type PageOptions,
  PHONE,
  paintOf,
  SMALL_PHONE,
  scanScreen,
  stopClock,
  timePaint,
  untilState,
  type WatchedPage,
} from '../test/page.ts';

/** Longer than the tests take. */
const CODES_STAY_MS = 3_600_000;

let browser: Browser;
/** Codes that stay, so that what is read can be compared. */
let cluster: Cluster;
/** Codes that turn. */
let hasty: Cluster;
const opened: WatchedPage[] = [];

beforeAll(async () => {
  const redisUrl = inject('redisUrl');
  [browser, cluster, hasty] = await Promise.all([
    openBrowser(),
    openCluster({ redisUrl, simulator: { rotateMs: CODES_STAY_MS } }),
    openCluster({ redisUrl, simulator: { rotateMs: 2_000 } }),
  ]);
});
afterAll(async () => {
  await browser.close();
  await Promise.all([cluster.close(), hasty.close()]);
});

afterAll(closePages); // before the browser
/** None of them did what it must not. */
async function closePages(): Promise<void> {
  for (const { page, faults } of opened.splice(0)) {
    await page.context().close();
    expect(faults).toEqual([]);
  }
}

interface Setting extends Partial<PageOptions> {
  readonly from?: Cluster;
  readonly session?: Record<string, unknown>;
  readonly query?: string;
  /** The page's time can be stopped. */
  readonly hasOwnClock?: boolean;
  /** The provider answers nothing of use. */
  readonly isDown?: boolean;
}

/** The page of a new session. */
async function openLogin({ from = cluster, session = {}, query = '', isDown = false, hasOwnClock = false, ...options }: Setting = {}) {
  const instance = from.newInstance();
  if (isDown) instance.fail('*', 'html502', { times: 'always' });
  const { session: created, ticket } = await from.create(instance, session);
  const origin = from.gateways[0]?.publicUrl ?? '';
  const watched = await openPage(browser, { allowed: [origin], ...options });
  opened.push(watched);
  if (hasOwnClock) await watched.page.clock.install();
  await watched.page.goto(`${origin}/connect${query}#${ticket}`);
  return { page: watched.page, instance, ticket, id: created.id };
}

const title = (page: Page): Promise<string | null> => page.locator('#title').textContent();

/** Reaches `password`, with this one wanted. */
async function scanWithPassword(page: Page, instance: Instance, password: string): Promise<void> {
  await untilState(page, 'showing');
  instance.scanWithPassword(password);
  await untilState(page, 'password');
}

describe('a code', () => {
  afterEach(closePages);

  it('is the one the provider shows, gives way to the next, and after its attempt to a button for a new one', async () => {
    const { page, instance, id } = await openLogin({ from: hasty });
    await untilState(page, 'showing');
    const first = await scanScreen(page);
    await page.waitForSelector(`a.here:not([href="${first}"])`, { state: 'attached' });
    expect(await scanScreen(page)).not.toBe(first);

    await hasty.passDeadline(id);
    await untilState(page, 'ended');
    await expect(scanScreen(page)).rejects.toThrow();
    expect(await title(page)).toBe('Time is up');
    await page.keyboard.press('Enter'); // the focus is where the person goes on
    await untilState(page, 'showing');
    expect(await scanScreen(page)).toMatch(/^https:\/\/max\.ru\/:auth\//);
    instance.scan();
    await untilState(page, 'connected');
    expect(await page.title()).toBe('Connected · Link MAX');
  });

  it.each([
    ['light', 1],
    ['light', 2],
    ['dark', 1],
    ['dark', 2],
  ] as const)('can be scanned from a desktop and a phone in %s with %s pixels a point', async (colorScheme, deviceScaleFactor) => {
    await Promise.all(
      [{}, PHONE].map(async (screen) => {
        const { page, instance } = await openLogin({ ...screen, colorScheme, deviceScaleFactor });
        await untilState(page, 'showing');
        expect(await scanScreen(page)).toBe(instance.code());
        expect(await isTooWide(page)).toBe(false);
      }),
    );
  });

  it.each([
    ['on the smallest phone', SMALL_PHONE, ''],
    ['in the longer language', SMALL_PHONE, '?lang=ru'],
    ['in colours of the person’s own', { forcedColors: 'active' }, ''],
  ] as const)('can be scanned %s, and with letters twice as large', async (_name, screen, query) => {
    const { page, instance } = await openLogin({ ...screen, query });
    await untilState(page, 'showing');
    expect(await scanScreen(page)).toBe(instance.code());
    await doubleText(page);
    await page.locator('#code').scrollIntoViewIfNeeded();
    expect(await scanScreen(page)).toBe(instance.code());
    expect(await isTooWide(page)).toBe(false);
  });

  it('is the provider’s own picture where nobody could read it', async () => {
    const { page, instance } = await openLogin();
    await untilState(page, 'showing');
    await forgetTexts(page);
    await page.waitForSelector('img#code');
    expect(await scanScreen(page)).toBe(instance.code());
    expect(await page.locator('a.here').count()).toBe(0);
  });

  it('is a link on the phone it is shown on, and on no desktop', async () => {
    const [{ page: phone, instance }, { page: desktop }] = await Promise.all([openLogin(PHONE), openLogin()]);
    await Promise.all([untilState(phone, 'showing'), untilState(desktop, 'showing')]);
    await phone.waitForSelector('a.here'); // and is seen
    expect(await phone.locator('a.here').getAttribute('href')).toBe(instance.code());
    expect(await desktop.locator('a.here').isVisible()).toBe(false);
  });

  it('is painted at once, and the page is small', async () => {
    const instance = cluster.newInstance();
    const { ticket } = await cluster.create(instance);
    const { publicUrl = '' } = cluster.gateways[0] ?? {};
    const watched = await openPage(browser, { allowed: [publicUrl] });
    opened.push(watched);
    const { page } = watched;
    const requests: Request[] = [];
    page.on('request', (request) => requests.push(request));
    await timePaint(page);
    await page.goto(`${publicUrl}/connect#${ticket}`);
    const { frames, ms, sinceOpenMs } = await paintOf(page);
    const loaded = requests.filter((request) => request.url().startsWith(publicUrl));
    const bodies = await Promise.all(loaded.map(async (request) => (await request.sizes()).responseBodySize));
    const bytes = bodies.reduce((sum, body) => sum + body, 0);
    process.stdout.write(`code painted ${Math.round(ms)} ms after its message, ${Math.round(sinceOpenMs)} ms after the page was opened\n`);
    process.stdout.write(`the page loads ${bytes} bytes in ${bodies.length} files\n`);
    expect(frames).toBe(1); // the very next one, however long this machine takes to draw it
    expect(bodies).toHaveLength(5); // the page, its three scripts and what it is told
    expect(bytes).toBeLessThan(60_000);
  });
});

describe.concurrent('the password', () => {
  it('is entered with the keyboard alone, wrong and then right', async () => {
    const { page, instance } = await openLogin();
    await scanWithPassword(page, instance, 'correct horse');
    await page.keyboard.type('wrong'); // the field has the focus
    await page.keyboard.press('Enter');
    await page.waitForSelector('#mistake');
    expect(await page.locator('#password').inputValue()).toBe('');
    expect(await page.locator('#password').getAttribute('aria-describedby')).toBe('mistake');
    await page.keyboard.type('correct horse');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space'); // shows it
    expect(await page.locator('#password').getAttribute('type')).toBe('text');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await untilState(page, 'connected');
    expect(await page.locator('[role=status]').textContent()).toContain('Connected');
  });

  it('waits after too many attempts', async () => {
    const { page, instance } = await openLogin({ hasOwnClock: true });
    await scanWithPassword(page, instance, 'correct horse');
    await stopClock(page); // the wait is short
    instance.fail('sendAuthorizationPassword', 'passwordRateLimited');
    await page.keyboard.type('anything');
    await page.keyboard.press('Enter');
    await page.waitForSelector('button[type=submit]:text("Try again in ")');
    expect(await page.locator('#mistake').textContent()).toMatch(/^Too many attempts/);
  });
});

describe.concurrent('an end', () => {
  it('says that another account was linked', async () => {
    const { page, instance } = await openLogin({ session: { expectedPhone: '79990000000', returnUrl: 'https://shop.example.com/a' } });
    await untilState(page, 'showing');
    instance.scan();
    await untilState(page, 'ended');
    expect(await title(page)).toBe('Another account was linked');
    expect(await page.locator('#resume').count()).toBe(0);
    expect(await page.locator('#return').textContent()).toBe('Return to shop.example.com');
  });

  it('is far while the provider is down: the page says what is wrong, and goes on when it is not', async () => {
    const { page, instance } = await openLogin({ query: '?lang=ru', isDown: true });
    await page.waitForSelector('.detail:text("В MAX сейчас неполадки")');
    expect(await page.locator('.seconds').textContent()).toMatch(/^(Следующая попытка через \d+ с|Пробуем сейчас…)$/);
    instance.clearFaults();
    await untilState(page, 'showing');
  });

  it('comes when the provider stays down: the page says so, and its button begins anew', async () => {
    const { page, instance } = await openLogin({ isDown: true, session: { returnUrl: 'https://shop.example.com/a' } });
    for (let asked = 1; asked < FAILURES_UNTIL_DOWN; asked++) {
      await instance.untilRequests(asked);
      instance.notify({ state: 'starting' }); // is looked into at once; the pauses by themselves come to a minute
    }
    await untilState(page, 'ended');
    expect(instance.requests.length).toBeGreaterThanOrEqual(FAILURES_UNTIL_DOWN);
    expect(await title(page)).toBe('MAX is not answering');
    expect(await page.locator('.detail').textContent()).toBe('No code could be had for some time. Try again in a few minutes.');
    expect(await page.title()).toBe('MAX is not answering · Link MAX');
    expect(await page.locator('#resume').textContent()).toMatch(/^\s*New code\s*$/);
    expect(await page.locator('#return').count()).toBe(0); // it can still go on
    expect(await findBarriers(page)).toEqual([]);
    instance.clearFaults();
    await page.keyboard.press('Enter'); // the focus is where the person goes on
    await untilState(page, 'showing');
    expect(await scanScreen(page)).toBe(instance.code());
  });

  it('leads back to where the person came from, by itself unless they want to stay', async () => {
    const returnUrl = `${hasty.gateways[0]?.publicUrl}/connect?lang=en`;
    const settings = {
      hasOwnClock: true,
      session: { returnUrl },
      allowed: [cluster.gateways[0]?.publicUrl ?? '', hasty.gateways[0]?.publicUrl ?? ''],
    };
    const [leaving, staying] = await Promise.all([openLogin(settings), openLogin(settings)]);
    for (const { page, instance } of [leaving, staying]) {
      await untilState(page, 'showing');
      await stopClock(page);
      instance.scan();
      await untilState(page, 'connected');
      await page.waitForSelector('#stay');
    }
    await staying.page.keyboard.press('Escape');
    await staying.page.waitForSelector('#stay', { state: 'detached' });
    await staying.page.clock.runFor(60_000);
    await leaving.page.clock.runFor(60_000);
    await leaving.page.waitForURL(returnUrl);
    expect(await staying.page.locator('#return').getAttribute('href')).toBe(returnUrl);
    await staying.page.locator('#return').click();
    await staying.page.waitForURL(returnUrl);
  });

  it('of a ticket that is revoked is told, and the page can be tried again in vain', async () => {
    const { page, ticket } = await openLogin();
    await untilState(page, 'showing');
    const { jti } = JSON.parse(Buffer.from(ticket.split('.')[1] ?? '', 'base64url').toString()) as { jti: string };
    expect((await cluster.call('DELETE', `/v1/tickets/${jti}`)).status).toBe(204);
    await untilState(page, 'refused');
    expect(await title(page)).toBe('This login was withdrawn');
    await expect(scanScreen(page)).rejects.toThrow();
    await page.reload();
    await untilState(page, 'refused');
    expect(await title(page)).toBe('This link is not complete');
  });
});

describe.concurrent('the address', () => {
  it('keeps no ticket, and a reload finds the login again until it is finished', async () => {
    const { page, instance, ticket } = await openLogin({ query: '?lang=ru' });
    await untilState(page, 'showing');
    expect(page.url()).toMatch(/\/connect\?lang=ru$/);
    await page.reload();
    await untilState(page, 'showing');
    instance.scan();
    await untilState(page, 'connected');
    await page.reload();
    await untilState(page, 'refused');
    expect(await title(page)).toBe('Вход завершён');
    expect(await page.evaluate('JSON.stringify(Object.entries(sessionStorage))')).not.toContain(ticket);
  });

  it('of a login that was stopped leads a reload to no success', async () => {
    const { page, id } = await openLogin();
    await untilState(page, 'showing');
    await cluster.call('DELETE', `/v1/sessions/${id}`);
    await untilState(page, 'ended');
    await page.reload();
    await untilState(page, 'refused');
    expect(await title(page)).toBe('This login was not completed');
  });

  it('leads to a word in every language if the browser runs no scripts', async () => {
    const { page } = await openLogin({ javaScriptEnabled: false });
    expect(await page.locator('noscript').textContent()).toMatch(/needs JavaScript.*нужен JavaScript/s);
  });

  it('is what the language comes from before the tenant’s wish, and that before the browser’s', async () => {
    const pages = await Promise.all([
      openLogin({ session: { locale: 'ru' }, query: '?lang=en', locale: 'ru-RU' }),
      openLogin({ session: { locale: 'ru-RU' }, locale: 'en-US' }),
      openLogin({ locale: 'ru-RU' }),
      openLogin({ session: { locale: 'de' }, locale: 'fr-FR' }),
    ]);
    const languages = await Promise.all(
      pages.map(async ({ page }) => {
        await untilState(page, 'showing');
        return page.evaluate('document.documentElement.lang');
      }),
    );
    expect(languages).toEqual(['en', 'ru', 'ru', 'en']);
    expect(await title(pages[1].page)).toBe('Отсканируйте код в MAX');
  });
});

/**
 * Makes the pictures of apps/web/README.md again:
 * `QRCAST_SCREENSHOTS=1 vitest run e2e/page-screenshots`. Look at them afterwards.
 */

import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import { openTestProxy } from '@qrcast/runtime/test/proxy';
import { decode, encode } from 'fast-png';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, inject, it } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { openPage, type PageOptions, PHONE, untilState } from '../test/page.ts';

const FOLDER = fileURLToPath(new URL('../../web/screenshots', import.meta.url));
const WIDE = { viewport: { width: 1120, height: 640 } };
const HAND = { ...PHONE, deviceScaleFactor: 1.5 };

describe.runIf(process.env['QRCAST_SCREENSHOTS'] === '1')('screenshots', () => {
  let browser: Browser;
  let cluster: Cluster;

  beforeAll(async () => {
    const redisUrl = inject('redisUrl');
    [browser, cluster] = await Promise.all([openBrowser(), openCluster({ redisUrl, policy: { codeTtlMs: DEFAULT_POLICY.codeTtlMs } })]);
  });
  afterAll(async () => {
    await browser.close();
    await cluster.close();
  });

  async function openLogin(look: Partial<PageOptions>, from = cluster, session: Record<string, unknown> = {}, port?: number) {
    const instance = from.newInstance();
    const { session: created, ticket } = await from.create(instance, session);
    const { publicUrl = '', port: own = 0 } = from.gateways[0] ?? {};
    const { page } = await openPage(browser, { allowed: [publicUrl], ...look });
    await page.goto(`http://127.0.0.1:${port ?? own}/connect#${ticket}`);
    return { page, instance, id: created.id };
  }

  async function save(page: Page, name: string): Promise<void> {
    const png = decode(await page.screenshot({ animations: 'disabled' }));
    // Nobody can see these steps. Without them, the dithered background is half of the file.
    const data = png.data.map((value) => Math.min(255, Math.round(value / 2) * 2));
    await writeFile(`${FOLDER}/${name}.png`, encode({ ...png, data }, { zlib: { level: 9 } }));
    await page.context().close();
  }

  it.each([
    ['showing-en-light', WIDE, 'en-GB', 'light'],
    ['showing-en-dark', WIDE, 'en-GB', 'dark'],
    ['showing-ru-dark-phone', HAND, 'ru-RU', 'dark'],
  ] as const)('%s', async (name, screen, locale, colorScheme) => {
    const { page } = await openLogin({ ...screen, locale, colorScheme });
    await page.waitForSelector('svg#code'); // the first one may still be the provider's picture
    await save(page, name);
  });

  it.each([
    ['finishing-en-dark', WIDE, 'en-GB', 'dark'],
    ['finishing-ru-light-phone', HAND, 'ru-RU', 'light'],
  ] as const)('%s', async (name, screen, locale, colorScheme) => {
    const { page, instance } = await openLogin({ ...screen, locale, colorScheme });
    await untilState(page, 'showing');
    instance.setState('starting');
    await untilState(page, 'waiting');
    await page.waitForFunction(`!document.querySelector('qrcast-login').shadowRoot.querySelector('#code')`);
    await save(page, name);
  });

  it('the password and the way back', async () => {
    for (const [look, suffix] of [
      [{ ...WIDE, locale: 'en-GB' }, 'en-light'],
      [{ ...HAND, locale: 'ru-RU', colorScheme: 'dark' }, 'ru-dark-phone'],
    ] as const) {
      const take = async (name: string, more: (page: Page) => Promise<unknown>): Promise<void> => {
        const { page, instance } = await openLogin(look, cluster, { returnUrl: 'https://shop.example.com/orders' });
        await untilState(page, 'showing');
        instance.scanWithPassword('correct horse');
        await untilState(page, 'password');
        await more(page);
        await save(page, `${name}-${suffix}`);
      };
      await take('password', async (page) => {
        await page.fill('#password', 'wrong');
        await page.keyboard.press('Enter');
        await page.waitForSelector('#mistake');
      });
      await take('connected', async (page) => {
        await page.fill('#password', 'correct horse');
        await page.keyboard.press('Enter');
        await untilState(page, 'connected');
      });
    }
  });

  it('ends', async () => {
    const { page, id: first } = await openLogin({ ...WIDE, locale: 'ru-RU' });
    await untilState(page, 'showing');
    await cluster.passDeadline(first);
    await untilState(page, 'ended');
    await save(page, 'ended-ru-light');
    const { page: other, id } = await openLogin({ ...HAND, locale: 'en-GB' });
    await untilState(other, 'showing');
    await cluster.call('DELETE', `/v1/sessions/${id}`);
    await untilState(other, 'ended');
    await other.reload();
    await untilState(other, 'refused');
    await save(other, 'refused-en-light-phone');
  });

  it('a lost connection', async () => {
    const short = await openCluster({ redisUrl: inject('redisUrl'), policy: { codeTtlMs: 6_000 } });
    const line = await openTestProxy(short.gateways[0]?.port ?? 0);
    const { page } = await openLogin({ ...WIDE, locale: 'en-GB', colorScheme: 'dark' }, short, {}, line.port);
    await untilState(page, 'showing');
    line.refuse(true);
    line.cut();
    await untilState(page, 'waiting');
    await page.waitForSelector('.banner');
    await save(page, 'stale-en-dark');
    await line.close();
    await short.close();
  });
});

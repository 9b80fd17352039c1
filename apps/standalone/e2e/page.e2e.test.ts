/**
 * The hosted login page as people meet it: in Chromium, from a gateway and a worker, with the
 * simulated provider and phone. Other screens are in page.e2e.release.test.ts.
 */

import type { Instance } from '@qrcast/simulator/instance';
import type { Page, Request } from 'playwright-core';
import { afterEach, describe, expect, it } from 'vitest';
import { titleOf, useHostedPages } from '../test/hosted-pages.ts';
import { forgetTexts, PHONE, paintOf, scanScreen, stopClock, timePaint, untilState } from '../test/page.ts';
import { checkDesktopAndPhone, checkUnusual, UNUSUAL } from '../test/scannable-codes.ts';

const pages = useHostedPages();
const { openLogin } = pages;

/** Goes on to the state `password`, in which this password is right. */
async function scanWithPassword(page: Page, instance: Instance, password: string): Promise<void> {
  await untilState(page, 'showing');
  instance.scanWithPassword(password);
  await untilState(page, 'password');
}

describe('a code', () => {
  afterEach(pages.close);

  it('is the one of the provider, is replaced by the next, and after the attempt by a button for a new one', async () => {
    const { page, instance, id } = await openLogin({ from: pages.stage().hasty });
    await untilState(page, 'showing');
    const first = await scanScreen(page);
    await page.waitForSelector(`a.here:not([href="${first}"])`, { state: 'attached' });
    expect(await scanScreen(page)).not.toBe(first);

    await pages.stage().hasty.passDeadline(id);
    await untilState(page, 'ended');
    await expect(scanScreen(page)).rejects.toThrow();
    expect(await titleOf(page)).toBe('Time is up');
    await page.keyboard.press('Enter'); // the focus is on the button to go on
    await untilState(page, 'showing');
    expect(await scanScreen(page)).toMatch(/^https:\/\/max\.ru\/:auth\//);
    instance.scan();
    await untilState(page, 'connected');
    expect(await page.title()).toBe('Connected · Link MAX');
  });

  it.each([
    ['light', 1],
    ['dark', 2],
  ] as const)('can be scanned from a desktop and a phone in %s with %s pixels a point', (...look) => checkDesktopAndPhone(pages, look));

  it.each([UNUSUAL.smallest])('can be scanned %s, and with letters twice as large', (_name, options) => checkUnusual(pages, options));

  it('is the provider’s own picture if it could not be read', async () => {
    const { page, instance } = await openLogin();
    await untilState(page, 'showing');
    await forgetTexts(page);
    await page.waitForSelector('img#code');
    expect(await scanScreen(page)).toBe(instance.code());
    expect(await page.locator('a.here').count()).toBe(0);
  });

  it('is a link on the phone that shows it, and on no desktop', async () => {
    const [{ page: phone, instance }, { page: desktop }] = await Promise.all([openLogin(PHONE), openLogin()]);
    await Promise.all([untilState(phone, 'showing'), untilState(desktop, 'showing')]);
    await phone.waitForSelector('a.here'); // and is visible
    expect(await phone.locator('a.here').getAttribute('href')).toBe(instance.code());
    expect(await desktop.locator('a.here').isVisible()).toBe(false);
  });

  it('is drawn at once, and the page is small', async () => {
    const instance = pages.stage().cluster.newInstance();
    const { ticket } = await pages.stage().cluster.create(instance);
    const { publicUrl = '' } = pages.stage().cluster.gateways[0] ?? {};
    const page = await pages.open({ allowed: [publicUrl] });
    const requests: Request[] = [];
    page.on('request', (request) => requests.push(request));
    await timePaint(page);
    await page.goto(`${publicUrl}/connect#${ticket}`);
    const { frames, ms, sinceOpenMs, connectedFirst } = await paintOf(page);
    const loaded = requests.filter((request) => request.url().startsWith(publicUrl));
    const bodies = await Promise.all(loaded.map(async (request) => (await request.sizes()).responseBodySize));
    const bytes = bodies.reduce((sum, body) => sum + body, 0);
    process.stdout.write(`code painted ${Math.round(ms)} ms after its message, ${Math.round(sinceOpenMs)} ms after the page was opened\n`);
    process.stdout.write(`the page loads ${bytes} bytes in ${bodies.length} files\n`);
    expect(frames).toBe(1); // the very next one, however long this machine takes to draw it
    expect(connectedFirst).toBe(true);
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
    await page.keyboard.press('Space'); // shows the password
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

/** How a login ends on the hosted page, and what its address leads to afterwards. In Chromium. */

import { FAILURES_UNTIL_DOWN } from '@qrcast/core/schedule';
import { describe, expect, it } from 'vitest';
import { titleOf, useHostedPages } from '../test/hosted-pages.ts';
import { findBarriers, scanScreen, stopClock, untilState } from '../test/page.ts';

const pages = useHostedPages();
const { openLogin } = pages;

describe.concurrent('an end', () => {
  it('says that another account was linked', async () => {
    const { page, instance } = await openLogin({ session: { expectedPhone: '79990000000', returnUrl: 'https://shop.example.com/a' } });
    await untilState(page, 'showing');
    instance.scan();
    await untilState(page, 'ended');
    expect(await titleOf(page)).toBe('Another account was linked');
    expect(await page.locator('#resume').count()).toBe(0);
    expect(await page.locator('#return').textContent()).toBe('Return to shop.example.com');
  });

  it('does not come while the provider is down: the page says what is wrong, and continues afterwards', async () => {
    const { page, instance } = await openLogin({ query: '?lang=ru', isDown: true });
    await page.waitForSelector('.detail:text("В MAX сейчас неполадки")');
    expect(await page.locator('.seconds').textContent()).toMatch(/^(Следующая попытка через \d+ с|Пробуем сейчас…)$/);
    instance.clearFaults();
    await untilState(page, 'showing');
  });

  it('comes when the provider stays down: the page says so, and its button begins a new attempt', async () => {
    const { page, instance } = await openLogin({ isDown: true, session: { returnUrl: 'https://shop.example.com/a' } });
    for (let asked = 1; asked < FAILURES_UNTIL_DOWN; asked++) {
      await instance.untilRequests(asked);
      instance.notify({ state: 'starting' }); // is checked at once; the pauses alone would take a minute
    }
    await untilState(page, 'ended');
    expect(instance.requests.length).toBeGreaterThanOrEqual(FAILURES_UNTIL_DOWN);
    expect(await titleOf(page)).toBe('MAX is not answering');
    expect(await page.locator('.detail').textContent()).toBe('No code could be had for some time. Try again in a few minutes.');
    expect(await page.title()).toBe('MAX is not answering · Link MAX');
    expect(await page.locator('#resume').textContent()).toMatch(/^\s*New code\s*$/);
    expect(await page.locator('#return').count()).toBe(0); // it can still go on
    expect(await findBarriers(page)).toEqual([]);
    instance.clearFaults();
    await page.keyboard.press('Enter'); // the focus is on the button to go on
    await untilState(page, 'showing');
    expect(await scanScreen(page)).toBe(instance.code());
  });

  it('leads back to where the person came from, automatically unless they choose to stay', async () => {
    const returnUrl = `${pages.stage().hasty.gateways[0]?.publicUrl}/connect?lang=en`;
    const settings = {
      hasOwnClock: true,
      session: { returnUrl },
      allowed: [pages.stage().cluster.gateways[0]?.publicUrl ?? '', pages.stage().hasty.gateways[0]?.publicUrl ?? ''],
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

  it('of a revoked ticket is shown, and trying again does not help', async () => {
    const { page, ticket } = await openLogin({ mayBeRefused: true });
    await untilState(page, 'showing');
    const { jti } = JSON.parse(Buffer.from(ticket.split('.')[1] ?? '', 'base64url').toString()) as { jti: string };
    expect((await pages.stage().cluster.call('DELETE', `/v1/tickets/${jti}`)).status).toBe(204);
    await untilState(page, 'refused');
    // A page that is just connecting again is refused instead of told, and knows no reason.
    expect(['This login was withdrawn', 'This login is not valid']).toContain(await titleOf(page));
    await expect(scanScreen(page)).rejects.toThrow();
    await page.reload();
    await untilState(page, 'refused');
    expect(await titleOf(page)).toBe('This link is not complete');
  });
});

describe.concurrent('the address', () => {
  it('contains no ticket, and a reload finds the login again until it is finished', async () => {
    const { page, instance, ticket } = await openLogin({ query: '?lang=ru' });
    await untilState(page, 'showing');
    expect(page.url()).toMatch(/\/connect\?lang=ru$/);
    await page.reload();
    await untilState(page, 'showing');
    instance.scan();
    await untilState(page, 'connected');
    await page.reload();
    await untilState(page, 'refused');
    expect(await titleOf(page)).toBe('Вход завершён');
    expect(await page.evaluate('JSON.stringify(Object.entries(sessionStorage))')).not.toContain(ticket);
  });

  it('of a stopped login shows no success after a reload', async () => {
    const { page, id } = await openLogin();
    await untilState(page, 'showing');
    await pages.stage().cluster.call('DELETE', `/v1/sessions/${id}`);
    await untilState(page, 'ended');
    await page.reload();
    await untilState(page, 'refused');
    expect(await titleOf(page)).toBe('This login was not completed');
  });

  it('shows a sentence in every language if the browser runs no scripts', async () => {
    const { page } = await openLogin({ javaScriptEnabled: false });
    expect(await page.locator('noscript').textContent()).toMatch(/needs JavaScript.*нужен JavaScript/s);
  });

  it('sets the language before the tenant’s setting, which comes before the browser’s', async () => {
    const logins = await Promise.all([
      openLogin({ session: { locale: 'ru' }, query: '?lang=en', locale: 'ru-RU' }),
      openLogin({ session: { locale: 'ru-RU' }, locale: 'en-US' }),
      openLogin({ locale: 'ru-RU' }),
      openLogin({ session: { locale: 'de' }, locale: 'fr-FR' }),
    ]);
    const languages = await Promise.all(
      logins.map(async ({ page }) => {
        await untilState(page, 'showing');
        return page.evaluate('document.documentElement.lang');
      }),
    );
    expect(languages).toEqual(['en', 'ru', 'ru', 'en']);
    expect(await titleOf(logins[1].page)).toBe('Отсканируйте код в MAX');
  });
});

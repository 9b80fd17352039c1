/**
 * `<qrcast-login>` in a page with keyboard shortcuts of its own, and with code that runs before the
 * element is loaded.
 */

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../test/cluster.ts';
import { useLoginStage } from '../test/login-stage.ts';

/** Its keys are shortcuts of the page below: `/` opens a search, and digits choose tabs. */
const PASSWORD = 'pass/s1 Kj?';

const stage = useLoginStage();

async function openSite(body: string): Promise<Page> {
  const page = await (await stage.browser.newContext({ locale: 'en-US', permissions: ['clipboard-read', 'clipboard-write'] })).newPage();
  await page.goto(stage.site.origin + stage.site.serve(body));
  return page;
}

/**
 * Such pages take a letter as a shortcut unless its target is a field. The target of an event in a
 * shadow root does not look like one.
 */
const SHORTCUTS = `<script>
  globalThis.taken = [];
  const take = (event) => {
    if (event.target.matches?.('input, textarea, button')) return;
    taken.push(event.type + ' ' + (event.key ?? ''));
    event.preventDefault();
  };
  const types = 'keydown keypress keyup beforeinput paste compositionstart compositionupdate'.split(' ');
  for (const target of [document.body, document, window]) for (const type of types) target.addEventListener(type, take);
</script>`;

describe('a page with shortcuts', () => {
  async function openPassword(): Promise<{ page: Page; instance: ReturnType<Cluster['newInstance']>; taken: () => Promise<string[]> }> {
    const instance = stage.cluster.newInstance();
    const { ticket } = await stage.cluster.create(instance);
    const page = await openSite(`<qrcast-login ticket="${ticket}"></qrcast-login>${SHORTCUTS}`);
    await page.waitForSelector('#title:text-is("Scan the code with MAX")');
    instance.scanWithPassword(PASSWORD);
    await page.waitForSelector('#password');
    await page.focus('#password');
    await page.evaluate('taken.length = 0');
    return { page, instance, taken: () => page.evaluate<string[]>('taken') };
  }

  it('receives nothing that is typed into the element, and the password arrives complete', async () => {
    const { page, taken } = await openPassword();
    await page.keyboard.type(PASSWORD);
    expect(await page.inputValue('#password')).toBe(PASSWORD);
    await page.keyboard.press('Enter');
    await page.waitForSelector('#title:text-is("Connected")');
    expect(await taken()).toEqual([]);
    await page.context().close();
  });

  it('receives nothing that is edited, pasted or composed', async () => {
    const { page, taken } = await openPassword();
    await page.keyboard.type('xy');
    for (const key of ['Control+a', 'Control+c', 'Backspace', 'ArrowLeft', 'Home', 'Delete']) await page.keyboard.press(key);
    expect(await page.inputValue('#password')).toBe('');
    await page.evaluate(`navigator.clipboard.writeText('pasted/')`);
    await page.keyboard.press('Control+v');
    const session = await page.context().newCDPSession(page);
    await session.send('Input.imeSetComposition', { text: 'é', selectionStart: 1, selectionEnd: 1 });
    await session.send('Input.insertText', { text: 'é' });
    expect(await page.inputValue('#password')).toBe('pasted/é');
    expect((await taken()).filter((one) => !one.includes('Control'))).toEqual([]);
    await page.context().close();
  });

  it('still has its own keys: Escape, Tab, function keys and shortcuts with Ctrl', async () => {
    const { page, taken } = await openPassword();
    for (const key of ['Escape', 'F2', 'Control+k', 'Tab']) await page.keyboard.press(key);
    const heard = (await taken()).filter((one) => one.startsWith('keydown')).map((one) => one.split(' ')[1]);
    expect(new Set(heard)).toEqual(new Set(['Escape', 'F2', 'Control', 'k', 'Tab']));
    await page.context().close();
  });

  it('receives no Shift or similar keys while capitals are typed, two of which would open its search', async () => {
    const { page, taken } = await openPassword();
    for (const key of ['Shift+A', 'Shift+B', 'CapsLock', 'NumLock', 'AltGraph', 'Control+Shift+ArrowLeft']) await page.keyboard.press(key);
    const heard = (await taken()).filter((one) => one.startsWith('keydown'));
    expect(new Set(heard)).toEqual(new Set(['keydown Control']));
    await page.context().close();
  });

  it('does not block Enter and Space for the element’s buttons', async () => {
    const { page, taken } = await openPassword();
    await page.focus('.reveal');
    await page.keyboard.press('Space');
    expect(await page.getAttribute('#password', 'type')).toBe('text');
    await page.keyboard.press('Enter');
    expect(await page.getAttribute('#password', 'type')).toBe('password');
    expect(await taken()).toEqual([]);
    await page.context().close();
  });

  it('is first if it captures events, as the README says', async () => {
    const { page } = await openPassword();
    await page.evaluate(`addEventListener('keydown', (event) => event.key === 's' && event.preventDefault(), true)`);
    await page.keyboard.type('pass');
    expect(await page.inputValue('#password')).toBe('pa');
    await page.context().close();
  });
});

describe('what a page sets before the element is defined', () => {
  const state = `(() => {
    const { ticket, url, lang, autoReturn, ownsPage, refusal, theme } = login;
    return { ticket, url, lang, autoReturn, ownsPage, refusal, renewTicket: login.renewTicket?.name, openWatch: login.openWatch?.name };
  })()`;
  const set = `Object.assign(login, {
    ticket: 'a.b.c', url: 'https://other.example', lang: 'ru', autoReturn: true, ownsPage: true, refusal: 'no_ticket',
    renewTicket: async function renew() {}, openWatch: function open() {},
  });`;
  const wanted = {
    ...{ ticket: 'a.b.c', url: 'https://other.example', lang: 'ru', autoReturn: true, ownsPage: true, refusal: 'no_ticket' },
    ...{ renewTicket: 'renew', openWatch: 'open' },
  };
  const defined = `customElements.whenDefined('qrcast-login').then(() => `;

  it.each([
    ['in the markup', `<qrcast-login></qrcast-login><script>globalThis.login = document.querySelector('qrcast-login'); ${set}`],
    ['made by script', `<script>globalThis.login = document.createElement('qrcast-login'); ${set} document.body.append(login);`],
    [
      'put into the page later',
      `<script>globalThis.login = document.createElement('qrcast-login'); ${set} ${defined}document.body.append(login));`,
    ],
  ])('takes effect at once and completely on an element %s', async (_where, body) => {
    const page = await openSite(`${body} ${defined}{ globalThis.seen = ${state}; });</script>`);
    await page.waitForFunction('globalThis.seen');
    expect(await page.evaluate('seen')).toEqual(wanted);
    await page.waitForSelector('#title:text-is("Ссылка неполная")');
    expect(await page.evaluate(state)).toEqual(wanted);
    await page.context().close();
  });

  it('is replaced by what is set afterwards', async () => {
    const page = await openSite(`<script>
      globalThis.login = document.createElement('qrcast-login');
      Object.assign(login, { refusal: 'no_ticket', lang: 'en' });
      ${defined}{ document.body.append(login); login.refusal = 'done'; });</script>`);
    await page.waitForSelector('#title:text-is("This login is finished")');
    await page.context().close();
  });

  it('has priority over the attributes of the markup, which take effect again afterwards', async () => {
    const page = await openSite(`<qrcast-login ticket="a.b.c" url="https://wrong.example" lang="en" auto-return></qrcast-login><script>
      globalThis.login = document.querySelector('qrcast-login');
      Object.assign(login, { ticket: 'd.e.f', url: '/prefix', lang: 'ru', autoReturn: false, refusal: 'no_ticket' });
      ${defined}{ globalThis.seen = [login.ticket, login.url, login.lang, login.autoReturn]; });</script>`);
    await page.waitForFunction('globalThis.seen');
    expect(await page.evaluate('seen')).toEqual(['d.e.f', '/prefix', 'ru', false]);
    await page.waitForSelector('#title:text-is("Ссылка неполная")');
    await page.evaluate(
      `login.setAttribute('ticket', 'g.h.i'); login.removeAttribute('auto-return'); login.setAttribute('auto-return', '')`,
    );
    expect(await page.evaluate('[login.ticket, login.url, login.autoReturn]')).toEqual(['g.h.i', '/prefix', true]);
    await page.context().close();
  });

  it.each(['null', 'undefined', 'false', "''"])('may be %s, before and after, without effect', async (nothing) => {
    const { ticket } = await stage.cluster.create(stage.cluster.newInstance());
    const empty = `for (const name of ['ticket', 'url', 'autoReturn', 'ownsPage', 'refusal', 'renewTicket', 'openWatch']) login[name] = ${nothing};`;
    const page = await openSite(`<script>
      globalThis.login = document.createElement('qrcast-login'); ${empty} document.body.append(login);
      ${defined}{ ${empty} login.ticket = ${JSON.stringify(ticket)}; });</script>`);
    await page.waitForSelector('#title:text-is("Scan the code with MAX")');
    await page.context().close();
  });

  it('requests a ticket, opens the login, and receives its events', async () => {
    const { ticket } = await stage.cluster.create(stage.cluster.newInstance());
    const page = await openSite(`<qrcast-login ticket="of.another.life"></qrcast-login><script>
      globalThis.login = document.querySelector('qrcast-login');
      login.renewTicket = async () => ${JSON.stringify(ticket)};
      login.addEventListener('qrcast-state', ({ detail }) => { globalThis.heard = detail.state; });
      ${defined}login.resume()).then((result) => { globalThis.result = result; });</script>`);
    await page.waitForSelector('#title:text-is("Scan the code with MAX")');
    expect(await page.evaluate('[heard, result.ok]')).toEqual(['showing', false]);
    await page.context().close();
  });
});

describe('the address of the gateway', () => {
  it('may be relative, as in markup', async () => {
    const { ticket } = await stage.cluster.create(stage.cluster.newInstance());
    const page = await openSite(`<base href="${stage.gateway}/shop/"><qrcast-login ticket="${ticket}" url=".."></qrcast-login>`);
    await page.waitForSelector('#title:text-is("Scan the code with MAX")');
    await page.context().close();
  });

  it.each([
    ['en', 'There is no login service at this address. Trying again…'],
    ['ru', 'По этому адресу нет сервиса входа. Пробуем ещё раз…'],
  ])('that leads to no gateway is reported and tried again: %s', async (language, words) => {
    const page = await openSite(`<qrcast-login ticket="a.b.c" lang="${language}" url="/nowhere"></qrcast-login>`);
    await page.waitForSelector(`.banner:text-is("${words}")`);
    await page.waitForRequest((request) => request.url().startsWith(`${stage.site.origin}/nowhere/v1/`));
    await page.context().close();
  });
});

/**
 * A page with a login at its bottom keeps its focus, its typed text and its scroll position,
 * whatever happens to the login.
 */

import type { Instance } from '@qrcast/simulator/instance';
import type { Browser, Frame, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, inject, it } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { type Cluster, type Created, openCluster } from '../test/cluster.ts';
import { openTestSite, type TestSite } from '../test/site.ts';

let browser: Browser;
let cluster: Cluster;
let site: TestSite;

beforeAll(async () => {
  [browser, cluster] = await Promise.all([openBrowser(), openCluster({ redisUrl: inject('redisUrl'), simulator: { rotateMs: 60_000 } })]);
  site = await openTestSite(cluster.gateways[0]?.publicUrl ?? '');
  await cluster.gateways[0]?.tenants.patch('acme', { allowedOrigins: [site.origin, site.otherOrigin] });
});
afterAll(async () => {
  await browser.close();
  await Promise.all([site.close(), cluster.close()]);
});

interface Hosted {
  readonly page: Page;
  readonly instance: Instance;
  readonly id: string;
  /** The page or frame that shows the login. */
  readonly login: Page | Frame;
}

type Embed = (created: Created, gateway: string) => string;

const elementOf: Embed = ({ ticket }, gateway) => `<qrcast-login ticket="${ticket}" url="${gateway}"></qrcast-login>`;
const frameOf: Embed = ({ session, ticket }, gateway) =>
  `<iframe src="${gateway}/connect/${session.id}#${ticket}" width="900" height="600"></iframe>`;

/** Opens a page with the login 3,000 px below the top, and a field at the top. */
async function openHost(embed: Embed, origin = site.origin): Promise<Hosted> {
  const instance = cluster.newInstance();
  const created = await cluster.create(instance);
  const page = await (await browser.newContext()).newPage();
  const login = embed(created, cluster.gateways[0]?.publicUrl ?? '');
  await page.goto(origin + site.serve(`<input id="field"><div style="height: 3000px"></div>${login}`));
  return { page, instance, id: created.session.id, login: page.frames()[1] ?? page };
}

const untilTitle = (where: Page | Frame, title: string): Promise<unknown> =>
  where.waitForSelector(`#title:text-is("${title}")`, { state: 'attached' });

/** What a person typing at the top of the page would notice. */
const stateOf = (page: Page): Promise<unknown> =>
  page.evaluate(`[document.activeElement.id || document.activeElement.tagName, document.querySelector('#field').value, scrollY]`);

const SHOWING = 'Scan the code with MAX';
const PASSWORD = 'Enter your MAX password';

/** Changes the login without its person. Calls `look` after each change. */
async function runThrough({ login, instance, id }: Hosted, look: (what: string) => Promise<void>): Promise<void> {
  await untilTitle(login, SHOWING);
  await look('a code');
  instance.scanWithPassword('correct horse');
  await untilTitle(login, PASSWORD);
  await look('the password');
  await cluster.call('POST', `/v1/sessions/${id}/password`, { password: 'wrong' });
  await login.waitForSelector('#mistake', { state: 'attached' });
  await look('a wrong password');
  await cluster.call('POST', `/v1/sessions/${id}/password`, { password: 'correct horse' });
  await untilTitle(login, 'Connected');
  await look('the success');
}

async function runOut({ login, id }: Hosted, look: (what: string) => Promise<void>): Promise<void> {
  await untilTitle(login, SHOWING);
  await cluster.passDeadline(id);
  await untilTitle(login, 'Time is up');
  await look('the end of an attempt');
  await cluster.call('POST', `/v1/sessions/${id}/resume`); // as another tab does
  await untilTitle(login, SHOWING);
  await look('a new attempt');
}

describe.concurrent('a page with a login', () => {
  it.for([
    ['an element', elementOf, () => site.origin],
    ['a frame', frameOf, () => site.origin],
    ['a frame, as another site', frameOf, () => site.otherOrigin],
  ] as const)('in %s keeps what is typed into its field', async ([_name, embed, origin], { expect }) => {
    for (const run of [runThrough, runOut]) {
      const host = await openHost(embed, origin());
      const { page } = host;
      await page.focus('#field');
      let typed = '';
      await run(host, async (what) => {
        await page.keyboard.type('abc');
        typed += 'abc';
        expect(await stateOf(page), what).toEqual(['field', typed, 0]);
      });
      await page.context().close();
    }
  });

  it('that is read without a focus is not scrolled or focused', async ({ expect }) => {
    for (const run of [runThrough, runOut]) {
      const host = await openHost(elementOf);
      const { page } = host;
      await page.evaluate('scrollTo(0, 500)');
      await run(host, async (what) => expect(await stateOf(page), what).toEqual(['BODY', '', 500]));
      await page.context().close();
    }
  });

  it.for([
    ['an element', elementOf],
    ['a frame', frameOf],
  ] as const)('in %s lets who is in the login go on there, and keeps who left it', async ([_name, embed], { expect }) => {
    const { page, login, instance, id } = await openHost(embed);
    await untilTitle(login, SHOWING);
    instance.scanWithPassword('correct horse');
    await untilTitle(login, PASSWORD);
    await login.locator('#password').click();
    await page.keyboard.type('wrong');
    await page.keyboard.press('Enter');
    await login.waitForSelector('#mistake');
    await page.keyboard.type('again');
    expect(await login.locator('#password').inputValue()).toBe('again');
    await page.focus('#field');
    await cluster.call('DELETE', `/v1/sessions/${id}`);
    await untilTitle(login, 'Login cancelled');
    await page.keyboard.type('abc');
    expect(await page.locator('#field').inputValue()).toBe('abc');
    await page.context().close();
  });

  it('in an element focuses the button that is needed next, in each attempt', async () => {
    const { page, login, id } = await openHost(elementOf);
    async function untilTimeIsUp(): Promise<void> {
      await untilTitle(login, SHOWING);
      await cluster.passDeadline(id);
      await untilTitle(login, 'Time is up');
    }
    await untilTimeIsUp();
    await login.locator('#resume').focus();
    for (let attempt = 0; attempt < 2; attempt++) {
      await page.keyboard.press('Enter');
      await untilTimeIsUp();
    }
    await page.context().close();
  });
});

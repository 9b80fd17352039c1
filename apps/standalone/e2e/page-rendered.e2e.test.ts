/** A login that is not rendered causes no polls. It shows a code soon after it is rendered. */

import type { Instance } from '@qrcast/simulator/instance';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { type Cluster, type Created, openCluster } from '../test/cluster.ts';
import { openTestSite, type TestSite } from '../test/site.ts';

/** So many polls of a visible login prove that an invisible one is not polled. */
const POLLS_OF_TWIN = 4;

let browser: Browser;
let cluster: Cluster;
let gateway: string;
let site: TestSite;

beforeAll(async () => {
  const options = { redisUrl: inject('redisUrl'), simulator: { rotateMs: 60_000 }, unwatchedGraceMs: 100, policy: { intervalMs: 500 } };
  [browser, cluster] = await Promise.all([openBrowser(), openCluster(options)]);
  gateway = cluster.gateways[0]?.publicUrl ?? '';
  site = await openTestSite(gateway);
  await cluster.gateways[0]?.tenants.patch('acme', { allowedOrigins: [site.origin, site.otherOrigin] });
});
afterAll(async () => {
  await browser.close();
  await Promise.all([site.close(), cluster.close()]);
});

interface Embedded extends Created {
  readonly instance: Instance;
  readonly page: Page;
}

/** Opens a page with a login in place of the `%` in `markup`. */
async function openEmbedded(markup: string, loginOf: (created: Created) => string = elementOf, origin = site.origin): Promise<Embedded> {
  const instance = cluster.newInstance();
  const created = await cluster.create(instance);
  const path = site.serve(markup.replace('%', loginOf(created)));
  const page = await (await browser.newContext()).newPage();
  await page.addInitScript(`addEventListener('qrcast-session', ({ detail }) => (globalThis.told = detail.state));`);
  await page.goto(`${origin}${path}`);
  return { ...created, instance, page };
}

const elementOf = ({ ticket }: Created): string => `<qrcast-login ticket="${ticket}"></qrcast-login>`;
const frameOf = ({ session, ticket }: Created): string =>
  `<iframe src="${gateway}/connect/${session.id}#${ticket}" width="900" height="600"></iframe>`;

/**
 * Waits until a visible login was polled several times. Its stream opens after those of the test.
 */
async function untilTwinPolled(): Promise<void> {
  const twin = await openEmbedded('%');
  await twin.instance.untilRequests(POLLS_OF_TWIN);
  await twin.page.context().close();
}

async function viewersOf({ session }: Created): Promise<number> {
  const response = await cluster.call('GET', `/v1/sessions/${session.id}?visible=false`);
  return ((await response.json()) as Created).session.viewers;
}

const codeOf = (page: Page) => page.locator('qrcast-login #code');

describe.concurrent('an element', () => {
  it.for([
    ['that is `hidden`', '<div id="box">%</div>', `q('qrcast-login').hidden = true`, `q('qrcast-login').hidden = false`],
    ['in a `display: none` parent', '<div id="box">%</div>', `q('#box').style.display = 'none'`, `q('#box').style.display = ''`],
    ['in a closed dialog', '<dialog id="box">%</dialog>', `q('#box').close()`, `q('#box').showModal()`],
    ['in a hidden popover', '<div id="box" popover="manual">%</div>', `q('#box').hidePopover()`, `q('#box').showPopover()`],
    ['in closed details', '<details id="box"><summary>Link</summary>%</details>', `q('#box').open = false`, `q('#box').open = true`],
    ['that is hidden until it is found', '<div id="box">%</div>', `q('#box').hidden = 'until-found'`, `q('#box').hidden = false`],
    ['that is invisible', '<div id="box">%</div>', `q('#box').style.visibility = 'hidden'`, `q('#box').style.visibility = ''`],
    [
      'without a box of its own',
      '<div id="box">%</div>',
      `q('#box').hidden = true`,
      `q('#box').hidden = q('qrcast-login').style.display = 'contents', q('#box').hidden = false`,
    ],
  ])('%s causes no polls until it is rendered, and none after', async ([_name = '', markup = '', hide = '', show = ''], { expect }) => {
    const script = `<script>const q = (selector) => document.querySelector(selector);</script>`;
    // A popover that was never shown cannot be hidden, because it is hidden already.
    const hiding = `<script>try { ${hide} } catch {}</script>`;
    const embedded = await openEmbedded(`${script}${markup}${hiding}`);
    const { page, instance } = embedded;
    await page.waitForFunction(`globalThis.told === 'idle'`); // it has a stream nevertheless
    await untilTwinPolled();
    expect(instance.requests).toEqual([]);
    expect(await viewersOf(embedded)).toBe(0);

    await page.evaluate(show);
    await codeOf(page).waitFor();
    await expect.poll(() => viewersOf(embedded)).toBe(1);
    await page.evaluate(hide);
    await expect.poll(() => viewersOf(embedded)).toBe(0);
    await page.evaluate(show);
    await expect.poll(() => viewersOf(embedded)).toBe(1);
    await page.context().close();
  });

  it('in a shadow root of a hidden host causes none', async ({ expect }) => {
    const embedded = await openEmbedded(`<div id="host" hidden><template shadowrootmode="open"><p>%</p></template></div>`);
    const { page, instance } = embedded;
    await page.waitForFunction(`globalThis.told === 'idle'`);
    await untilTwinPolled();
    expect(instance.requests).toEqual([]);
    await page.evaluate(`document.querySelector('#host').hidden = false`);
    await codeOf(page).waitFor();
    await page.context().close();
  });

  it('that is scrolled out of view is polled, and shows its code when it is put elsewhere', async () => {
    const { page } = await openEmbedded(
      '<div style="height: 9000px"></div><div style="content-visibility: auto">%</div><p id="other"></p>',
    );
    await page.waitForFunction(`globalThis.told === 'showing'`);
    await page.evaluate(`delete globalThis.told, document.querySelector('#other').append(document.querySelector('qrcast-login'))`);
    await page.waitForFunction(`globalThis.told === 'showing'`);
    await page.context().close();
  });
});

describe('the hosted page', () => {
  it.each([
    ['a hidden frame', () => site.origin, '<div id="box" hidden>%</div>'],
    ['a hidden frame on another site', () => site.otherOrigin, '<div id="box" hidden>%</div>'],
    ['a frame in a part of the page that is not drawn yet', () => site.otherOrigin, '<div id="box" hidden="until-found">%</div>'],
  ])('in %s causes no polls until that is shown', async (_name, origin, markup) => {
    const embedded = await openEmbedded(markup, frameOf, origin());
    const { page, instance } = embedded;
    const [, frame] = page.frames();
    await frame?.waitForSelector('html[data-state="idle"]', { state: 'attached' });
    await untilTwinPolled();
    expect(instance.requests).toEqual([]);
    await page.evaluate(`document.querySelector('#box').hidden = false`);
    await frame?.waitForSelector('html[data-state="showing"]');
    await page.context().close();
  });
});

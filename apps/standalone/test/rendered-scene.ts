/**
 * For tests of logins that are not rendered: a browser, a site whose pages have such logins, and a
 * visible login whose polls measure the time.
 */

import type { Instance } from '@qrcast/simulator/instance';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, type ExpectStatic, inject } from 'vitest';
import { openBrowser } from './browser.ts';
import { type Cluster, type Created, openCluster } from './cluster.ts';
import { openTestSite, type TestSite } from './site.ts';

/** So many polls of a visible login prove that an invisible one is not polled. */
const POLLS_OF_TWIN = 4;

interface Opened {
  readonly browser: Browser;
  readonly cluster: Cluster;
  readonly gateway: string;
  readonly site: TestSite;
  /** A visible login. */
  readonly twin: Embedded;
}

interface Embedded extends Created {
  readonly instance: Instance;
  readonly page: Page;
}

/** An element in a page, and code that hides and shows it. In `markup`, `%` stands for the element. */
export type Hiding = readonly [name: string, markup: string, hide: string, show: string];

/** A hosted page in a part of a page that is not shown. In `markup`, `%` stands for its frame. */
export type HiddenFrame = readonly [name: string, on: 'origin' | 'otherOrigin', markup: string];

export interface RenderedScene {
  openElement(markup: string): Promise<Embedded>;
  /** The element causes no polls until it is rendered, and none after. */
  checkHiding(expect: ExpectStatic, hiding: Hiding): Promise<void>;
  checkShadowRoot(expect: ExpectStatic): Promise<void>;
  /** The hosted page causes no polls until its frame is shown. */
  checkFrame(expect: ExpectStatic, hidden: HiddenFrame): Promise<void>;
}

/** Opens everything before the tests of a file, and closes it after them. */
export function useRenderedScene(): RenderedScene {
  let opened: Opened | undefined;
  const scene = (): Opened => {
    if (opened === undefined) throw new Error('expected the scene to be open: call this in a test');
    return opened;
  };
  beforeAll(async () => {
    opened = await openScene();
  });
  afterAll(() => opened && closeScene(opened));
  return {
    openElement: (markup) => openElement(scene(), markup),
    checkHiding: (expect, hiding) => checkHiding(scene(), expect, hiding),
    checkShadowRoot: (expect) => checkShadowRoot(scene(), expect),
    checkFrame: (expect, hidden) => checkFrame(scene(), expect, hidden),
  };
}

async function openScene(): Promise<Opened> {
  const policy = { intervalMs: 500, attemptMs: 3_600_000 }; // the visible login lasts for all tests
  const options = { redisUrl: inject('redisUrl'), simulator: { rotateMs: 60_000 }, unwatchedGraceMs: 100, policy };
  const [browser, cluster] = await Promise.all([openBrowser('whole'), openCluster(options)]);
  const gateway = cluster.gateways[0]?.publicUrl ?? '';
  const site = await openTestSite(gateway);
  await cluster.gateways[0]?.tenants.patch('acme', { allowedOrigins: [site.origin, site.otherOrigin] });
  const scene = { browser, cluster, gateway, site };
  return { ...scene, twin: await openElement(scene, '%') };
}

async function closeScene({ browser, site, cluster }: Opened): Promise<void> {
  await browser.close();
  await Promise.all([site.close(), cluster.close()]);
}

/** Opens a page with a login in place of the `%` in `markup`. */
async function openEmbedded(
  { browser, cluster, site }: Omit<Opened, 'twin'>,
  markup: string,
  loginOf: (created: Created) => string,
  origin: string,
): Promise<Embedded> {
  const instance = cluster.newInstance();
  const created = await cluster.create(instance);
  const path = site.serve(markup.replace('%', loginOf(created)));
  const page = await (await browser.newContext()).newPage();
  await page.addInitScript(`addEventListener('qrcast-session', ({ detail }) => (globalThis.told = detail.state));`);
  await page.goto(`${origin}${path}`);
  return { ...created, instance, page };
}

function openElement(scene: Omit<Opened, 'twin'>, markup: string): Promise<Embedded> {
  return openEmbedded(scene, markup, ({ ticket }) => `<qrcast-login ticket="${ticket}"></qrcast-login>`, scene.site.origin);
}

/** Waits until the visible login was polled several times, from now on. */
async function untilTwinPolled({ twin: { instance } }: Opened): Promise<void> {
  await instance.untilRequests(instance.requests.length + POLLS_OF_TWIN);
}

async function viewersOf({ cluster }: Opened, { session }: Created): Promise<number> {
  const response = await cluster.call('GET', `/v1/sessions/${session.id}?visible=false`);
  return ((await response.json()) as Created).session.viewers;
}

const untilCode = (page: Page) => page.locator('qrcast-login #code').waitFor();

async function checkHiding(scene: Opened, expect: ExpectStatic, [, markup, hide, show]: Hiding): Promise<void> {
  const script = `<script>const q = (selector) => document.querySelector(selector);</script>`;
  const hiding = `<script>${hide}</script>`;
  const embedded = await openElement(scene, `${script}${markup}${hiding}`);
  const { page, instance } = embedded;
  await page.waitForFunction(`globalThis.told === 'idle'`); // it has a stream nevertheless
  await untilTwinPolled(scene);
  expect(instance.requests).toEqual([]);
  expect(await viewersOf(scene, embedded)).toBe(0);

  await page.evaluate(show);
  await untilCode(page);
  await expect.poll(() => viewersOf(scene, embedded)).toBe(1);
  await page.evaluate(hide);
  await expect.poll(() => viewersOf(scene, embedded)).toBe(0);
  await page.evaluate(show);
  await expect.poll(() => viewersOf(scene, embedded)).toBe(1);
  await page.context().close();
}

async function checkShadowRoot(scene: Opened, expect: ExpectStatic): Promise<void> {
  const embedded = await openElement(scene, `<div id="host" hidden><template shadowrootmode="open"><p>%</p></template></div>`);
  const { page, instance } = embedded;
  await page.waitForFunction(`globalThis.told === 'idle'`);
  await untilTwinPolled(scene);
  expect(instance.requests).toEqual([]);
  await page.evaluate(`document.querySelector('#host').hidden = false`);
  await untilCode(page);
  await page.context().close();
}

async function checkFrame(scene: Opened, expect: ExpectStatic, [, on, markup]: HiddenFrame): Promise<void> {
  const frameOf = ({ session, ticket }: Created): string =>
    `<iframe src="${scene.gateway}/connect/${session.id}#${ticket}" width="900" height="600"></iframe>`;
  const { page, instance } = await openEmbedded(scene, markup, frameOf, scene.site[on]);
  const [, frame] = page.frames();
  await frame?.waitForSelector('html[data-state="idle"]', { state: 'attached' });
  await untilTwinPolled(scene);
  expect(instance.requests).toEqual([]);
  await page.evaluate(`document.querySelector('#box').hidden = false`);
  await frame?.waitForSelector('html[data-state="showing"]');
  await page.context().close();
}

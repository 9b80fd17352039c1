/**
 * Two logins in one tab: each frame and each page shows its own, after reloads, ends and steps back
 * in the history.
 */

import type { Browser, Frame, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { openTestSite, type TestSite } from '../test/site.ts';

let browser: Browser;
let cluster: Cluster;
let gateway: string;
let site: TestSite;

beforeAll(async () => {
  [browser, cluster] = await Promise.all([openBrowser(), openCluster({ redisUrl: inject('redisUrl'), simulator: { rotateMs: 60_000 } })]);
  gateway = cluster.gateways[0]?.publicUrl ?? '';
  site = await openTestSite(gateway);
  await cluster.gateways[0]?.tenants.patch('acme', { allowedOrigins: [site.origin] });
});
afterAll(async () => {
  await browser.close();
  await Promise.all([site.close(), cluster.close()]);
});

async function createLogin() {
  const instance = cluster.newInstance();
  const { session, ticket } = await cluster.create(instance);
  return {
    instance,
    id: session.id,
    ticket,
    framed: `${gateway}/connect/${session.id}#${ticket}`,
    address: `${gateway}/connect#${ticket}`,
  };
}

async function openTab(): Promise<Page> {
  const page = await (await browser.newContext({ viewport: { width: 1000, height: 1400 } })).newPage();
  return page;
}

/** Opens a page with these frames. @returns them in their order */
async function openFrames(...addresses: string[]): Promise<{ page: Page; frames: Frame[] }> {
  const page = await openTab();
  const markup = addresses.map((address) => `<iframe src="${address}" width="900" height="600"></iframe>`);
  await page.goto(site.origin + site.serve(markup.join('')));
  return { page, frames: page.frames().slice(1) };
}

type Where = Pick<Frame, 'waitForSelector' | 'evaluate'>;

const untilShows = (where: Where, code: string | null) => where.waitForSelector(`a.here[href="${code}"]`, { state: 'attached' });
const untilTitle = (where: Where, title: string) => where.waitForSelector(`#title:text-is("${title}")`);
/** Navigates after the call is answered: a navigation that is quicker takes the answer with it. */
const navigate = (where: Where, call: string) => where.evaluate(`void setTimeout(() => ${call})`);
const reload = (frame: Frame) => Promise.all([frame.waitForNavigation(), navigate(frame, 'location.reload()')]);

/** Resolves to the code of a login, once it shows one. */
async function codeOf({ instance }: Awaited<ReturnType<typeof createLogin>>): Promise<string | null> {
  await expect.poll(() => instance.code()).not.toBeNull();
  return instance.code();
}

describe('two frames', () => {
  it('show their own logins, after a reload of either and after one is finished', async () => {
    const [a, b] = [await createLogin(), await createLogin()];
    const { page, frames } = await openFrames(a.framed, b.framed);
    const [frameA, frameB] = frames as [Frame, Frame]; // one each
    await Promise.all([untilShows(frameA, await codeOf(a)), untilShows(frameB, await codeOf(b))]);
    await reload(frameA);
    await untilShows(frameA, await codeOf(a));
    await reload(frameB);
    await untilShows(frameB, await codeOf(b));

    a.instance.scan();
    await frameA.waitForSelector('html[data-state="connected"]');
    await reload(frameA);
    await untilTitle(frameA, 'This login is finished');
    await reload(frameB);
    await untilShows(frameB, await codeOf(b));
    await page.context().close();
  });

  it('of which one has the ticket of another login than it names do not show that login', async () => {
    const [a, b] = [await createLogin(), await createLogin()];
    const { page, frames } = await openFrames(`${gateway}/connect/${a.id}#${b.ticket}`, b.framed);
    const [frameA, frameB] = frames as [Frame, Frame]; // one each
    await Promise.all([untilTitle(frameA, 'This link belongs to another login'), untilShows(frameB, await codeOf(b))]);
    expect(await frameA.locator('#code, a.here').count()).toBe(0);
    await reload(frameA);
    await untilTitle(frameA, 'This link is not complete');
    await reload(frameB);
    await untilShows(frameB, await codeOf(b));
    await page.context().close();
  });
});

describe('two pages of one tab', () => {
  it.each([
    ['a link that changes only the fragment', (first: string) => first],
    ['an address of its own', (first: string) => first.replace('#', '?lang=en#')],
  ])('show their own logins, back and forth, by %s', async (_name, addressOf) => {
    const [a, b] = [await createLogin(), await createLogin()];
    const page = await openTab();
    await page.goto(a.address);
    await untilShows(page, await codeOf(a));
    await page.goto(addressOf(b.address));
    await untilShows(page, await codeOf(b));
    await page.reload();
    await untilShows(page, await codeOf(b));
    await navigate(page, 'history.back()');
    await untilShows(page, await codeOf(a));
    await page.reload();
    await untilShows(page, await codeOf(a));

    a.instance.scan();
    await page.waitForSelector('html[data-state="connected"]');
    await navigate(page, 'history.forward()');
    await untilShows(page, await codeOf(b));
    await navigate(page, 'history.back()');
    await untilTitle(page, 'This login is finished');
    expect(await page.evaluate('JSON.stringify([{ ...sessionStorage }, history.state])')).not.toContain(a.ticket);
    await page.context().close();
  });

  it('share nothing with one that has no ticket', async () => {
    const a = await createLogin();
    const page = await openTab();
    await page.goto(a.address);
    await untilShows(page, await codeOf(a));
    await page.goto(`${gateway}/connect?lang=en`);
    await untilTitle(page, 'This link is not complete');
    await page.context().close();
  });
});

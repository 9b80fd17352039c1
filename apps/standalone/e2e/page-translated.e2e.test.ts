/** The login in a page that the browser or an extension translates at the same time. */

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { isTooWide, openPage, scanScreen, type WatchedPage } from '../test/page.ts';

let browser: Browser;
let cluster: Cluster;
const opened: WatchedPage[] = [];

beforeAll(async () => {
  [browser, cluster] = await Promise.all([openBrowser(), openCluster({ redisUrl: inject('redisUrl'), simulator: { rotateMs: 60_000 } })]);
});
afterAll(async () => {
  for (const { page, faults } of opened.splice(0)) {
    await page.context().close();
    expect(faults).toEqual([]);
  }
  await browser.close();
  await cluster.close();
});

/**
 * Wraps each text node of the card, as Chrome's translator does. Later text nodes are wrapped, too.
 */
const TRANSLATE = `{
  const { shadowRoot } = document.querySelector('qrcast-login');
  const translate = () => {
    const walker = document.createTreeWalker(shadowRoot, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walker.nextNode()) texts.push(walker.currentNode);
    for (const text of texts) {
      if (text.parentElement.closest('font, svg, style') !== null) continue;
      const [outer, inner] = [document.createElement('font'), document.createElement('font')];
      inner.textContent = '«' + text.data + '»';
      outer.append(inner);
      text.replaceWith(outer);
    }
  };
  translate();
  if (globalThis.translatesOn) new MutationObserver(translate).observe(shadowRoot, { subtree: true, childList: true, characterData: true });
}`;

async function openLogin(query = '') {
  const instance = cluster.newInstance();
  const { ticket } = await cluster.create(instance);
  const origin = cluster.gateways[0]?.publicUrl ?? '';
  const watched = await openPage(browser, { allowed: [origin] });
  opened.push(watched);
  await watched.page.goto(`${origin}/connect${query}#${ticket}`);
  await watched.page.waitForSelector('html[data-state="showing"]');
  return { page: watched.page, instance };
}

/** Finds the words in whatever elements they are. */
const until = (page: Page, selector: string, words: string): Promise<unknown> =>
  page.waitForSelector(`${selector}:has-text("${words}")`, { state: 'attached' });

describe.concurrent.each([
  ['once', false],
  ['again and again', true],
])('a page that is translated %s', (_name, translatesOn) => {
  it('continues to work: the countdown, the password, the success', async ({ expect }) => {
    const { page, instance } = await openLogin();
    await page.evaluate(`globalThis.translatesOn = ${translatesOn}`);
    await page.evaluate(TRANSLATE);
    const left = (): Promise<string> =>
      page.evaluate(`document.querySelector('qrcast-login').shadowRoot.querySelector('.seconds').textContent`);
    const before = await left();
    expect(before).toMatch(/^«Valid for \d+ s»$/);
    await expect.poll(left).not.toBe(before);
    expect(await scanScreen(page)).toBe(instance.code());
    expect(await isTooWide(page)).toBe(false);

    instance.scanWithPassword('correct horse');
    await until(page, '#title', 'Enter your MAX password');
    await page.fill('#password', 'wrong');
    await page.evaluate(TRANSLATE);
    await page.keyboard.press('Enter');
    await until(page, '#mistake', 'This password was not accepted');
    await page.fill('#password', 'correct horse');
    await page.evaluate(TRANSLATE);
    await page.keyboard.press('Enter');
    await until(page, '#title', 'Connected');
    await until(page, '[role=status]', 'Connected');
    expect(await page.title()).toBe('Connected · Link MAX');
  });
});

/** For end-to-end tests of the console: a page that is signed in, and what it asked of the gateway. */

import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Cluster } from './cluster.ts';
import { openPage, type PageOptions } from './page.ts';

export const VIEWS = {
  operator: ['sessions', 'logins', 'weather', 'tenants', 'audit'],
  tenant: ['sessions', 'logins', 'callbacks', 'audit'],
} as const;

export interface ConsolePage {
  readonly page: Page;
  readonly faults: readonly string[];
  /** Methods, paths and queries, oldest first. */
  readonly asked: readonly string[];
  readonly origin: string;
}

/** Opens the console of the first gateway without a key. */
export function openConsole(browser: Browser, cluster: Cluster, look: Partial<PageOptions> = {}): Promise<ConsolePage> {
  return openConsoleAt(browser, `http://127.0.0.1:${cluster.gateways[0]?.port ?? 0}`, look);
}

/** @param at the address of a gateway, without a slash at its end */
export async function openConsoleAt(browser: Browser, at: string, look: Partial<PageOptions> = {}): Promise<ConsolePage> {
  const { origin } = new URL(at);
  const { page, faults } = await openPage(browser, { allowed: [origin], reducedMotion: 'reduce', ...look });
  const asked: string[] = [];
  page.on('request', (request) => asked.push(`${request.method()} ${request.url().slice(origin.length)}`));
  await page.goto(`${at}/console`);
  await page.waitForSelector('#key');
  return { page, faults, asked, origin };
}

/** Types the key, as a person does. */
export async function signIn({ page }: Pick<ConsolePage, 'page'>, key: string): Promise<void> {
  await page.fill('#key', key);
  await page.keyboard.press('Enter');
  await page.waitForSelector('nav');
}

/** Opens a view with its link, and waits until it has what it shows. */
export async function openView(page: Page, view: string): Promise<void> {
  await page.click(`nav a[href="#/${view}"]`);
  await page.waitForSelector(`nav a[href="#/${view}"][aria-current="page"]`);
  await untilLoaded(page);
}

/** Every view says that it loads in its language. */
export async function untilLoaded(page: Page): Promise<void> {
  await page.waitForSelector('.empty:text-matches("Loading…|Загружаем…")', { state: 'hidden' });
}

/** Presses Tab until the element is focused, as a person without a mouse does. */
export async function tabTo(page: Page, selector: string): Promise<void> {
  await expect
    .poll(async () => {
      await page.keyboard.press('Tab');
      return page.evaluate<boolean>(`document.activeElement.matches(${JSON.stringify(selector)})`);
    })
    .toBe(true);
}

/** The built site in Chromium, below a path: what people see, what axe says, and the search. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHROMIUM_FLAGS, findChromium } from '@qrcast/bench/chromium-program';
import axe, { type AxeResults } from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Served, serve } from '../test/serve.ts';
import { writeSite } from './write-site.ts';

const KINDS = [
  'index.html',
  'ru/index.html',
  'guides/front-end.html',
  'ru/comparison.html',
  'ru/packages/core/spec.html',
  'files/infra/monitoring/alerts.yaml.html',
];

let folder: string;
let site: Served;
let browser: Browser;
beforeAll(async () => {
  const program = findChromium(process.env['PATH'] ?? '');
  if (program === null)
    throw new Error('these tests need Chromium; install it (Debian: apt-get install chromium) or run `pnpm test` at the root');
  folder = mkdtempSync(join(tmpdir(), 'qrcast-docs-'));
  await writeSite(folder);
  site = await serve(folder, '/some/path/');
  browser = await chromium.launch({ executablePath: program, args: CHROMIUM_FLAGS });
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** @returns the page, and what went wrong in it: errors, what its policy refused, requests to elsewhere */
async function open(file: string, options: { scheme?: 'light' | 'dark'; width?: number } = {}): Promise<{ page: Page; faults: string[] }> {
  const context = await browser.newContext({
    colorScheme: options.scheme ?? 'light',
    viewport: { width: options.width ?? 1280, height: 800 },
  });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => void (message.type() === 'error' && faults.push(message.text())));
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => void (request.url().startsWith(site.url) || faults.push(`asked ${request.url()}`)));
  await page.goto(site.url + file);
  return { page, faults };
}

it.each(KINDS)('%s is accessible, light and dark, and calls nobody', async (file) => {
  for (const scheme of ['light', 'dark'] as const) {
    const { page, faults } = await open(file, { scheme });
    // The policy of the page allows no script that is added, but the debugger may run one.
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate<AxeResults>('axe.run()');
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
    expect(faults).toEqual([]);
    await page.context().close();
  }
});

it.each(KINDS)('%s fits into 320 pixels, and its menu opens', async (file) => {
  const { page } = await open(file, { width: 320 });
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
  expect(await page.isVisible('#menu')).toBe(false);
  await page.click('.menu-button');
  expect(await page.isVisible('#menu a')).toBe(true);
  await page.context().close();
});

it.each([
  ['index.html', 'doctor', 'operating.html'],
  ['ru/guides/operator.html', 'тревогу', 'runbook.html'],
  ['ru/index.html', 'уведомлений', 'quick-start.html'],
])('on %s the search for "%s" finds %s by the keyboard', async (file, words, found) => {
  const { page, faults } = await open(file);
  await page.keyboard.press('/');
  await page.keyboard.type(words);
  const result = page.locator(`dialog a[href*="${found}"]`).first();
  await result.waitFor();
  await page.keyboard.press('ArrowDown');
  expect(await page.evaluate('document.activeElement.tagName')).toBe('A');
  await result.press('Enter');
  await page.waitForURL((url) => url.pathname.endsWith(found));
  expect(faults).toEqual([]);
  await page.context().close();
});

it('a chosen theme stays on the next page', async () => {
  const { page } = await open('index.html', { scheme: 'light' });
  await page.click('.theme-button');
  await page.goto(`${site.url}comparison.html`);
  expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
  await page.context().close();
});

/** The product as its first user meets it: one command, a page, a phone. The phone is the simulator's. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBrowser, readScreenshot } from './test-browser.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

interface Started {
  readonly child: ChildProcess;
  readonly folder: string;
  readonly output: () => string;
  readonly pageUrl: string;
  /** The simulator's control address of the instance. */
  readonly control: string;
  readonly ended: Promise<number | null>;
}

async function start(env: Record<string, string> = {}): Promise<Started> {
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-start-'));
  const child = spawn(process.execPath, [MAIN], { cwd: folder, env: { PATH: process.env['PATH'] ?? '', PORT: '0', ...env } });
  const ended = new Promise<number | null>((resolve) => child.once('exit', (status) => resolve(status)));
  let output = '';
  const up = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.includes('Ctrl-C stops everything')) up.resolve();
    });
  }
  await Promise.race([up.promise, ended.then((status) => Promise.reject(new Error(`start ended with ${status}:\n${output}`)))]);
  const pageUrl = /http:\S+\/connect#\S+/.exec(output)?.[0] ?? '';
  const control = /http:\S+\/control\/instances\/\d+/.exec(output)?.[0] ?? '';
  return { child, folder, output: () => output, pageUrl, control, ended };
}

async function stop({ child, folder, ended }: Started): Promise<number | null> {
  child.kill('SIGINT');
  const status = await ended;
  await rm(folder, { recursive: true, force: true });
  return status;
}

describe('pnpm start', () => {
  let browser: Browser;
  let started: Started;
  let page: Page;

  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    started = await start();
    page = await browser.newPage();
  });
  afterEach(async () => {
    await page.close();
    expect(await stop(started)).toBe(0);
  });

  const state = (name: string) => page.waitForSelector(`[data-state="${name}"]`);
  const post = async (path: string, body?: object): Promise<void> => {
    const init = body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const response = await fetch(`${started.control}/${path}`, { method: 'POST', ...init });
    expect(response.status, await response.text()).toBeLessThan(300);
  };
  const codeOnScreen = async (): Promise<string> => readScreenshot(await page.locator('#code').screenshot());

  it('leads to a live code that changes, and after a scan to "connected"', async () => {
    await page.goto(started.pageUrl);
    await state('showing');
    const first = await codeOnScreen();
    expect(first).toMatch(/^https:\/\/max\.ru\/:auth\/[0-9a-f-]{36}$/);
    const instance = (await (await fetch(started.control)).json()) as { code?: string };
    expect(instance.code).toBe(first);

    const picture = await page.locator('#code').getAttribute('src');
    await page.waitForSelector(`#code:not([src="${picture}"])`, { timeout: 60_000 });
    const second = await codeOnScreen();
    expect(second).toMatch(/^https:\/\/max\.ru\/:auth\//);
    expect(second).not.toBe(first);

    const scannedAt = performance.now();
    await post('scan');
    await state('connected');
    process.stdout.write(`scan to "connected" on the page: ${Math.round(performance.now() - scannedAt)} ms\n`);
    expect(await page.locator('#code').isVisible()).toBe(false);
  }, 120_000);

  it('takes the password of an account that has one', async () => {
    await page.goto(started.pageUrl);
    await state('showing');
    await post('scan-with-password', { password: 'correct horse' });
    await state('password');
    await page.fill('#password', 'wrong');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#mistake:not(:empty)');
    await page.fill('#password', 'correct horse');
    await page.keyboard.press('Enter');
    await state('connected');
  }, 60_000);

  it('still says "connected" when the notification is lost', async () => {
    await page.goto(started.pageUrl);
    await state('showing');
    await post('webhook', { lose: 1 });
    await post('scan');
    await state('connected'); // by the next poll
  }, 60_000);
});

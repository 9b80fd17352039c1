/**
 * The product as its first user sees it: one command, a page and a phone. The simulator plays the
 * phone.
 */

import { readdir, readFile, readlink, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openSimulator } from '@qrcast/simulator/simulator';
import { Redis } from 'ioredis';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBrowser, readScreenshot } from '../test/browser.ts';
import { childrenOf, untilGone } from '../test/login.ts';
import { createScreen } from '../test/screen.ts';
import { type Started, start, stop } from '../test/start-process.ts';

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
    let first = '';
    let provided: string | undefined;
    while (first === '' || provided !== first) {
      first = await codeOnScreen(); // until the code changes; on a slow machine that may be before the next poll
      ({ code: provided } = (await (await fetch(started.control)).json()) as { code?: string });
    }
    expect(first).toMatch(/^https:\/\/max\.ru\/:auth\/[0-9a-f-]{36}$/);

    const drawn = `(document.querySelector('qrcast-login').shadowRoot.querySelector('#code')?.outerHTML ?? '')`;
    const untilNot = (seen: readonly string[]) =>
      page.evaluate(`new Promise((resolve) => {
        const look = () => (${JSON.stringify(seen)}.includes(${drawn}) ? requestAnimationFrame(look) : resolve());
        look();
      })`);
    let second = first;
    while (second === first) {
      const before = await page.evaluate<string>(drawn);
      second = await codeOnScreen();
      // A new drawing may show the same code: our own picture replaces the provider's.
      if (second === first) await untilNot([before, '']);
    }
    expect(second).toMatch(/^https:\/\/max\.ru\/:auth\//);
    expect(second).not.toBe(first);

    const scannedAt = performance.now();
    await post('scan');
    await state('connected');
    process.stdout.write(`scan to "connected" on the page: ${Math.round(performance.now() - scannedAt)} ms\n`);
    expect(await page.locator('#code').isVisible()).toBe(false);
  });

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
  });

  it('still says "connected" when the notification is lost', async () => {
    await page.goto(started.pageUrl);
    await state('showing');
    await post('webhook', { lose: 1 });
    await post('scan');
    await state('connected'); // by the next poll
  });
});

describe('pnpm start with an instance of one’s own', () => {
  it('draws its code in the terminal as well, and says once that it is connected', async () => {
    const simulator = await openSimulator({ rotateMs: 3_600_000 });
    const instance = simulator.createInstance();
    const started = await start({
      GREEN_API_ID_INSTANCE: instance.idInstance,
      GREEN_API_TOKEN: instance.apiToken,
      GREEN_API_URL: simulator.url,
      QRCAST_UPSTREAM_HOSTS: simulator.url,
      QRCAST_POLL_INTERVAL_MS: '1500',
      QRCAST_CODE_TTL_MS: '120000',
    });
    await started.until((output) => output.includes('Scan it in MAX'));
    const screen = createScreen(300, 200);
    screen.write(started.output().replaceAll('\n', '\r\n'));
    expect(screen.readCode('dark')).toBe(instance.code());
    instance.scan();
    await started.until((output) => output.includes('Connected'));
    expect(await stop(started)).toBe(0);
    expect(started.output().split('Connected')).toHaveLength(2);
    await simulator.close();
  });
});

describe('pnpm start, when things went wrong', () => {
  const folders: string[] = [];
  afterEach(async () => {
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
  });

  const redisOf = async ({ folder }: Started): Promise<string> => readFile(join(folder, '.qrcast/redis-address'), 'utf8');
  /** The server, and the watchdog beside it. */
  const processesOfRedis = ({ child }: Started): readonly number[] => {
    const servers = childrenOf(child.pid ?? 0);
    return [...servers, ...servers.flatMap(childrenOf)];
  };
  const canReach = async (url: string): Promise<boolean> => {
    const redis = new Redis(url, { retryStrategy: () => null, lazyConnect: true });
    redis.on('error', () => undefined); // reported in the result
    const answer = await redis.ping().catch(() => null);
    redis.disconnect();
    return answer === 'PONG';
  };

  it.runIf(process.platform === 'linux')(
    'takes its Redis along when it is killed, and the next start finds what was written to the last',
    async () => {
      const killed = await start();
      folders.push(killed.folder);
      const client = new Redis(await redisOf(killed), { retryStrategy: () => null });
      const disconnected = new Promise<void>((resolve) => client.once('end', resolve));
      await client.set('written', 'last');
      const processes = processesOfRedis(killed);
      killed.child.kill('SIGKILL');
      await disconnected;
      await untilGone(processes);
      const next = await start({}, killed.folder);
      const again = new Redis(await redisOf(next));
      expect(await again.get('written')).toBe('last');
      again.disconnect();
      expect(await stop(next)).toBe(0);
    },
  );

  it.runIf(process.platform === 'linux')(
    'ends the Redis that a killed start left, before it starts one on the same data: the twin of the above, its watchdog killed',
    async () => {
      const killed = await start();
      folders.push(killed.folder);
      const left = await redisOf(killed);
      const [redis = 0, watchdog = 0] = processesOfRedis(killed);
      process.kill(watchdog, 'SIGKILL');
      await untilGone([watchdog]);
      killed.child.kill('SIGKILL');
      await killed.ended;
      expect(await canReach(left)).toBe(true); // nothing else would have ended it
      const next = await start({}, killed.folder);
      expect(await canReach(left)).toBe(false);
      await untilGone([redis]);
      expect(await canReach(await redisOf(next))).toBe(true);
      expect(await stop(next)).toBe(0);
    },
  );

  it('leaves nothing behind when its terminal is closed', async () => {
    const started = await start();
    folders.push(started.folder);
    const redis = await redisOf(started);
    started.child.kill('SIGHUP');
    expect(await started.ended).toBe(0);
    expect(await canReach(redis)).toBe(false);
  });

  it('refuses a second start in the same folder, and starts with new keys after the old ones were moved', async () => {
    const first = await start();
    folders.push(first.folder);
    await expect(start({}, first.folder)).rejects.toThrow(`another qrcast (process ${first.child.pid})`);
    first.child.kill('SIGINT');
    await first.ended;
    await rename(join(first.folder, '.qrcast/keys.json'), join(first.folder, 'keys.json'));
    const again = await start({}, first.folder);
    expect(again.output()).toContain('qrcast is up');
    expect(await stop(again)).toBe(0);
  });

  it.runIf(process.platform === 'linux')(
    'without a Redis on PATH runs a stand-in that only this machine can reach, and says so loudly',
    async () => {
      const demo = await start({ PATH: dirname(process.execPath) });
      folders.push(demo.folder);
      expect(demo.output()).toContain('DEMO ONLY');
      const listening = (await readFile('/proc/net/tcp', 'utf8')) + (await readFile('/proc/net/tcp6', 'utf8').catch(() => ''));
      const own = await socketsOf(demo.child.pid ?? 0);
      const addresses = listening
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .filter(([, , , state, , , , , , inode]) => state === '0A' && own.has(inode ?? ''))
        .map(([, local]) => local?.split(':')[0]);
      expect(addresses.length).toBeGreaterThanOrEqual(3); // gateway, simulator, stand-in
      expect(new Set(addresses)).toEqual(new Set(['0100007F']));
      expect(await stop(demo)).toBe(0);
    },
  );
});

/** @returns the inodes of a process's sockets, from /proc of Linux */
async function socketsOf(pid: number): Promise<ReadonlySet<string>> {
  const folder = `/proc/${pid}/fd`;
  const links = await Promise.all((await readdir(folder)).map((fd) => readlink(join(folder, fd)).catch(() => '')));
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
}

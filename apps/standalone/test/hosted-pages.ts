/**
 * For end-to-end tests of the hosted page: a browser and two clusters for the tests of one file,
 * and pages whose faults are recorded.
 */

import type { Instance } from '@qrcast/simulator/instance';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject } from 'vitest';
import { openBrowser } from './browser.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { openPage, type PageOptions, type WatchedPage } from './page.ts';

/** Longer than the tests take. */
const CODES_STAY_MS = 3_600_000;

export interface HostedLogin {
  readonly page: Page;
  readonly instance: Instance;
  readonly ticket: string;
  /** The id of the session. */
  readonly id: string;
}

export interface HostedOptions extends Partial<PageOptions> {
  readonly from?: Cluster;
  readonly session?: Record<string, unknown>;
  readonly query?: string;
  /** Whether the page's time can be stopped. */
  readonly hasOwnClock?: boolean;
  /** Whether the provider fails. */
  readonly isDown?: boolean;
}

interface Opened {
  readonly browser: Browser;
  /** Its codes stay, so that what is read can be compared. */
  readonly cluster: Cluster;
  /** Its codes change every two seconds. */
  readonly hasty: Cluster;
}

export interface HostedPages {
  /** Call it in a hook or a test. */
  stage(): Opened;
  /** Opens an empty page that may call the allowed origins. */
  open(options: PageOptions): Promise<Page>;
  /** Opens the page of a new session. */
  openLogin(options?: HostedOptions): Promise<HostedLogin>;
  /**
   * Closes the opened pages, and expects that none had a fault. It also runs after the last test.
   */
  close(): Promise<void>;
}

export function useHostedPages(): HostedPages {
  let opened: Opened | undefined;
  const pages: WatchedPage[] = [];
  const stage = (): Opened => {
    if (opened === undefined) throw new Error('expected the stage to be open: call it in a hook or a test');
    return opened;
  };
  const open = async (options: PageOptions): Promise<Page> => {
    const watched = await openPage(stage().browser, options);
    pages.push(watched);
    return watched.page;
  };
  const close = async (): Promise<void> => {
    for (const { page, faults } of pages.splice(0)) {
      await page.context().close();
      expect(faults).toEqual([]);
    }
  };
  beforeAll(async () => {
    opened = await openStage(inject('redisUrl'));
  });
  afterAll(() => opened && closeStage(opened));
  afterAll(close); // runs before the hook above, which closes the browser
  return { stage, open, close, openLogin: (options) => openLogin({ open, stage }, options) };
}

async function openStage(redisUrl: string): Promise<Opened> {
  const [browser, cluster, hasty] = await Promise.all([
    openBrowser(),
    openCluster({ redisUrl, simulator: { rotateMs: CODES_STAY_MS } }),
    openCluster({ redisUrl, simulator: { rotateMs: 2_000 } }),
  ]);
  return { browser, cluster, hasty };
}

async function closeStage({ browser, cluster, hasty }: Opened): Promise<void> {
  await browser.close();
  await Promise.all([cluster.close(), hasty.close()]);
}

async function openLogin(
  { open, stage }: Pick<HostedPages, 'open' | 'stage'>,
  { from = stage().cluster, session = {}, query = '', isDown = false, hasOwnClock = false, ...options }: HostedOptions = {},
): Promise<HostedLogin> {
  const instance = from.newInstance();
  if (isDown) instance.fail('*', 'html502', { times: 'always' });
  const { session: created, ticket } = await from.create(instance, session);
  const origin = from.gateways[0]?.publicUrl ?? '';
  const page = await open({ allowed: [origin], ...options });
  if (hasOwnClock) await page.clock.install();
  await page.goto(`${origin}/connect${query}#${ticket}`);
  return { page, instance, ticket, id: created.id };
}

export const titleOf = (page: Page): Promise<string | null> => page.locator('#title').textContent();

/**
 * For end-to-end tests of the login in other people's pages: a browser, a cluster, and a site whose
 * pages the tests write.
 */

import type { Instance } from '@qrcast/simulator/instance';
import type { Browser, Frame, Page } from 'playwright-core';
import { afterAll, beforeAll, inject } from 'vitest';
import { openBrowser } from './browser.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { openTestSite, type TestSite } from './site.ts';

export interface LoginStage {
  readonly browser: Browser;
  /** Its codes do not change by themselves. */
  readonly cluster: Cluster;
  /** The public URL of its gateway. */
  readonly gateway: string;
  readonly site: TestSite;
}

/**
 * Opens a stage before the tests of a file, and closes it after them. Read its properties in a hook
 * or a test.
 */
export function useLoginStage(): LoginStage {
  let opened: Awaited<ReturnType<typeof openLoginStage>> | undefined;
  beforeAll(async () => {
    opened = await openLoginStage(inject('redisUrl'));
  });
  afterAll(() => opened?.close());
  const stage = (): LoginStage => {
    if (opened === undefined) throw new Error('expected the stage to be open: read it in a hook or a test');
    return opened;
  };
  return {
    get browser() {
      return stage().browser;
    },
    get cluster() {
      return stage().cluster;
    },
    get gateway() {
      return stage().gateway;
    },
    get site() {
      return stage().site;
    },
  };
}

const PASSWORD = 'correct horse';

/** Goes from a code on the screen to the connected account, with the account's password. */
export async function logIn(where: Page | Frame, instance: Instance): Promise<void> {
  await where.waitForSelector('#title:text-is("Scan the code with MAX")');
  instance.scanWithPassword(PASSWORD);
  await givePassword(where);
}

/** Enters the account's password, and waits for the connected account. */
export async function givePassword(where: Page | Frame): Promise<void> {
  await where.fill('#password', PASSWORD);
  await where.press('#password', 'Enter');
  await where.waitForSelector('#title:text-is("Connected")');
}

/** @throws {Error} if the page has no frame */
export function frameOf(page: Page): Frame {
  const [, frame] = page.frames();
  if (frame === undefined) throw new Error('the page has no frame');
  return frame;
}

async function openLoginStage(redisUrl: string): Promise<LoginStage & { close(): Promise<void> }> {
  const [browser, cluster] = await Promise.all([openBrowser(), openCluster({ redisUrl, simulator: { rotateMs: 3_600_000 } })]);
  const gateway = cluster.gateways[0]?.publicUrl ?? '';
  const site = await openTestSite(gateway);
  const close = async (): Promise<void> => {
    await browser.close();
    await site.close();
    await cluster.close();
  };
  return { browser, cluster, gateway, site, close };
}

/** For end-to-end tests of the login in other people's pages: a browser, a cluster, and a site whose pages the tests write. */

import type { Browser } from 'playwright-core';
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
  readonly close: () => Promise<void>;
}

export async function openLoginStage(redisUrl: string): Promise<LoginStage> {
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

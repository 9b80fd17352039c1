/** Failovers that real Sentinels make, and what a node does. A shorter test stands in sentinel.redis.test.ts. */

import { afterEach, describe, expect, it } from 'vitest';
import { OFF, openSentinelNode, QUICK, type SentinelNode } from '../../test/sentinel-node.ts';
import { openSentinelStage, type SentinelStage, signal } from '../../test/sentinel-stage.ts';
import type { WatchOptions } from './connection-watch.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

interface Opened extends SentinelNode {
  readonly stage: SentinelStage;
  /** The master of the beginning. */
  readonly old: { readonly port: number; readonly pid: number };
}

/** A node that works. Without `url`, on the Sentinels. */
async function openStage(watchOptions: WatchOptions, urlOf = ({ url }: SentinelStage, _port: number) => url): Promise<Opened> {
  const stage = await openSentinelStage();
  open.push(stage);
  const old = await stage.master();
  const node = await openSentinelNode({ url: urlOf(stage, old.port) }, watchOptions);
  open.push(node);
  await node.works(stage.master);
  return { ...node, stage, old };
}

const FAULTS: [string, (opened: Opened) => unknown][] = [
  ['is killed', ({ old }) => signal(old.pid, 'SIGKILL')],
  ['is frozen', ({ old }) => signal(old.pid, 'SIGSTOP')],
  ['is demoted', ({ stage }) => stage.failover()],
  ['is lost by the Sentinels and still answers', ({ stage, old }) => stage.cutOff(old.port)],
];

describe('after the master', () => {
  it.each(FAULTS)('%s, all connections work with the new one', async (_case, fault) => {
    const opened = await openStage(QUICK);
    const { stage, old } = opened;
    await fault(opened);
    await stage.replaced(old.port);
    await opened.works(stage.master);
    signal(old.pid, 'SIGCONT'); // it comes back and learns that it is a replica
    await opened.works(stage.master);
  });

  it.each(FAULTS)('%s twice, all connections work with the last one', async (_case, fault) => {
    const opened = await openStage(QUICK);
    const { stage } = opened;
    for (let n = 0; n < 2; n++) {
      const old = await stage.master();
      await fault({ ...opened, old });
      await stage.replaced(old.port);
      await opened.works(stage.master);
    }
  });

  it('is killed, nothing works with the address of that server alone (twin)', async () => {
    const opened = await openStage(QUICK, ({ password }, port) => `redis://:${password}@127.0.0.1:${port}`);
    signal(opened.old.pid, 'SIGKILL');
    await opened.stage.replaced(opened.old.port);
    while ((await opened.reason()) === null);
    for (let n = 0; n < 4; n++) expect(await opened.reason()).not.toBeNull();
  });

  it('is frozen, nothing works without the watch (twin)', async () => {
    const opened = await openStage(OFF);
    signal(opened.old.pid, 'SIGSTOP');
    await opened.stage.replaced(opened.old.port);
    for (let n = 0; n < 4; n++) expect(await opened.reason()).not.toBeNull(); // each takes a second
  });

  it('is lost by the Sentinels, writes go to the old one if nobody asks (twin)', async () => {
    const opened = await openStage({ ...QUICK, followEveryMs: OFF.followEveryMs ?? 0 });
    const { stage, old } = opened;
    await stage.cutOff(old.port);
    await stage.replaced(old.port);
    expect(await opened.node.redis.set('lost', '1')).toBe('OK');
    await opened.works(async () => old); // and all looks well
  });
});

/** What a chaos run breaks: the product over one Redis, over Sentinels, or over a cluster. */

import type { Releasers } from '@qrcast/runtime/releasers';
import { openClusterStage } from '@qrcast/runtime/test/cluster-stage';
import { openSentinelStage } from '@qrcast/runtime/test/sentinel-stage';
import { openFaultStage, openProductStage, type ProductStage, type ProductStageOptions } from '../test/fault-stage.ts';
import { openStagedRedis } from '../test/staged-redis.ts';
import { BREAKS } from './breakages.ts';
import { breaksOfOneRedis } from './one-redis.ts';
import { breaksOfCluster, breaksOfSentinels } from './redis-nodes.ts';
import type { Break } from './scene.ts';
import { FAULT_KINDS, type FaultKind } from './schedule.ts';

export const SET_UPS = ['one', 'sentinel', 'cluster'] as const;
export type SetUpKind = (typeof SET_UPS)[number];

export interface SetUp {
  readonly stage: ProductStage;
  readonly breaks: Readonly<Partial<Record<FaultKind, Break>>>;
}

const OF_MANY: readonly FaultKind[] = ['fail over', 'kill node', 'stop node', 'partition'];
const ONLY_OF: Readonly<Record<SetUpKind, readonly FaultKind[]>> = {
  one: [
    ...(['stop redis', 'older data', 'refuse writes', 'demote redis'] as const),
    ...(['freeze connections', 'cut connections', 'delay connections', 'refuse connections'] as const),
  ],
  sentinel: OF_MANY,
  cluster: [...OF_MANY, 'move slots'],
};
const OF_SOME = new Set(Object.values(ONLY_OF).flat());

/** The faults that there are over this kind of Redis. */
export const faultsOf = (kind: SetUpKind): readonly FaultKind[] =>
  FAULT_KINDS.filter((fault) => !OF_SOME.has(fault) || ONLY_OF[kind].includes(fault));

export async function openSetUp(kind: SetUpKind, options: ProductStageOptions, releasers: Releasers): Promise<SetUp> {
  if (kind === 'one') {
    const standby = await openStagedRedis();
    releasers.push('standby', () => standby.close());
    const stage = await openFaultStage(options);
    releasers.push('stage', () => stage.close());
    return { stage, breaks: { ...BREAKS, ...breaksOfOneRedis(stage, standby) } };
  }
  const nodes = kind === 'sentinel' ? await openSentinelStage() : await openClusterStage();
  releasers.push('redis', () => nodes.close());
  const stage = await openProductStage(nodes.url, options);
  releasers.push('stage', () => stage.close());
  return { stage, breaks: { ...BREAKS, ...('moveSlot' in nodes ? breaksOfCluster(nodes) : breaksOfSentinels(nodes)) } };
}

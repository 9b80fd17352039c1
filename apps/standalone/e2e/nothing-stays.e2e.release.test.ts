/** The long form of nothing-stays.e2e.test.ts: connections of each role freeze, again and again. */

import { createReleasers } from '@qrcast/runtime/releasers';
import { afterAll, beforeAll, it } from 'vitest';
import { type Harm, runRound } from '../test/coming-and-going.ts';
import { expectNothingMore, type LeakStage, openLeakStage } from '../test/leak-rounds.ts';

const releasers = createReleasers();
let opened: LeakStage;
beforeAll(async () => {
  opened = await openLeakStage(releasers);
});
afterAll(() => releasers.release());

const HARMS: readonly Harm[] = ['commands', 'producer', 'subscriber', 'queue', 'blocking', 'cut'];

it.each([...HARMS, ...HARMS, ...HARMS])('a round leaves nothing: %s', async (harm) => {
  await runRound(opened.stage, { sessions: 4, harm });
  await expectNothingMore(opened);
});

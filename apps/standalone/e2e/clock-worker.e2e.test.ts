/**
 * Workers whose machine's clock is set, in processes of their own. The tests look at the order and
 * the number of requests at the provider. Other steps of the clock, and the twins, are in
 * clock-worker.e2e.release.test.ts.
 */

import { openTestReceiver } from '@qrcast/runtime/test/receiver';
import { it } from 'vitest';
import { expectCallbackAtItsTime, expectNothingExpires, expectPollsGoOn, HOUR_MS } from '../test/clock-scene.ts';
import { useStages } from '../test/use-stages.ts';

const { openStage, keep } = useStages();

it('one of two workers that is set two hours forward ends no session', async () => {
  await expectNothingExpires(await openStage({ workers: 2 }), 20, 2 * HOUR_MS);
});

it('the only worker goes on to poll when its clock is set two minutes back', async () => {
  await expectPollsGoOn(await openStage(), -120_000);
});

it('the only worker sends a refused callback again at its time when its clock is set two hours forward', async () => {
  const receiver = await keep(openTestReceiver());
  await expectCallbackAtItsTime(await openStage({ env: { QRCAST_CALLBACK_HOSTS: receiver.url } }), receiver, 2 * HOUR_MS);
});

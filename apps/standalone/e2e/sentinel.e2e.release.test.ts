/** A gateway and a worker as processes of their own on a Redis behind Sentinels, whose master fails while a viewer watches. */

import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { openSentinelStage, type SentinelStage, signal } from '@qrcast/runtime/test/sentinel-stage';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openWatchedLogin } from '../test/watched-login.ts';

let releasers: Releasers;
beforeEach(() => {
  releasers = createReleasers();
});
afterEach(() => releasers.release());

it.each<[string, (sentinels: SentinelStage) => Promise<void>]>([
  ['is killed', async (sentinels) => signal((await sentinels.master()).pid, 'SIGKILL')],
  ['is frozen', async (sentinels) => signal((await sentinels.master()).pid, 'SIGSTOP')],
  ['is demoted', (sentinels) => sentinels.failover()],
])('viewers learn of a login after the master %s', async (_case, fail) => {
  const sentinels = await openSentinelStage();
  releasers.push('sentinels', () => sentinels.close());
  const { finish, outputs } = await openWatchedLogin(sentinels.url, releasers);
  const { port } = await sentinels.master();
  await fail(sentinels);
  await sentinels.replaced(port);
  await finish();
  for (const output of outputs()) {
    for (const secret of [sentinels.password, `${sentinels.sentinelPassword}"`, `127.0.0.1:${port}`]) expect(output).not.toContain(secret);
  }
});

it('viewers learn of a login after a failover over TLS, to Redis and to the Sentinels', async () => {
  const sentinels = await openSentinelStage({ tls: true });
  releasers.push('sentinels', () => sentinels.close());
  const { finish, outputs } = await openWatchedLogin(sentinels.url, releasers, { QRCAST_REDIS_CA: sentinels.caFile ?? '' });
  await sentinels.failover();
  await finish();
  for (const output of outputs()) expect(output).not.toContain(sentinels.password);
});

/** For tests: the environment of a process that joins a cluster of this process. */

import type { Cluster } from './cluster.ts';

/** With the same Redis, keys and policy. */
export const environmentOf = (worker: Cluster['worker']): Readonly<Record<string, string>> => ({
  PORT: '0',
  REDIS_URL: worker.redisUrl,
  QRCAST_NAMESPACE: worker.namespace,
  QRCAST_SECRET_KEYS: worker.secretKeys.map(({ id, key }) => `${id}:${key.toString('base64')}`).join(),
  QRCAST_UPSTREAM_HOSTS: worker.upstreamHosts.join(),
  QRCAST_POLL_INTERVAL_MS: String(worker.policy.intervalMs),
  QRCAST_CODE_TTL_MS: String(worker.policy.codeTtlMs),
  QRCAST_ATTEMPT_MS: String(worker.policy.attemptMs),
  QRCAST_DRAIN_MS: '0',
});

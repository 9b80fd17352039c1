/** What callbacks of one Redis wait for goes on in a cluster to which its data was copied. */

import { Queue } from 'bullmq';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { type ClusterStage, openClusterStage } from '../../test/cluster-stage.ts';
import { findKeys } from '../../test/find-keys.ts';
import { openTestRuntime, type TestRuntime } from '../../test/runtime.ts';
import { outboxOf, partOfTenant, scoreOfMark } from '../../test/work-part.ts';
import { createOutboxClaims } from '../outbox/outbox-claims.ts';
import { CALLBACK_QUEUE_NAME, POLL_QUEUE_NAME, wholeWork } from '../redis/keys.ts';
import { adoptWholeWork } from './adopt-whole-work.ts';
import { openCallbackJobs } from './callback-jobs.ts';

let stage: ClusterStage;
let runtime: TestRuntime;
beforeAll(async () => {
  stage = await openClusterStage({ masters: 3, replicas: 0 });
});
afterAll(() => stage.close());
beforeEach(({ onTestFinished }) => {
  runtime = openTestRuntime(stage.url);
  onTestFinished(() => runtime.close());
});

async function adopt(): Promise<void> {
  const jobs = openCallbackJobs({ ...runtime, claims: createOutboxClaims(runtime) });
  await adoptWholeWork({ ...runtime, jobs });
  await jobs.close();
}

const TENANTS = ['acme', 'beta', 'gamma', 'delta'];
const jobsOf = (name: string, prefix: string) => new Queue(name, { connection: runtime.redis, prefix });

it('marks keep their time, and stand where their session or tenant does', async () => {
  const marks = TENANTS.flatMap((tenant, i) => [`session|ses_${i}`, `relay|${tenant}|1101`, `due|deliver|${tenant}|evt_${i}`]);
  const { outboxKey } = wholeWork(runtime.namespace);
  for (const [i, mark] of marks.entries()) await runtime.redis.zadd(outboxKey, 1_000 + i, mark);
  await runtime.redis.zadd(outboxKey, 1, 'of another version|1');
  await Promise.all([adopt(), adopt()]); // two workers start at once
  for (const [i, mark] of marks.entries()) expect(await scoreOfMark(runtime, mark)).toBe(String(1_000 + i));
  expect(new Set(marks.map((mark) => outboxOf(runtime, mark))).size).toBeGreaterThan(2);
  expect(await runtime.redis.zrange(outboxKey, '0', '-1')).toEqual(['of another version|1']);
});

it('jobs wait in the part of their tenant, and nothing is left of the old queues', async () => {
  const { queuePrefix } = wholeWork(runtime.namespace);
  const old = [jobsOf(CALLBACK_QUEUE_NAME, queuePrefix), jobsOf(POLL_QUEUE_NAME, queuePrefix)] as const;
  for (const tenantId of TENANTS) await old[0].add('deliver', { tenantId, id: `evt_${tenantId}` }, { jobId: `evt_${tenantId}` });
  await old[0].add('relay', { tenantId: 'acme', instanceId: '1101' }, { jobId: 'relay-acme-1101', delay: 3_600_000 });
  await old[0].add('check', { tenantId: 'beta', isCheck: true }, { jobId: 'checks-beta' });
  await old[1].add('tick', { shard: 1 }, { jobId: 'tick-1-0' });
  for (const [i, data] of ['no JSON', 'null', '"text"', ''].entries()) {
    await runtime.redis.hset(`${queuePrefix}:callbacks:foreign-${i}`, { name: 'deliver', data, opts: '{}', timestamp: '1' });
    await runtime.redis.lpush(`${queuePrefix}:callbacks:wait`, `foreign-${i}`);
  }
  await Promise.all([adopt(), adopt(), adopt()]);
  await adopt();
  const dataOf = async (tenantId: string) => {
    const jobs = await jobsOf(CALLBACK_QUEUE_NAME, partOfTenant(runtime, tenantId).queuePrefix).getJobs();
    return jobs.map(({ data }) => data).filter((data) => data.tenantId === tenantId);
  };
  expect(await dataOf('acme')).toEqual(expect.arrayContaining([{ tenantId: 'acme', instanceId: '1101' }]));
  expect(await dataOf('beta')).toContainEqual({ tenantId: 'beta', isCheck: true });
  expect(await dataOf('gamma')).toEqual([{ tenantId: 'gamma', id: 'evt_gamma' }]);
  expect(await findKeys(runtime.redis, `${queuePrefix}:*`)).toEqual([]);
});

it('a job that could not be fetched is left for the next start, with its queue', async () => {
  const old = jobsOf(CALLBACK_QUEUE_NAME, wholeWork(runtime.namespace).queuePrefix);
  await old.add('deliver', { tenantId: 'acme', id: 'evt_1' }, { jobId: 'evt_1' });
  const fetching = vi.spyOn(Queue.prototype, 'getJob').mockRejectedValueOnce(new Error('Command timed out'));
  await expect(adopt()).rejects.toThrow('Command timed out');
  fetching.mockRestore();
  expect(await old.getJobCounts('waiting')).toEqual({ waiting: 1 });
  await adopt();
  const jobs = await jobsOf(CALLBACK_QUEUE_NAME, partOfTenant(runtime, 'acme').queuePrefix).getJobs();
  expect(jobs.map(({ data }) => data)).toEqual([{ tenantId: 'acme', id: 'evt_1' }]);
});

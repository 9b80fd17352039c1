/** The part of its tenant's calls and handshakes that one ticket may use. */

import { DEFAULT_TENANT_LIMITS, type TenantLimits } from '@qrcast/core/tenant-limits';
import { revokedTicketsKey } from '@qrcast/runtime/redis/keys';
import { openRedisMonitor } from '@qrcast/runtime/test/monitor';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openTestGateway, type TestGateway, type TestTenant } from '../../test/gateway.ts';
import { openSocket } from '../../test/websocket.ts';
import { createSessionRates } from './session-rates.ts';
import { createLimitOf } from './tenant-limits.ts';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());

async function limited(limits: Partial<TenantLimits>): Promise<TestTenant> {
  const tenant = await test.newTenant();
  await test.gateway.tenants.patch(tenant.id, { limits });
  return tenant;
}

/** Counts how often Redis is asked whether a ticket of the tenant was revoked. */
async function openLookUps(tenantId: string) {
  const { redis } = test.node;
  const monitor = await openRedisMonitor(inject('redisServers'));
  const key = revokedTicketsKey(test.namespace, tenantId);
  const marks = new Set<string>();
  let count = 0;
  monitor.on('monitor', (_time: string, [command = '', first = '']: string[]) => {
    if (command.toLowerCase() === 'zscore' && first === key) count++;
    if (command.toLowerCase() === 'echo') marks.add(first);
  });
  return {
    /** Resolves when everything that was asked before has been seen. */
    async counted(): Promise<number> {
      const mark = `mark-${tenantId}-${marks.size}`;
      await redis.echo(mark);
      while (!marks.has(mark)) await new Promise((resolve) => monitor.once('monitor', resolve));
      return count;
    },
    close: () => monitor.disconnect(),
  };
}

describe('one ticket', () => {
  it('that calls at full speed is refused at the rate of its session, and leaves the rest to other sessions', async () => {
    const tenant = await limited({ requestsPerMinute: 300 });
    const [greedy, other] = [await test.create({}, tenant), await test.create({}, tenant)];
    const read = (secret: string) => test.call('GET', '/v1/sessions/self?visible=false', { secret });
    const startedAt = performance.now();
    const answers = await Promise.all(Array.from({ length: 200 }, () => read(greedy.ticket)));
    const refused = answers.filter(({ status }) => status === 429);
    const filledUp = Math.ceil((performance.now() - startedAt) / 500); // 120 a minute
    expect(refused.length).toBeGreaterThanOrEqual(80 - filledUp);
    expect(refused.length).toBeLessThanOrEqual(80);
    for (const { body, headers } of refused) {
      expect(body).toMatchObject({ code: 'too_many_requests', limit: 'requestsPerMinute', retryable: true });
      expect(body.detail).toContain('120 of them for the tickets of one session');
      expect(headers.get('retry-after')).toBe('1');
    }
    expect((await read(other.ticket)).status).toBe(200);
    expect((await test.call('GET', '/v1/sessions', { secret: tenant.apiKey })).status).toBe(200);
  });

  it('that opens streams at full speed is refused with an explanation', async () => {
    const tenant = await limited({ handshakesPerMinute: 300 });
    const [greedy, other] = [await test.create({}, tenant), await test.create({}, tenant)];
    const socket = openSocket(test.url);
    const { url } = test;
    let answer = await socket.call({ type: 'subscribe', ticket: other.ticket });
    for (let i = 0; answer.type === 'ok'; i++) {
      expect(i).toBeLessThan(1_000);
      const next = i % 10 === 0 ? openSocket(url) : socket; // a connection has a budget of messages of its own
      answer = await next.call({ type: 'subscribe', ticket: greedy.ticket });
      if (next !== socket) next.raw.terminate();
    }
    expect(answer).toMatchObject({ error: { code: 'too_many_requests', limit: 'handshakesPerMinute' } });
    expect(await openSocket(url).call({ type: 'subscribe', ticket: other.ticket })).toMatchObject({ type: 'ok' });
    socket.raw.terminate();
  });

  it('above its rate causes no look-up, and within the rate is refused once revoked', async () => {
    const tenant = await limited({ requestsPerMinute: 300 });
    const { session, ticket, ticketId } = await test.create({}, tenant);
    const { ticket: other } = (await test.call('POST', `/v1/sessions/${session.id}/tickets`, { secret: tenant.apiKey })).body;
    const read = (secret: string) => test.call('GET', '/v1/sessions/self?visible=false', { secret });
    const statuses = async (secret: string): Promise<number[]> =>
      (await Promise.all(Array.from({ length: 200 }, () => read(secret)))).map(({ status }) => status);
    const lookUps = await openLookUps(tenant.id);
    try {
      const admitted = (await statuses(ticket)).filter((status) => status === 200);
      expect(admitted.length).toBeLessThan(200);
      expect(await lookUps.counted()).toBe(admitted.length);

      await test.call('DELETE', `/v1/tickets/${ticketId}`, { secret: tenant.apiKey });
      const before = await lookUps.counted();
      let seen = 429; // until its rate admits it again
      while (seen === 429) seen = (await read(ticket)).status;
      expect(new Set(await statuses(ticket))).toEqual(new Set([seen])); // it uses up nothing of its session's rate any more
      expect([seen, (await lookUps.counted()) - before]).toEqual([401, 1]);
      while ((await read(other)).status === 429);
      expect((await read(ticket)).body.detail).toContain('was revoked');
    } finally {
      lookUps.close();
    }
  });

  it('has a tenth of the rate of its tenant, and at least 120 a minute', () => {
    const rates = createSessionRates({ limitOf: createLimitOf(DEFAULT_TENANT_LIMITS), now: () => 0 });
    const most = (limits: Partial<TenantLimits>, id: string): number => {
      for (let i = 0; ; i++) {
        try {
          rates.take(id, { limits }, 'requestsPerMinute');
        } catch {
          return i; // refused
        }
      }
    };
    expect(most({}, 'a')).toBe(3_000);
    expect(most({ requestsPerMinute: 5_000 }, 'b')).toBe(500);
    expect(most({ requestsPerMinute: 60 }, 'c')).toBe(120);
  });
});

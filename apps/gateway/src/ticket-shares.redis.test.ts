/** What one ticket may spend of its tenant's calls and handshakes. */

import { DEFAULT_TENANT_LIMITS, type TenantLimits } from '@qrcast/core/tenant-limits';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLimitOf } from './tenant-limits.ts';
import { openTestGateway, type TestGateway, type TestTenant } from './test-gateway.ts';
import { openSocket } from './test-websocket.ts';
import { createTicketShares } from './ticket-shares.ts';

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

describe('one ticket', () => {
  it('that calls at full speed is refused for its share, and leaves the rest to the others of its tenant', async () => {
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

  it('that shakes hands at full speed is told so in words', async () => {
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

  it('has a tenth of what its tenant has, and 120 a minute at least', () => {
    const shares = createTicketShares({ limitOf: createLimitOf(DEFAULT_TENANT_LIMITS), now: () => 0 });
    const most = (limits: Partial<TenantLimits>, id: string): number => {
      for (let i = 0; ; i++) {
        try {
          shares.take({ sessionId: id }, { limits }, 'requestsPerMinute');
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

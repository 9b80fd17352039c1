/** The operator's list of the sessions of all tenants. */

import { overviewListSchema } from '@qrcast/core/overview';
import { sampleSession } from '@qrcast/runtime/test/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, openTestGateway, type TestGateway } from '../../test/gateway.ts';
import { addToList } from '../../test/session-list.ts';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());

describe('GET /v1/admin/sessions', () => {
  async function page(query: string) {
    const { status, text } = await test.call('GET', `/v1/admin/sessions?${query}`, { secret: ADMIN_KEY });
    expect(status).toBe(200);
    return overviewListSchema.parse(JSON.parse(text));
  }

  it('lists the sessions of all tenants page by page, each once, newest first', async () => {
    const alone = await openTestGateway();
    const tenants = [alone.tenant, await alone.newTenant(), await alone.newTenant()];
    const made: string[] = [];
    for (let i = 0; i < 9; i++) made.unshift((await alone.create({}, tenants[i % 3])).session.id);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body, text } = await alone.call('GET', `/v1/admin/sessions?limit=2${cursor && `&cursor=${cursor}`}`, { secret: ADMIN_KEY });
      seen.push(...overviewListSchema.parse(JSON.parse(text)).sessions.map(({ id }) => id));
      cursor = body.nextCursor;
    }
    expect(seen.toSorted()).toEqual(made.toSorted());
    await alone.close();
  });

  it('lists those of one tenant, and of one state', async () => {
    const tenant = await test.newTenant();
    const first = await test.create({}, tenant);
    const second = await test.create({}, tenant);
    await test.call('DELETE', `/v1/sessions/${second.session.id}`, { secret: tenant.apiKey });
    const idsOf = async (query: string) => (await page(`tenantId=${tenant.id}${query}`)).sessions.map(({ id }) => id);
    expect(new Set(await idsOf(''))).toEqual(new Set([first.session.id, second.session.id]));
    expect(await idsOf('&state=ended')).toEqual([second.session.id]);
    expect(await page('tenantId=nobody')).toEqual({ sessions: [], nextCursor: null });
  });

  it('pages through sessions of one moment', async () => {
    const tenant = await test.newTenant();
    const now = Date.now();
    const made = Array.from({ length: 5 }, () => sampleSession({ tenantId: tenant.id }, now));
    for (const session of made) {
      await test.node.sessions.create(session, '');
      await addToList(test, tenant, session.id, now);
    }
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const found = await page(`tenantId=${tenant.id}&limit=1${cursor && `&cursor=${cursor}`}`);
      seen.push(...found.sessions.map(({ id }) => id));
      cursor = found.nextCursor;
    }
    expect(seen).toEqual(
      made
        .map(({ id }) => id)
        .toSorted()
        .toReversed(),
    );
  });

  it.each(['cursor=ses_none', 'cursor=1', 'state=gone', 'limit=0', 'limit=101', 'reference=a'])('refuses ?%s', async (query) => {
    const { status, body } = await test.call('GET', `/v1/admin/sessions?${query}`, { secret: ADMIN_KEY });
    expect([status, body.code]).toEqual([400, 'invalid_request']);
  });
});

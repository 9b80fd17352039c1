/** `qrcast tenants` over a running gateway: what it changes holds for the tenant's own calls. */

import { freePort } from '@qrcast/runtime/redis/free-port';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { EXITS } from '../src/login/ending.ts';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { type LoginRun, startLogin } from '../test/login.ts';

let cluster: Cluster;
let url: string;
beforeAll(async () => {
  cluster = await openCluster({ redisUrl: inject('redisUrl'), workers: 0 });
  url = cluster.gateways[0]?.publicUrl ?? '';
});
afterAll(() => cluster.close());

const runs: LoginRun[] = [];
afterEach(async () => {
  for (const run of runs.splice(0)) await run.clean();
});

async function tenants(
  words: readonly string[],
  { adminKey = cluster.adminKey, gateway = url } = {},
): Promise<{ readonly code: number | null; readonly said: string }> {
  const env = adminKey === '' ? {} : { QRCAST_ADMIN_KEY: adminKey };
  const run = await startLogin(['tenants', ...words, '--gateway', gateway], { env });
  runs.push(run);
  const code = await run.ended;
  const said = `${run.output()}${run.errors()}`;
  expect(said).not.toContain(cluster.adminKey);
  return { code, said };
}

/** @returns what the command told a program */
async function told(...words: string[]): Promise<Record<string, string>> {
  const { code, said } = await tenants([...words, '--json']);
  expect([code, said]).toEqual([0, expect.any(String)]);
  return JSON.parse(said) as Record<string, string>;
}

/** The status of a call with this API key. */
async function statusWith(apiKey: string): Promise<number> {
  return (await fetch(`${url}/v1/sessions`, { headers: { authorization: `Bearer ${apiKey}` } })).status;
}

it('adds a tenant with a key that works, suspends it and lets it go on', async () => {
  const added = await tenants(['add', 'shop', '--name', 'The shop']);
  const [, apiKey = ''] = /API key +(qk_\S+)/.exec(added.said) ?? [];
  expect([added.code, added.said.split(apiKey).length]).toEqual([0, 2]);
  expect(added.said).toContain('/v1/webhooks/green-api/shop');
  expect(await statusWith(apiKey)).toBe(200);

  const suspended = await tenants(['suspend', 'shop']);
  expect([suspended.code, suspended.said]).toEqual([0, expect.stringContaining('is suspended')]);
  await expect.poll(() => statusWith(apiKey)).toBe(403);
  const { said } = await tenants(['list']);
  expect(said).toMatch(/^acme +Acme +active +1 +-$/m);
  expect(said).toMatch(/^shop +The shop +suspended +1 +-$/m);
  expect(said).not.toContain(apiKey);

  expect((await tenants(['resume', 'shop'])).said).toContain('is active again');
  await expect.poll(() => statusWith(apiKey)).toBe(200);
});

it('replaces a key without a gap', async () => {
  const first = await told('add', 'bank');
  const second = await told('keys', 'add', 'bank');
  expect(second['event']).toBe('key');
  for (const { apiKey = '' } of [first, second]) expect(await statusWith(apiKey)).toBe(200);

  const { said } = await tenants(['keys', 'list', 'bank']);
  const [oldId = '', newId] = [...said.matchAll(/^(key_\S+) /gm)].map(([, id]) => id);
  expect(newId).toBe(second['keyId']);
  expect((await tenants(['keys', 'revoke', 'bank', oldId])).said).toBe(`The key ${oldId} of the tenant "bank" is refused from now on.\n`);
  await expect.poll(() => statusWith(first['apiKey'] ?? '')).toBe(401);
  expect(await statusWith(second['apiKey'] ?? '')).toBe(200);
});

describe('says why not', () => {
  it('in the words of the gateway', async () => {
    const taken = await tenants(['add', 'acme']);
    expect([taken.code, taken.said]).toEqual([EXITS.fault.code, expect.stringContaining('acme')]);
    const missing = await tenants(['suspend', 'nobody']);
    expect([missing.code, missing.said]).toEqual([EXITS.fault.code, expect.stringContaining('nobody')]);
    await told('add', 'full');
    await told('keys', 'add', 'full');
    expect((await tenants(['keys', 'add', 'full'])).code).toBe(EXITS.fault.code);
  });

  it('if the admin key is wrong or missing, or no gateway answers', async () => {
    const wrong = await tenants(['list'], { adminKey: 'another-key-0123456789-abcdef' });
    expect([wrong.code, wrong.said]).toEqual([EXITS.credentials.code, expect.stringContaining('does not accept the admin key')]);
    expect(wrong.said).not.toContain('another-key');
    expect(await tenants(['list'], { adminKey: '' })).toMatchObject({
      code: EXITS.usage.code,
      said: expect.stringContaining('QRCAST_ADMIN_KEY'),
    });
    expect(await tenants(['list'], { gateway: `http://127.0.0.1:${await freePort()}` })).toMatchObject({
      code: EXITS.fault.code,
      said: expect.stringContaining('no qrcast gateway answers'),
    });
  });
});

import { RefusedError } from '@qrcast/core/errors';
import type { Session } from '@qrcast/core/session';
import type { NewAuditEntry } from '@qrcast/runtime/audit/audit-log';
import type { Logger } from '@qrcast/runtime/log';
import { sampleSession } from '@qrcast/runtime/test/runtime';
import type { FastifyRequest } from 'fastify';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { holderOf } from '../../test/principal.ts';
import type { Auth, Principal } from '../auth/auth.ts';
import { asCaller, createCaller } from '../auth/caller.ts';
import type { SessionPath } from '../sessions/session-lookup.ts';
import type { Tenants } from '../tenants/tenants.ts';
import { createAudited } from './audited.ts';

beforeEach(() => void vi.useFakeTimers({ now: 1_790_000_000_000 }));
afterEach(() => void vi.useRealTimers());

/** The audited parts, and what they recorded and logged. */
function openAudited() {
  const warnings: object[] = [];
  const entries: NewAuditEntry[] = [];
  const audited = createAudited({
    audit: { record: (entry) => void entries.push(entry) },
    clock: { now: () => Date.now() },
    // The only part that is called.
    log: { warn: (fields: object) => void warnings.push(fields) } as Pick<Logger, 'warn'>,
  });
  return { audited, entries, warnings };
}

const from = <T>(address: string, run: () => T): T => asCaller(createCaller(address, {}), run);

function reader() {
  const { audited, entries } = openAudited();
  const session: Session = sampleSession({}, 0);
  let principal: Principal = holderOf('tkt_1');
  const lookup = audited.theirSession(async () => ({ principal, session, image: null }));
  return {
    async read(by: Principal, address = '203.0.113.1'): Promise<void> {
      principal = by;
      // The only part that is read.
      await from(address, () => lookup({ method: 'GET' } as FastifyRequest<SessionPath>));
    },
    watchedOf: (tenantId: string) => entries.filter((entry) => entry.tenantId === tenantId).length,
  };
}

it('records watchers of one tenant while another has countless watchers, whose entries may repeat', async () => {
  const { read, watchedOf } = reader();
  const [seen, fresh] = [holderOf('tkt_seen', 'hostile'), holderOf('tkt_new', 'hostile')];
  await read(seen);
  for (let n = 0; n < 60_000; n++) await read(holderOf(`tkt_${n}`, 'hostile'));
  await read(holderOf('tkt_1', 'victim'));
  expect(watchedOf('victim')).toBe(1);
  const before = watchedOf('hostile');
  for (let n = 0; n < 3; n++) await read(seen);
  expect(watchedOf('hostile') - before).toBe(0);
  for (let n = 0; n < 3; n++) await read(fresh);
  expect(watchedOf('hostile') - before).toBe(3);
});

it('counts an IPv6 network as one watcher', async () => {
  const { read, watchedOf } = reader();
  for (const address of ['2001:db8::1', '2001:db8::2', '2001:db8:0:1::1']) await read(holderOf('tkt_1'), address);
  expect(watchedOf('acme')).toBe(2);
});

/** Parts that refuse every credential. */
function openRefusing() {
  const { audited, entries, warnings } = openAudited();
  const refuse = (): never => {
    throw new RefusedError('unauthenticated', 'expected another one');
  };
  const auth: Auth = audited.auth({ identify: async () => refuse(), identifyTicket: async () => refuse(), requireAdmin: refuse });
  // The only part that is called.
  const tenants = audited.tenants({ findByWebhookToken: async () => null } as Partial<Tenants> as Tenants);
  return {
    entries,
    warnings,
    tryAs: (authorization: string | undefined, address: string) =>
      from(address, () => expect(auth.identify(authorization, undefined)).rejects.toThrow(RefusedError)),
    tryTicket: (address: string) => from(address, () => expect(auth.identifyTicket('guess', undefined)).rejects.toThrow(RefusedError)),
    tryAdminAs: (authorization: string | undefined, address: string) =>
      from(address, () => expect(() => auth.requireAdmin(authorization)).toThrow(RefusedError)),
    notifyAs: (tokens: readonly string[], address: string) => from(address, () => tenants.findByWebhookToken('acme', tokens)),
  };
}

it('records a refused admin key among countless other refusals, and logs how many have no entry', async () => {
  const { entries, warnings, tryAs, tryAdminAs } = openRefusing();
  for (let n = 1; n <= 130; n++) await tryAs('Bearer qk_guess', `198.51.100.${n}`);
  tryAdminAs('Bearer guess', '203.0.113.9');
  expect(entries).toHaveLength(101);
  expect(entries.at(-1)).toMatchObject({ action: 'auth.refused', address: '203.0.113.9' });
  expect(warnings).toEqual([]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(warnings).toEqual([{ leftOut: 30 }]);
  await tryAs('Bearer qk_guess', '203.0.113.10');
  expect(entries.at(-1)).toMatchObject({ address: '203.0.113.10' });
  await vi.advanceTimersByTimeAsync(120_000);
  expect(warnings).toHaveLength(1);
});

it('records refused keys among countless notifications with wrong tokens, which have the same bound', async () => {
  const { entries, warnings, tryAs, tryAdminAs, notifyAs } = openRefusing();
  for (let n = 1; n <= 130; n++) await notifyAs(['guess'], `198.51.100.${n}`);
  for (let n = 0; n < 3; n++) await notifyAs(['guess'], '198.51.100.1');
  expect(entries).toHaveLength(100);
  expect(entries.at(-1)).toMatchObject({ action: 'auth.refused', tenantId: null, outcome: 'unauthenticated' });
  await tryAs('Bearer qk_guess', '203.0.113.8');
  tryAdminAs('Bearer guess', '203.0.113.9');
  expect(entries.slice(100).map(({ address }) => address)).toEqual(['203.0.113.8', '203.0.113.9']);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(warnings).toEqual([{ leftOut: 30 }]);
});

it('records the kind of a refused credential, each kind once, and no part of it', async () => {
  const { entries, tryAs, tryTicket, tryAdminAs, notifyAs } = openRefusing();
  const address = '203.0.113.1';
  for (let n = 0; n < 3; n++) {
    for (const shown of [undefined, 'Basic dXNlcg==', `Bearer qk_guess-${n}`, `Bearer eyJ.guess-${n}.x`]) await tryAs(shown, address);
    await tryTicket(address); // on a stream
    for (const shown of [undefined, `Bearer guess-${n}`, `Bearer qk_guess-${n}`]) tryAdminAs(shown, address);
    for (const tokens of [[''], ['Bearer guess', `guess-${n}`]]) await notifyAs(tokens, address);
  }
  expect(entries.map(({ credential }) => credential)).toEqual([null, 'api_key', 'ticket', null, 'admin_key', null, 'webhook_token']);
  expect(JSON.stringify(entries)).not.toMatch(/guess|dXNlcg/);
});

it('counts an IPv6 network as one refused caller', async () => {
  const { entries, tryAs } = openRefusing();
  for (let n = 1; n <= 130; n++) await tryAs('Bearer qk_guess', `2001:db8::${n}`);
  await tryAs('Bearer qk_guess', '203.0.113.9');
  expect(entries.map(({ address }) => address)).toEqual(['2001:db8::1', '203.0.113.9']);
});

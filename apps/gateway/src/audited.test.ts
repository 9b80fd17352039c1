import type { Session } from '@qrcast/core/session';
import type { NewAuditEntry } from '@qrcast/runtime/audit-log';
import { sampleSession } from '@qrcast/runtime/test-runtime';
import type { FastifyRequest } from 'fastify';
import { expect, it } from 'vitest';
import { asCaller, createCaller } from './audit-caller.ts';
import { createAudited } from './audited.ts';
import type { Principal } from './auth.ts';
import { holderOf } from './test-principal.ts';
import type { SessionPath } from './their-session.ts';

/** The audited parts at a time that stands still, and what they recorded. */
function openAudited() {
  const entries: NewAuditEntry[] = [];
  const audited = createAudited({
    audit: { record: (entry) => void entries.push(entry) },
    sessions: { find: async () => null },
    clock: { now: () => 0 },
  });
  return { audited, entries };
}

const from = <T>(address: string, run: () => T): T => asCaller(createCaller(address, {}), run);

function reader() {
  const { audited, entries } = openAudited();
  const session: Session = sampleSession({}, 0);
  let principal: Principal = holderOf('tkt_1');
  const lookup = audited.theirSession(async () => ({ principal, session }));
  return {
    async read(by: Principal, address = '203.0.113.1'): Promise<void> {
      principal = by;
      await from(address, () => lookup({ method: 'GET' } as FastifyRequest<SessionPath>)); // all that is read of it
    },
    watchedOf: (tenantId: string) => entries.filter((entry) => entry.tenantId === tenantId).length,
  };
}

it('tells who watched a tenant although another one is watched in countless ways, and of that one rather too often', async () => {
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

it('takes an IPv6 network for one watcher', async () => {
  const { read, watchedOf } = reader();
  for (const address of ['2001:db8::1', '2001:db8::2', '2001:db8:0:1::1']) await read(holderOf('tkt_1'), address);
  expect(watchedOf('acme')).toBe(2);
});

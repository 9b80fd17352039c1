/** Judges whether this installation's keys and this version can read what stands in Redis. Pure. */

import type { StoredCounts } from '@qrcast/runtime/sessions/stored-records';
import { type Finding, fault, ok, startFault, unknown } from './finding.ts';

/** `failed`: it could not be read. `why` holds no secret. */
export type KeyFacts =
  | { readonly kind: 'fits'; readonly usedIds: readonly string[] }
  | { readonly kind: 'differs'; readonly text: string }
  | { readonly kind: 'failed'; readonly why: string };
export type StoredFacts = StoredCounts | { readonly why: string };

const KEYS = { id: 'secret-keys', expected: 'QRCAST_SECRET_KEYS as all processes on this Redis have them' };

export function judgeKeys(facts: KeyFacts): Finding {
  switch (facts.kind) {
    case 'fits':
      return ok(
        KEYS,
        facts.usedIds.length === 0 ? 'no process has used this Redis and namespace yet' : `they open what ${named(facts.usedIds)} sealed`,
      );
    case 'differs':
      return startFault(KEYS, facts.text, 'give all processes the same list');
    case 'failed':
      return unknown(KEYS, facts.why, 'mend Redis first, and run this again');
    default:
      return facts satisfies never;
  }
}

const named = (ids: readonly string[]): string => ids.map((id) => `"${id}"`).join(', ');

const STORED = { id: 'stored-records', expected: 'every session, tenant and secret in QRCAST_NAMESPACE can be read' };

export function judgeStored(facts: StoredFacts): Finding {
  if ('why' in facts) return unknown(STORED, facts.why, 'run `qrcast rotate-keys --check`, which takes its time');
  const { tenants, sessions, secrets, unopened, unreadableSessions, unreadableTenants } = facts;
  const troubles = [
    ...(unopened > 0 ? [`${unopened} of ${secrets} secrets cannot be opened`] : []),
    ...(unreadableSessions > 0 ? [`${unreadableSessions} of ${sessions} sessions cannot be read`] : []),
    ...(unreadableTenants.length > 0 ? [`the records of the tenants ${named(unreadableTenants)} cannot be read`] : []),
  ];
  if (troubles.length === 0) return ok(STORED, `${tenants} tenants, ${sessions} sessions, ${secrets} secrets`);
  const mends = [
    ...(unopened > 0 ? ['add the key that sealed them to QRCAST_SECRET_KEYS'] : []),
    ...(unreadableSessions > 0 ? ['run the version that wrote the sessions, or wait until they expire'] : []),
    ...(unreadableTenants.length > 0 ? ['run the version that wrote the tenants, or mend their records in Redis'] : []),
  ];
  return fault(STORED, troubles.join('; '), mends.join('; '));
}

/** One finding in place of all that need Redis. */
export const keysWithout = (why: string): Finding =>
  unknown({ id: KEYS.id, expected: KEYS.expected }, `not looked at: ${why}`, 'mend that first, and run this again');

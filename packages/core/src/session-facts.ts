/**
 * The facts of a session that decide what its viewers are owed. They come with each published change
 * beside the JSON for viewers, so that no gateway parses or makes that again.
 */

import type { Session } from './session.ts';
import { isState } from './session-record.ts';

export type SessionFacts = Pick<
  Session,
  | 'id'
  | 'tenantId'
  | 'instanceKey'
  | 'version'
  | 'toldVersion'
  | 'stamp'
  | 'createdAt'
  | 'deadlineAt'
  | 'expiresAt'
  | 'isUnwatched'
  | 'state'
>;

/** In its state, what only the JSON for viewers needs is null: the notice, the text of the code, the account. */
export function factsOf(session: Session): SessionFacts {
  const { id, tenantId, instanceKey, version, toldVersion, stamp, createdAt, deadlineAt, expiresAt, isUnwatched } = session;
  const state = briefOf(session.state);
  return { id, tenantId, instanceKey, version, toldVersion, stamp, createdAt, deadlineAt, expiresAt, isUnwatched, state };
}

function briefOf(state: Session['state']): Session['state'] {
  if (state.kind === 'showing') return { ...state, notice: null, code: { ...state.code, text: null } };
  if (state.kind === 'connected') return { kind: 'connected', account: { wid: null, phone: null } };
  return 'notice' in state ? { ...state, notice: null } : state;
}

const TEXTS = ['id', 'tenantId', 'instanceKey', 'stamp'] as const satisfies readonly (keyof SessionFacts)[];
const NUMBERS = ['toldVersion', 'createdAt', 'deadlineAt', 'expiresAt'] as const satisfies readonly (keyof SessionFacts)[];

/** By hand, because it runs at every delivery. */
export function isSessionFacts(value: unknown): value is SessionFacts {
  if (typeof value !== 'object' || value === null) return false;
  const facts = value as Readonly<Record<string, unknown>>; // an object has fields
  for (const name of TEXTS) if (typeof facts[name] !== 'string') return false;
  for (const name of NUMBERS) if (!Number.isFinite(facts[name])) return false;
  const { version, isUnwatched, state } = facts;
  return Number.isSafeInteger(version) && typeof isUnwatched === 'boolean' && isState(state);
}

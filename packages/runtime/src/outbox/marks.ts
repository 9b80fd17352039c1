/** The marks of the outbox, their form in Redis, and where they stand. */

import { type Namespace, sessionKey, tenantSessionsKey } from '../redis/keys.ts';

/**
 * `session`, `instance`: new callbacks of one. `relay`: a lane of notifications. `callback`: a
 * callback to send again. `checks`: a tenant with connected instances to check, or with tokens to
 * delete. `due`: work that waits for its time.
 */
export type Mark =
  | { readonly kind: 'session'; readonly sessionId: string }
  | { readonly kind: 'relay'; readonly tenantId: string; readonly instanceId: string }
  | { readonly kind: 'callback'; readonly tenantId: string; readonly id: string }
  | { readonly kind: 'instance'; readonly tenantId: string; readonly instanceId: string }
  | { readonly kind: 'checks'; readonly tenantId: string }
  | DueMark;

export interface DueMark {
  readonly kind: 'due';
  readonly job: 'deliver' | 'relay' | 'check';
  readonly tenantId: string;
  /** Of the callback, or of the lane's instance. Empty for checks. */
  readonly id: string;
}

export const sessionMark = (sessionId: string): Mark => ({ kind: 'session', sessionId });

export function encodeMark(mark: Mark): string {
  switch (mark.kind) {
    case 'session':
      return `session|${mark.sessionId}`;
    case 'relay':
      return `relay|${mark.tenantId}|${mark.instanceId}`;
    case 'callback':
      return `callback|${mark.tenantId}|${mark.id}`;
    case 'instance':
      return `instance|${mark.tenantId}|${mark.instanceId}`;
    case 'checks':
      return `checks|${mark.tenantId}`;
    case 'due':
      return `due|${mark.job}|${mark.tenantId}|${mark.id}`;
    default:
      return mark satisfies never;
  }
}

/** Returns null for a text that `encodeMark` did not write. */
export function decodeMark(member: string): Mark | null {
  const [kind, first = '', second = '', third = ''] = member.split('|');
  if (kind === 'session') return { kind, sessionId: first };
  if (kind === 'relay') return { kind, tenantId: first, instanceId: second };
  if (kind === 'callback') return { kind, tenantId: first, id: second };
  if (kind === 'instance') return { kind, tenantId: first, instanceId: second };
  if (kind === 'checks') return { kind, tenantId: first };
  if (kind === 'due' && (first === 'deliver' || first === 'relay' || first === 'check'))
    return { kind, job: first, tenantId: second, id: third };
  return null;
}

/** A key in the slot of what it marks, for `partOf`. */
export const keyNearMark = (ns: Namespace, mark: Mark): string =>
  mark.kind === 'session' ? sessionKey(ns, mark.sessionId) : tenantSessionsKey(ns, mark.tenantId);

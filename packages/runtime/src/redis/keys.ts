/** Every Redis key, channel and queue name, built here and nowhere else. One hash tag per key group, so that a script touches one slot. */

/** Separates installations, and tests, that share one Redis. */
export type Namespace = string;

export const DEFAULT_NAMESPACE: Namespace = 'qrcast';

export const sessionKey = (ns: Namespace, sessionId: string): string => `${ns}:{${sessionId}}`;
/** For SCAN: what `sessionKey` builds, and by chance more. */
export const sessionKeyPattern = (ns: Namespace): string => `${ns}:{ses_*}`;
/** The session's id, null for another key. */
export const parseSessionKey = (ns: Namespace, key: string): string | null =>
  key.startsWith(`${ns}:{`) && key.endsWith('}') ? key.slice(ns.length + 2, -1) : null;
export const sessionChannel = (ns: Namespace, sessionId: string): string => `${ns}:{${sessionId}}:state`;
export const viewersKey = (ns: Namespace, sessionId: string): string => `${ns}:{${sessionId}}:viewers`;
/** Callbacks of a session that are not in the queue yet: written with the change itself. */
export const sessionCallbacksKey = (ns: Namespace, sessionId: string): string => `${ns}:{${sessionId}}:callbacks`;
export const probeChannel = (ns: Namespace, nodeId: string): string => `${ns}:probe:${nodeId}`;

export const tenantSessionsKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:sessions`;
/** Those of them with one reference, which may be as long as it likes: its hash names them. */
export const referenceSessionsKey = (ns: Namespace, tenantId: string, referenceHash: string): string =>
  `${ns}:{tenant:${tenantId}}:reference:${referenceHash}`;
export const tenantInstanceKey = (ns: Namespace, tenantId: string, instanceId: string): string =>
  `${ns}:{tenant:${tenantId}}:instance:${instanceId}`;
export const tenantsKey = (ns: Namespace): string => `${ns}:tenants`;
/** Ids that were somebody's: never anybody else's. */
export const formerTenantsKey = (ns: Namespace): string => `${ns}:tenants:former`;
/** For each key in use something sealed under it, by which a process sees at its start that it has the others' keys. */
export const keyProofsKey = (ns: Namespace): string => `${ns}:key-proofs`;
/** Of each key that processes have had in their lists, by its id, what only that key gives: what it seals can be read. */
export const keyFingerprintsKey = (ns: Namespace): string => `${ns}:key-fingerprints`;
/** Its live sessions, by their expiry. */
export const liveSessionsKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:live`;
/** How full its bucket of calls of one kind is. */
export const tenantRateKey = (ns: Namespace, tenantId: string, limit: string): string => `${ns}:{tenant:${tenantId}}:rate:${limit}`;
/** The gateways with viewers of its sessions, by the end of their lease, and how many each has. */
export const gatewaysOfTenantKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:gateways`;
export const placesOfTenantKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:places`;
/** Each tenant whose record has changed. */
export const tenantsChannel = (ns: Namespace): string => `${ns}:tenants:changed`;
/** When each API key was last used. */
export const keyUsesKey = (ns: Namespace): string => `${ns}:tenants:key-uses`;
export const apiKeyKey = (ns: Namespace, keyHash: string): string => `${ns}:key:${keyHash}`;
/** A tenant's revoked tickets, by when they may be forgotten. */
export const revokedTicketsKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:revoked`;
export const passwordTurnKey = (ns: Namespace, instanceKey: string): string => `${ns}:password:${instanceKey}`;
/** Passwords of the instance that are with the provider, by when they are over at the latest. */
export const passwordsUnderWayKey = (ns: Namespace, instanceKey: string): string => `${ns}:passwords-under-way:${instanceKey}`;
/** Set while a gateway logs the instance out for a new code. */
export const startOverTurnKey = (ns: Namespace, instanceKey: string): string => `${ns}:start-over:${instanceKey}`;
/** Who asks for the settings of an instance next: one request a second. */
export const settingsTurnKey = (ns: Namespace, instanceKey: string): string => `${ns}:settings:${instanceKey}`;
/** Held while the settings of an instance are changed. */
export const settingsLockKey = (ns: Namespace, instanceKey: string): string => `${ns}:settings-lock:${instanceKey}`;
/** When a notification of each of the tenant's instances came last. */
export const lastNotificationsKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:notified`;
/** Passwords of a session that were wrong, or are being tried. */
export const passwordTriesKey = (ns: Namespace, sessionId: string): string => `${ns}:{${sessionId}}:passwords`;
export const revocationsChannel = (ns: Namespace): string => `${ns}:revocations`;

/** The audit log of all tenants, and of each. */
export const auditKey = (ns: Namespace): string => `${ns}:audit`;
export const tenantAuditKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:audit`;

/** A hash: the record of an instance that a session connected (`record`), and the credentials for its checks (`sealed`). */
export const connectedInstanceKey = (ns: Namespace, tenantId: string, instanceId: string): string =>
  `${ns}:{tenant:${tenantId}}:connected:${instanceId}`;
/** For SCAN: what `connectedInstanceKey` builds, and by chance more. */
export const connectedInstanceKeyPattern = (ns: Namespace): string => `${ns}:{tenant:*}:connected:*`;
/** Null for another key. */
export function parseConnectedInstanceKey(ns: Namespace, key: string): { tenantId: string; instanceId: string } | null {
  const [, tenantId, instanceId] =
    (key.startsWith(`${ns}:`) && /^\{tenant:([^}]*)\}:connected:(\d+)$/.exec(key.slice(ns.length + 1))) || [];
  return tenantId === undefined || instanceId === undefined ? null : { tenantId, instanceId };
}
/** A tenant's connected instances, by the end of their period. */
export const connectedInstancesKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:connected`;
/** Callbacks of a connected instance that are not in the queue yet: written with the change itself. */
export const connectedCallbacksKey = (ns: Namespace, tenantId: string, instanceId: string): string =>
  `${ns}:{tenant:${tenantId}}:lost:${instanceId}`;
/** Those of a tenant's connected instances that are checked, by when they are next. */
export const checksKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:checks`;
/** The interval (ms) that the moments in `checksKey` were made with. */
export const checksEveryKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:checks:every`;
/** The period (days) that the records of those instances were last cut to. */
export const checksKeepKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:checks:keep`;

/**
 * What a worker is to look at: sessions and instances with new callbacks, lanes of relayed notifications, callbacks to send again, tenants
 * whose instances are checked.
 */
export const outboxKey = (ns: Namespace): string => `${ns}:outbox`;
/** A tenant's callbacks by age. */
export const callbacksKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:callbacks`;
/** Those of them that are settled. */
export const settledCallbacksKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:callbacks:settled`;
export const callbackKey = (ns: Namespace, tenantId: string, id: string): string => `${ns}:{tenant:${tenantId}}:callback:${id}`;
/** Notifications of one instance that wait to be relayed, oldest first. */
export const relayLaneKey = (ns: Namespace, tenantId: string, instanceId: string): string =>
  `${ns}:{tenant:${tenantId}}:relay:${instanceId}`;
/** How many there are in all lanes of a tenant, how many bytes, and the failed tries of each lane's first. */
export const relayUseKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:relay`;

/** The due-set of a shard (`due`), who is watched until when (`watch`), which instances must not be asked yet (`busy`), early wishes (`poked`). */
export const shardKeys = (ns: Namespace, shard: number): [due: string, watch: string, busy: string, poked: string] => {
  const tag = `${ns}:{shard:${shard}}`;
  return [`${tag}:due`, `${tag}:watch`, `${tag}:busy`, `${tag}:poked`];
};

/** BullMQ keeps its keys under `<prefix>:<queue>:`. */
export const queuePrefix = (ns: Namespace): string => `{${ns}}`;
export const POLL_QUEUE_NAME = 'polls';
export const CALLBACK_QUEUE_NAME = 'callbacks';

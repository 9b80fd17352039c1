/**
 * Every Redis key, channel and queue name; none is built elsewhere. Keys that a script uses
 * together share a hash tag, so that the script touches one slot.
 */

/** Separates installations, and tests, that share one Redis. */
export type Namespace = string;

export const DEFAULT_NAMESPACE: Namespace = 'qrcast';

export const sessionKey = (ns: Namespace, sessionId: string): string => `${ns}:{${sessionId}}`;
/** For SCAN. Matches all that `sessionKey` builds, and perhaps other keys. */
export const sessionKeyPattern = (ns: Namespace): string => `${ns}:{ses_*}`;
/** Returns the session's id, or null for another kind of key. */
export const parseSessionKey = (ns: Namespace, key: string): string | null =>
  key.startsWith(`${ns}:{`) && key.endsWith('}') ? key.slice(ns.length + 2, -1) : null;
export const sessionChannel = (ns: Namespace, sessionId: string): string => `${ns}:{${sessionId}}:state`;
export const viewersKey = (ns: Namespace, sessionId: string): string => `${ns}:{${sessionId}}:viewers`;
/** The gateways that live, by the end of their lease. */
export const gatewaysKey = (ns: Namespace): string => `${ns}:gateways`;
/**
 * Callbacks of a session that are not in the queue yet. They are written with the change itself.
 */
export const sessionCallbacksKey = (ns: Namespace, sessionId: string): string => `${ns}:{${sessionId}}:callbacks`;
export const probeChannel = (ns: Namespace, nodeId: string): string => `${ns}:probe:${nodeId}`;
/** Written now and then to see whether Redis accepts writes. */
export const probeKey = (ns: Namespace, nodeId: string): string => `${ns}:probe:${nodeId}`;

/** Nothing is at this key. In a cluster, the clock of the node that has its slot is asked. */
export const clockKey = (ns: Namespace): string => `${ns}:clock`;

export const tenantSessionsKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:sessions`;
/** The sessions with one reference. A reference may be long, so its hash stands in the key. */
export const referenceSessionsKey = (ns: Namespace, tenantId: string, referenceHash: string): string =>
  `${ns}:{tenant:${tenantId}}:reference:${referenceHash}`;
export const tenantInstanceKey = (ns: Namespace, tenantId: string, instanceId: string): string =>
  `${ns}:{tenant:${tenantId}}:instance:${instanceId}`;
export const tenantsKey = (ns: Namespace): string => `${ns}:tenants`;
/** Ids of deleted tenants, which are never given again. */
export const formerTenantsKey = (ns: Namespace): string => `${ns}:tenants:former`;
/**
 * For each key in use a value sealed under it. By these a process sees at its start whether it has
 * the others' keys.
 */
export const keyProofsKey = (ns: Namespace): string => `${ns}:key-proofs`;
/** The fingerprint of each key that processes have had in their lists, by the key's id. */
export const keyFingerprintsKey = (ns: Namespace): string => `${ns}:key-fingerprints`;
/** A tenant's live sessions, by their expiry. */
export const liveSessionsKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:live`;
/** The tenant's token bucket for one rate. */
export const tenantRateKey = (ns: Namespace, tenantId: string, limit: string): string => `${ns}:{tenant:${tenantId}}:rate:${limit}`;
/** The gateways with viewers of the tenant's sessions, by the end of their lease. */
export const gatewaysOfTenantKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:gateways`;
/** How many viewers of the tenant each of those gateways has. */
export const viewersOfTenantKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:places`;
/** Publishes the id of each tenant whose record has changed. */
export const tenantsChannel = (ns: Namespace): string => `${ns}:tenants:changed`;
/** When each API key was last used. */
export const keyUsesKey = (ns: Namespace): string => `${ns}:tenants:key-uses`;
export const apiKeyKey = (ns: Namespace, keyHash: string): string => `${ns}:key:${keyHash}`;
/** A tenant's revoked tickets, by when they expire anyway. */
export const revokedTicketsKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:revoked`;
/** Set while no password may be sent for the instance: one a second. */
export const passwordRateKey = (ns: Namespace, instanceKey: string): string => `${ns}:password:${instanceKey}`;
/**
 * Passwords of the instance that were sent to the provider, by when they are over at the latest.
 */
export const passwordsUnderWayKey = (ns: Namespace, instanceKey: string): string => `${ns}:passwords-under-way:${instanceKey}`;
/** Held while a gateway logs the instance out for a new code. */
export const startOverLockKey = (ns: Namespace, instanceKey: string): string => `${ns}:start-over:${instanceKey}`;
/** Set while no gateway may read the settings of the instance: one request a second. */
export const settingsRateKey = (ns: Namespace, instanceKey: string): string => `${ns}:settings:${instanceKey}`;
/** Held while the settings of an instance are changed. */
export const settingsLockKey = (ns: Namespace, instanceKey: string): string => `${ns}:settings-lock:${instanceKey}`;
/** When the last notification of each of the tenant's instances came. */
export const lastNotificationsKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:notified`;
/** Passwords of a session that were wrong or are being tried. */
export const passwordTriesKey = (ns: Namespace, sessionId: string): string => `${ns}:{${sessionId}}:passwords`;
export const revocationsChannel = (ns: Namespace): string => `${ns}:revocations`;

/** The audit log of all tenants, and below it that of one. */
export const auditKey = (ns: Namespace): string => `${ns}:audit`;
export const tenantAuditKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:audit`;

/** The statistics of one hour (since 1970) of all tenants together, and of one tenant. */
export const statisticsKey = (ns: Namespace, hour: number): string => `${ns}:statistics:${hour}`;
export const tenantStatisticsKey = (ns: Namespace, tenantId: string, hour: number): string =>
  `${ns}:{tenant:${tenantId}}:statistics:${hour}`;
/** What the provider's hosts answered in one minute (since 1970). */
export const weatherKey = (ns: Namespace, minute: number): string => `${ns}:weather:${minute}`;

/**
 * A hash: the record of a connected instance (`record`), and the credentials for its checks
 * (`sealed`).
 */
export const connectedInstanceKey = (ns: Namespace, tenantId: string, instanceId: string): string =>
  `${ns}:{tenant:${tenantId}}:connected:${instanceId}`;
/** For SCAN. Matches all that `connectedInstanceKey` builds, and perhaps other keys. */
export const connectedInstanceKeyPattern = (ns: Namespace): string => `${ns}:{tenant:*}:connected:*`;
/** Returns null for another kind of key. */
export function parseConnectedInstanceKey(ns: Namespace, key: string): { tenantId: string; instanceId: string } | null {
  const [, tenantId, instanceId] =
    (key.startsWith(`${ns}:`) && /^\{tenant:([^}]*)\}:connected:(\d+)$/.exec(key.slice(ns.length + 1))) || [];
  return tenantId === undefined || instanceId === undefined ? null : { tenantId, instanceId };
}
/** A tenant's connected instances, by the end of their period. */
export const connectedInstancesKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:connected`;
/**
 * Callbacks of a connected instance that are not in the queue yet. They are written with the change
 * itself.
 */
export const connectedCallbacksKey = (ns: Namespace, tenantId: string, instanceId: string): string =>
  `${ns}:{tenant:${tenantId}}:lost:${instanceId}`;
/** The connected instances of a tenant that are checked, by the time of their next check. */
export const checksKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:checks`;
/** The interval (ms) by which the times in `checksKey` were chosen. */
export const checksEveryKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:checks:every`;
/** The period (days) to which the records of those instances were last shortened. */
export const checksKeepKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:checks:keep`;

/** A tenant's callbacks by age. */
export const callbacksKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:callbacks`;
/** The settled ones of a tenant's callbacks. */
export const settledCallbacksKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:callbacks:settled`;
export const callbackKey = (ns: Namespace, tenantId: string, id: string): string => `${ns}:{tenant:${tenantId}}:callback:${id}`;
/** Notifications of one instance that wait to be relayed, the oldest first. */
export const relayLaneKey = (ns: Namespace, tenantId: string, instanceId: string): string =>
  `${ns}:{tenant:${tenantId}}:relay:${instanceId}`;
/**
 * The number of notifications in all lanes of a tenant, their bytes, and the failed tries of each
 * lane's first.
 */
export const relayUseKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:relay`;

type ShardKeys = [due: string, watch: string, busy: string, poked: string, claims: string];
/**
 * The sets of a shard: when members are due (`due`), until when they are watched (`watch`), until
 * when instances must not be asked (`busy`), wishes for an early poll (`poked`), and when instances
 * were claimed or held for the request that is under way (`claims`).
 */
export const shardKeys = (ns: Namespace, shard: number): ShardKeys => {
  const tag = `${ns}:{shard:${shard}}`;
  return [`${tag}:due`, `${tag}:watch`, `${tag}:busy`, `${tag}:poked`, `${tag}:claims`];
};

/** Tells that the shard had no members and has one. */
export const filledShardChannel = (ns: Namespace, shard: number): string => `${ns}:{shard:${shard}}:filled`;

/** Where a part of the work stands that workers share (work-parts.ts). */
export interface WorkPart {
  /** BullMQ keeps its keys under `<prefix>:<queue>:`. */
  readonly queuePrefix: string;
  /** The id of the worker that adds the ticks, for as long as its lease lasts. */
  readonly tickerKey: string;
  /**
   * Marks of all that a worker has to look at: sessions and instances with new callbacks, lanes of relayed
   * notifications, callbacks to send again, tenants whose instances are checked, and work that waits
   * for its time.
   */
  readonly outboxKey: string;
  /** How often in a row a job of callbacks has failed, by the job's id. */
  readonly callbackFaultsKey: string;
}

/** The only part on one Redis. */
export const wholeWork = (ns: Namespace): WorkPart => ({
  queuePrefix: `{${ns}}`,
  tickerKey: `${ns}:ticker`,
  outboxKey: `${ns}:outbox`,
  callbackFaultsKey: `${ns}:callback-faults`,
});
/** In the slot of its tag. */
export function workPart(ns: Namespace, tag: string): WorkPart {
  const prefix = `${ns}:{${tag}}`;
  return {
    queuePrefix: prefix,
    tickerKey: `${prefix}:ticker`,
    outboxKey: `${prefix}:outbox`,
    callbackFaultsKey: `${prefix}:callback-faults`,
  };
}

/** Of BullMQ: the jobs of the queue that are in this state. */
export const queueStateKey = ({ queuePrefix }: WorkPart, queue: string, state: string): string => `${queuePrefix}:${queue}:${state}`;
/** A list and a sorted set of BullMQ: the jobs that wait, without and with a priority. */
export const waitingJobsKeys = (part: WorkPart, queue: string): [waiting: string, prioritized: string] => [
  queueStateKey(part, queue, 'wait'),
  queueStateKey(part, queue, 'prioritized'),
];
/** Written now and then, as `probeKey`, beside the queues of the part. */
export const queueProbeKey = ({ queuePrefix }: WorkPart, nodeId: string): string => `${queuePrefix}:probe:${nodeId}`;
export const POLL_QUEUE_NAME = 'polls';
export const CALLBACK_QUEUE_NAME = 'callbacks';

/** One key of each kind that there is, with the pattern that permits it. */
export function startCheckKeys(ns: Namespace, id: string): readonly (readonly [key: string, pattern: string])[] {
  const { queuePrefix } = wholeWork(ns);
  return [
    [`${ns}:start-check:${id}`, `${ns}:*`],
    [`${queuePrefix}:start-check:${id}`, `${queuePrefix}:*`],
  ];
}
export const startCheckChannel = (ns: Namespace, id: string): string => `${ns}:start-check:${id}`;

/**
 * The instances that sessions connected, in Redis: one record per tenant and instance, which lives
 * for the tenant's period. For tenants that want checks, the sealed credentials stand beside it.
 *
 * A record is made from the callback of its login. That callback stands in Redis with the login
 * itself until a worker has handled it, so no crash loses a record. A notification that comes
 * sooner makes the record as well. Until then the credentials stay in the session.
 *
 * One script writes a loss: the record, the end of the credentials, and the callback that reports
 * it. This file is the interface; connected-instances.ts implements it.
 */

import type { CheckVerdict } from '@qrcast/core/connected-check';
import type { ConnectedInstance, Login, Said } from '@qrcast/core/connected-instance';
import type { Outcome } from '@qrcast/core/outcome';
import type { Session } from '@qrcast/core/session';
import type { AuditLog } from '../audit/audit-log.ts';
import type { ProviderSecret } from '../keyring/credentials-vault.ts';
import type { Keyring } from '../keyring/keyring.ts';
import type { Logger } from '../log.ts';
import type { Clock } from '../redis/clock.ts';
import type { Namespace } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import type { FoundRecord, TokenEnd } from './connected-records.ts';

export interface ConnectedInstances {
  /**
   * Records that a session connected the instance. Idempotent. A login older than the known one
   * changes nothing.
   */
  remember(login: Login): Promise<void>;
  /**
   * Handles what a notification says of an instance. Resolves to true if it is a loss, which is now
   * reported.
   */
  said(tenantId: string, instanceId: string, said: Said): Promise<boolean>;
  /** Handles the answer to a check that began at `startedAt` (Unix ms). */
  checked(record: ConnectedInstance, outcome: Outcome, startedAt: number): Promise<CheckVerdict['kind']>;
  /** Sends a logout of ours. After it, `notAuthorized` is not a loss. */
  duringLogout<T extends Outcome>(session: Pick<Session, 'tenantId' | 'instanceId'>, request: () => Promise<T>): Promise<T>;
  find(tenantId: string, instanceId: string): Promise<FoundRecord>;
  /**
   * The credentials for a check. Null if there are none. @throws {Error} if no key of the ring
   * opens them.
   */
  credentials(tenantId: string, instanceId: string): Promise<ProviderSecret | null>;
  /** Deletes the record and its credentials. */
  forget(tenantId: string, instanceId: string, why: TokenEnd): Promise<void>;
  /**
   * Shortens the periods of the tenant's checked instances to its current setting. Periods that are
   * over end at once. An unreadable record keeps its period.
   */
  cutPeriods(tenantId: string, keepDays: number): Promise<void>;
  /** Deletes the credentials of all instances of the tenant. */
  dropCredentials(tenantId: string): Promise<void>;
  /** Deletes everything of a tenant. */
  forgetTenant(tenantId: string): Promise<void>;
}

export interface ConnectedInstancesDeps {
  /** A `commands` connection; not closed here. */
  readonly redis: RedisClient;
  readonly namespace: Namespace;
  readonly keyring: Keyring;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly audit?: Pick<AuditLog, 'record'> | undefined;
  /** As in `ConnectedRecordsDeps`. */
  readonly maxInstances?: number | undefined;
}

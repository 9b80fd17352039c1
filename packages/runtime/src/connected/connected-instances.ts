/**
 * The instances that sessions connected, in Redis: one record per tenant and instance, which lives for the tenant's period, and for tenants
 * that want checks the sealed credentials beside it.
 *
 * A record is written from the callback of its login, which stands in Redis with the login itself until a worker has dealt with it. So no
 * crash loses a record. A notification that comes sooner writes it as well. Until then the credentials stay where they are: in the session.
 *
 * A loss is one script: the record, the end of the credentials, and the callback that tells of it.
 */

import { disconnectedCallback, type Loss } from '@qrcast/core/callback';
import { type CheckVerdict, judgeCheck } from '@qrcast/core/connected-check';
import {
  type ConnectedInstance,
  connectedInstance,
  isLoss,
  isPeriodOver,
  judgeLoss,
  type Login,
  periodEnd,
  type Said,
  withLogin,
} from '@qrcast/core/connected-instance';
import type { Outcome } from '@qrcast/core/outcome';
import type { Session } from '@qrcast/core/session';
import type { Redis } from 'ioredis';
import type { AuditLog } from '../audit/audit-log.ts';
import { connectedContext, openCredentials, type ProviderSecret, sealCredentials } from '../keyring/credentials-vault.ts';
import type { Keyring } from '../keyring/keyring.ts';
import { errorFields, type Logger } from '../log.ts';
import { createOutbox } from '../outbox/outbox.ts';
import type { Clock } from '../redis/clock.ts';
import { type Namespace, sessionKey } from '../redis/keys.ts';
import { connectedAudit, createConnectedRecords, type RecordChange, type TokenEnd } from './connected-records.ts';
import { connectedSettingsIn, keepsCredentials } from './connected-settings.ts';

export interface ConnectedInstances {
  /** A session connected the instance. Idempotent; an older login than the known one changes nothing. */
  remember(login: Login): Promise<void>;
  /** Something was said of an instance. Resolves to true if it is a loss, which is told now. */
  said(tenantId: string, instanceId: string, said: Said): Promise<boolean>;
  /** A check that began at `startedAt` (Unix ms) was answered. */
  checked(record: ConnectedInstance, outcome: Outcome, startedAt: number): Promise<CheckVerdict['kind']>;
  /** Sends a logout of ours, after which `notAuthorized` is no loss. */
  duringLogout<T extends Outcome>(session: Pick<Session, 'tenantId' | 'instanceId'>, request: () => Promise<T>): Promise<T>;
  find(tenantId: string, instanceId: string): Promise<ConnectedInstance | null>;
  /** What a check needs; null if there are no credentials. @throws {Error} if no key of the ring opens them. */
  credentials(tenantId: string, instanceId: string): Promise<ProviderSecret | null>;
  /** The record and its credentials. */
  forget(tenantId: string, instanceId: string, why: TokenEnd): Promise<void>;
  /** Ends the periods of its checked instances by the tenant's setting of today: at once where they are over, else when they will be. */
  cutPeriods(tenantId: string, keepDays: number): Promise<void>;
  /** The credentials of all its instances. */
  dropCredentials(tenantId: string): Promise<void>;
  /** Everything of a tenant. */
  forgetTenant(tenantId: string): Promise<void>;
}

export interface ConnectedInstancesDeps {
  /** A `commands` connection; not closed here. */
  readonly redis: Redis;
  readonly namespace: Namespace;
  readonly keyring: Keyring;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly audit?: Pick<AuditLog, 'record'> | undefined;
  /** As of `ConnectedRecordsDeps`. */
  readonly maxInstances?: number | undefined;
}

interface Ended extends RecordChange {
  readonly kind: 'lost' | 'logged_out';
  readonly loss: Loss;
}
interface Checked extends RecordChange {
  readonly kind: 'refused' | 'kept';
}

export function createConnectedInstances(deps: ConnectedInstancesDeps): ConnectedInstances {
  const { redis, namespace, keyring, clock, log, audit } = deps;
  const settingsOf = connectedSettingsIn(deps);
  const outbox = createOutbox(deps);
  const records = createConnectedRecords(deps);

  /** Sealed for the record, if the session has credentials and the tenant wants checks. */
  async function takeOver(login: Login): Promise<string> {
    const sealed = await redis.hget(sessionKey(namespace, login.sessionId), 'sealed');
    if (sealed === null) return '';
    try {
      return sealCredentials(keyring, connectedContext(login), openCredentials(keyring, login.sessionId, sealed));
    } catch (error) {
      log.warn({ sessionId: login.sessionId, ...errorFields(error) }, 'the instance of a connected session will not be checked');
      return ''; // its login is to be told all the same
    }
  }

  /** What a verdict changes. */
  function ended(record: ConnectedInstance, kind: 'lost' | 'logged_out', loss: Loss): Ended {
    const over = { kind, loss, record: { ...record, end: kind }, sealed: '-', why: kind === 'lost' ? loss.state : 'logged_out' } as const;
    return kind === 'lost' ? { ...over, callback: disconnectedCallback(record, loss, clock.now()) } : over;
  }

  /** The callback is written with the change. */
  function noteLoss({ record, loss }: Ended): void {
    log.info({ tenantId: record.tenantId, instanceId: record.instanceId, state: loss.state, by: loss.by }, 'a connected account was lost');
    audit?.record(connectedAudit('instance.disconnected', record, loss.state));
  }

  return {
    find: records.find,

    async remember(login) {
      const settings = await settingsOf(login.tenantId);
      const fresh = settings === null ? null : connectedInstance(login, settings.keepDays, clock.now());
      const kept = fresh !== null && keepsCredentials(settings) ? await takeOver(login) : '';
      if (fresh !== null) {
        await records.change(login.tenantId, login.instanceId, (known, hasCredentials) => {
          const record = withLogin(known, fresh);
          const isTheirs = record.sessionId === login.sessionId && record.end === null;
          const isReplaced = known !== null && known.sessionId !== record.sessionId;
          const sealed = isTheirs && kept !== '' && (isReplaced || !hasCredentials) ? kept : isReplaced && hasCredentials ? '-' : '';
          return record === known && sealed === '' ? null : { record, sealed };
        });
        await records.trim(login.tenantId, clock.now());
      }
      // Before the session lets go of them: whoever repeats this after a crash must come here, too.
      if (kept !== '') await outbox.mark({ kind: 'checks', tenantId: login.tenantId });
      await redis.hdel(sessionKey(namespace, login.sessionId), 'sealed');
      if (fresh !== null && (await settingsOf(login.tenantId)) === null) await records.removeAll(login.tenantId); // deleted meanwhile
    },

    async said(tenantId, instanceId, said) {
      const { state } = said;
      if (!isLoss(state)) return false;
      const keepDays = (await settingsOf(tenantId))?.keepDays ?? 0;
      const loss: Loss = { ...said, state };
      const change = await records.change(tenantId, instanceId, (record) => {
        if (record === null || isPeriodOver(record, keepDays, clock.now())) return null;
        const verdict = judgeLoss(record, said, clock.now());
        return verdict === 'nothing' ? null : ended(record, verdict, loss);
      });
      const isLost = change?.kind === 'lost';
      if (isLost) noteLoss(change);
      return isLost;
    },

    async checked({ tenantId, instanceId, sessionId }, outcome, startedAt) {
      const change = await records.change<Ended | Checked>(tenantId, instanceId, (record) => {
        if (record === null || record.sessionId !== sessionId || record.end !== null) return null;
        const verdict = judgeCheck(record, outcome, startedAt, clock.now());
        switch (verdict.kind) {
          case 'kept':
            return verdict.record === record ? null : { kind: 'kept', record: verdict.record, sealed: '' };
          case 'refused':
            return { kind: 'refused', record, sealed: '-', why: verdict.reason };
          default:
            return ended(record, verdict.kind, { state: verdict.state, at: clock.now(), by: 'check' });
        }
      });
      if (change?.kind === 'lost') noteLoss(change);
      return change?.kind ?? 'kept';
    },

    async duringLogout({ tenantId, instanceId }, request) {
      // Before the request: its notification may come before its answer, and its answer may be lost.
      await records.change(tenantId, instanceId, (record) =>
        record === null || record.end !== null ? null : { record: { ...record, ownLogoutAt: clock.now() }, sealed: '' },
      );
      const outcome = await request();
      if (outcome.kind === 'loggedOut')
        await records.change(tenantId, instanceId, (record) =>
          record === null || record.end !== null || record.ownLogoutAt === null
            ? null
            : { record: { ...record, end: 'logged_out' }, sealed: '-', why: 'logged_out' },
        );
      return outcome;
    },

    async credentials(tenantId, instanceId) {
      const sealed = await records.readSealed(tenantId, instanceId);
      return sealed === null ? null : openCredentials(keyring, connectedContext({ tenantId, instanceId }), sealed);
    },

    cutPeriods: (tenantId, keepDays) =>
      records.cutOnce(tenantId, keepDays, async (instanceId) => {
        let isOver = false;
        await records.change(tenantId, instanceId, (record) => {
          const keepUntil = record === null ? 0 : Math.min(record.keepUntil, periodEnd(record, keepDays));
          isOver = clock.now() >= keepUntil;
          return record === null || isOver || keepUntil === record.keepUntil ? null : { record: { ...record, keepUntil }, sealed: '' };
        });
        if (isOver) await records.remove(tenantId, instanceId, 'period_over');
      }),

    forget: records.remove,
    dropCredentials: records.dropCredentials,
    forgetTenant: records.removeAll,
  };
}

/** The login of a session that is `connected`; null for any other. */
export function loginOf({ tenantId, instanceId, id, reference, instanceKey, fence, state }: Session): Login | null {
  return state.kind === 'connected' ? { tenantId, instanceId, sessionId: id, reference, instanceKey, loginAt: fence } : null;
}

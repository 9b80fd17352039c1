/**
 * The instances that sessions connected, in Redis: one record per tenant and instance, which lives for the tenant's period, and for tenants
 * that want checks the sealed credentials beside it.
 *
 * A record is written from the callback of its login, which stands in Redis with the login itself until a worker has dealt with it. So no
 * crash loses a record. A notification that comes sooner writes it as well. Until then the credentials stay where they are: in the session.
 *
 * A loss is one script: the record, the end of the credentials, and the callback that tells of it.
 */

import { type Callback, disconnectedCallback, type Loss } from '@qrcast/core/callback';
import { type CheckVerdict, judgeCheck } from '@qrcast/core/connected-check';
import {
  type ConnectedInstance,
  connectedInstance,
  connectedInstanceSchema,
  isLoss,
  judgeLoss,
  type Login,
  type Said,
  withLogin,
} from '@qrcast/core/connected-instance';
import type { Outcome } from '@qrcast/core/outcome';
import type { Session } from '@qrcast/core/session';
import type { Redis } from 'ioredis';
import type { AuditLog } from './audit-log.ts';
import type { Clock } from './clock.ts';
import { connectedSettingsIn, keepsCredentials } from './connected-settings.ts';
import { connectedContext, openCredentials, type ProviderSecret, sealCredentials } from './credentials-vault.ts';
import type { Keyring } from './keyring.ts';
import {
  checksEveryKey,
  checksKey,
  connectedCallbacksKey,
  connectedInstanceKey,
  connectedInstancesKey,
  type Namespace,
  sessionKey,
} from './keys.ts';
import { errorFields, type Logger } from './log.ts';
import { loadLuaScript } from './lua-script.ts';
import { createOutbox } from './outbox.ts';
import { MAX_RACES } from './sessions.ts';

/** Why credentials are deleted: what the provider said, or one of these. */
type TokenEnd = 'period_over' | 'switched_off' | 'tenant_deleted' | (string & {});

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
}

interface Write {
  readonly record: ConnectedInstance;
  /** '' keeps the credentials, '-' drops them, anything else is set. */
  readonly sealed: string;
  readonly callback?: Callback;
}

const AT_ONCE = 100;

export function createConnectedInstances(deps: ConnectedInstancesDeps): ConnectedInstances {
  const { redis, namespace, keyring, clock, log, audit } = deps;
  const settingsOf = connectedSettingsIn(deps);
  const outbox = createOutbox(deps);
  const writeScript = loadLuaScript(redis, 'connected-write-4');
  const dropScript = loadLuaScript(redis, 'connected-drop-3');

  const keysOf = (tenantId: string, instanceId: string) => [
    connectedInstanceKey(namespace, tenantId, instanceId),
    connectedInstancesKey(namespace, tenantId),
    checksKey(namespace, tenantId),
  ];

  function tell(action: 'instance.disconnected' | 'token.kept' | 'token.deleted', about: About, outcome: string): void {
    const { tenantId, instanceId = null, sessionId = null } = about;
    const actor = { kind: action === 'instance.disconnected' ? 'provider' : 'system', id: null } as const;
    const nobody = { subjectId: null, credential: null, address: null, userAgent: null };
    audit?.record({ tenantId, actor, action, sessionId, instanceId, ...nobody, outcome });
  }

  /** @returns false if another record stands by now. */
  async function write(expected: string, { record, sealed, callback }: Write, why: TokenEnd): Promise<boolean> {
    const { tenantId, instanceId } = record;
    const keys = [...keysOf(tenantId, instanceId), connectedCallbacksKey(namespace, tenantId, instanceId)];
    const told = callback === undefined ? '' : JSON.stringify(callback);
    const args = [expected, JSON.stringify(record), sealed, record.keepUntil, instanceId, UNPLANNED, told];
    const store = (): Promise<unknown> => writeScript(keys, args);
    const written = await (callback === undefined ? store() : outbox.markAround({ kind: 'instance', tenantId, instanceId }, store));
    if (written === 2) tell('token.deleted', record, why);
    if (written !== 0 && sealed.length > 1) tell('token.kept', record, 'ok');
    return written !== 0;
  }

  /** Changes the record as it stands; `decide` may be called again, and returns null for no change. Resolves to whether it was changed. */
  async function change(
    tenantId: string,
    instanceId: string,
    decide: (known: ConnectedInstance | null, hasCredentials: boolean) => (Write & { readonly why?: TokenEnd }) | null,
  ): Promise<boolean> {
    const key = connectedInstanceKey(namespace, tenantId, instanceId);
    for (let race = 0; race < MAX_RACES; race++) {
      const [text, sealed] = await redis.hmget(key, 'record', 'sealed');
      const next = decide(text == null ? null : decode(text), sealed != null);
      if (next === null) return false;
      if (await write(text ?? '', next, next.why ?? 'replaced')) return true;
    }
    throw new Error(`a connected instance was changed by others ${MAX_RACES} times in a row`);
  }

  async function find(tenantId: string, instanceId: string): Promise<ConnectedInstance | null> {
    const text = await redis.hget(connectedInstanceKey(namespace, tenantId, instanceId), 'record');
    return text === null ? null : decode(text);
  }

  async function drop(tenantId: string, instanceId: string, withRecord: boolean): Promise<boolean> {
    return (await dropScript(keysOf(tenantId, instanceId), [instanceId, withRecord ? '1' : ''])) === 1;
  }

  /** Resolves to how many credentials there were. */
  async function dropAll(tenantId: string, index: string, withRecord: boolean): Promise<number> {
    for (let count = 0; ; ) {
      const ids = await redis.zrange(index, 0, String(AT_ONCE - 1));
      if (ids.length === 0) return count;
      const dropped = await Promise.all(ids.map((instanceId) => drop(tenantId, instanceId, withRecord)));
      count += dropped.filter(Boolean).length;
    }
  }

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

  async function forgetTenant(tenantId: string): Promise<void> {
    const count =
      (await dropAll(tenantId, connectedInstancesKey(namespace, tenantId), true)) +
      (await dropAll(tenantId, checksKey(namespace, tenantId), true));
    await redis.del(checksEveryKey(namespace, tenantId));
    if (count > 0) tell('token.deleted', { tenantId }, 'tenant_deleted');
  }

  /** What a verdict changes. */
  function ended(record: ConnectedInstance, end: 'lost' | 'logged_out', loss: Loss): Write & { readonly why: TokenEnd } {
    const over = { record: { ...record, end }, sealed: '-', why: end === 'lost' ? loss.state : 'logged_out' } as const;
    return end === 'lost' ? { ...over, callback: disconnectedCallback(record, loss, clock.now()) } : over;
  }

  function tellLoss(record: ConnectedInstance, loss: Loss): void {
    log.info({ tenantId: record.tenantId, instanceId: record.instanceId, state: loss.state, by: loss.by }, 'a connected account was lost');
    tell('instance.disconnected', record, loss.state);
  }

  return {
    find,

    async remember(login) {
      const settings = await settingsOf(login.tenantId);
      const fresh = settings === null ? null : connectedInstance(login, settings.keepDays, clock.now());
      const kept = fresh !== null && keepsCredentials(settings) ? await takeOver(login) : '';
      if (fresh !== null) {
        await change(login.tenantId, login.instanceId, (known, hasCredentials) => {
          const record = withLogin(known, fresh);
          const isTheirs = record.sessionId === login.sessionId && record.end === null;
          const isReplaced = known !== null && known.sessionId !== record.sessionId;
          const sealed = isTheirs && kept !== '' && (isReplaced || !hasCredentials) ? kept : isReplaced && hasCredentials ? '-' : '';
          return record === known && sealed === '' ? null : { record, sealed };
        });
        await redis.zremrangebyscore(connectedInstancesKey(namespace, login.tenantId), '-inf', String(clock.now()));
      }
      // Before the session lets go of them: whoever repeats this after a crash must come here, too.
      if (kept !== '') await outbox.mark({ kind: 'checks', tenantId: login.tenantId });
      await redis.hdel(sessionKey(namespace, login.sessionId), 'sealed');
      if (fresh !== null && (await settingsOf(login.tenantId)) === null) await forgetTenant(login.tenantId); // deleted meanwhile
    },

    async said(tenantId, instanceId, said) {
      const { state } = said;
      if (!isLoss(state)) return false;
      const keepDays = (await settingsOf(tenantId))?.keepDays ?? 0;
      const loss: Loss = { ...said, state };
      let lost: ConnectedInstance | null = null;
      await change(tenantId, instanceId, (record) => {
        lost = null;
        if (record === null || connectedInstance(record, keepDays, clock.now()) === null) return null;
        const verdict = judgeLoss(record, said, clock.now());
        if (verdict === 'nothing') return null;
        if (verdict === 'lost') lost = record;
        return ended(record, verdict, loss);
      });
      if (lost !== null) tellLoss(lost, loss);
      return lost !== null;
    },

    async checked({ tenantId, instanceId, sessionId }, outcome, startedAt) {
      let verdict: CheckVerdict | null = null;
      let before: ConnectedInstance | null = null;
      await change(tenantId, instanceId, (record) => {
        verdict = null;
        before = record;
        if (record === null || record.sessionId !== sessionId || record.end !== null) return null;
        const found: CheckVerdict = judgeCheck(record, outcome, startedAt, clock.now());
        verdict = found;
        if (found.kind === 'kept') return found.record === record ? null : { record: found.record, sealed: '' };
        if (found.kind === 'refused') return { record, sealed: '-', why: found.reason };
        return ended(record, found.kind, { state: found.state, at: clock.now(), by: 'check' });
      });
      const { kind, state } = (verdict ?? { kind: 'kept' }) as { kind: CheckVerdict['kind']; state?: Loss['state'] }; // as `decide` left it
      if (kind === 'lost' && before !== null && state !== undefined) tellLoss(before, { state, at: clock.now(), by: 'check' });
      return kind;
    },

    async duringLogout({ tenantId, instanceId }, request) {
      // Before the request: its notification may come before its answer, and its answer may be lost.
      await change(tenantId, instanceId, (record) =>
        record === null || record.end !== null ? null : { record: { ...record, ownLogoutAt: clock.now() }, sealed: '' },
      );
      const outcome = await request();
      if (outcome.kind === 'loggedOut')
        await change(tenantId, instanceId, (record) =>
          record === null || record.end !== null || record.ownLogoutAt === null
            ? null
            : { record: { ...record, end: 'logged_out' }, sealed: '-', why: 'logged_out' },
        );
      return outcome;
    },

    async credentials(tenantId, instanceId) {
      const sealed = await redis.hget(connectedInstanceKey(namespace, tenantId, instanceId), 'sealed');
      return sealed === null ? null : openCredentials(keyring, connectedContext({ tenantId, instanceId }), sealed);
    },

    async forget(tenantId, instanceId, why) {
      const isDropped = await drop(tenantId, instanceId, true);
      // What Redis let go of at the end of the period is told as well.
      if (isDropped || why === 'period_over') tell('token.deleted', { tenantId, instanceId }, why);
    },

    async dropCredentials(tenantId) {
      const count = await dropAll(tenantId, checksKey(namespace, tenantId), false);
      if (count > 0) tell('token.deleted', { tenantId }, 'switched_off');
    },

    forgetTenant,
  };
}

interface About {
  readonly tenantId: string;
  readonly instanceId?: string;
  readonly sessionId?: string;
}

/** Below every time: its moment is yet to be chosen. */
export const UNPLANNED = 0;

/** @throws {Error} if it is no such record. */
const decode = (text: string): ConnectedInstance => connectedInstanceSchema.parse(JSON.parse(text));

/** The login of a session that is `connected`; null for any other. */
export function loginOf({ tenantId, instanceId, id, reference, instanceKey, fence, state }: Session): Login | null {
  return state.kind === 'connected' ? { tenantId, instanceId, sessionId: id, reference, instanceKey, loginAt: fence } : null;
}

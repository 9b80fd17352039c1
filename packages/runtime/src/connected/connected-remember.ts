/**
 * Makes the record of a connected instance from its login, and takes over the credentials for its
 * checks.
 */

import { type ConnectedInstance, connectedInstance, type Login, withLogin } from '@qrcast/core/connected-instance';
import { connectedContext, openCredentials, sealCredentials } from '../keyring/credentials-vault.ts';
import { errorFields } from '../log.ts';
import { createOutbox } from '../outbox/outbox.ts';
import { sessionKey } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
import type { ConnectedInstances, ConnectedInstancesDeps } from './connected.ts';
import type { ConnectedRecords, RecordChange } from './connected-records.ts';
import { type FindConnectedSettings, keepsCredentials } from './connected-settings.ts';

export function createRemember(
  deps: ConnectedInstancesDeps,
  records: ConnectedRecords,
  settingsOf: FindConnectedSettings,
): ConnectedInstances['remember'] {
  const { redis, namespace, clock } = deps;
  const outbox = createOutbox(deps);
  const unseal = loadLuaScript(redis, new URL('./session-unseal-1.lua', import.meta.url));
  return async (login) => {
    const { tenantId, instanceId, sessionId } = login;
    const settings = await settingsOf(tenantId);
    const fresh = settings === null ? null : connectedInstance(login, settings.keepDays, clock.now());
    const kept = fresh !== null && keepsCredentials(settings) ? await takeOver(deps, login) : '';
    if (fresh !== null) {
      await records.change(tenantId, instanceId, (known, hasCredentials) => recordedLogin(fresh, kept, known, hasCredentials));
      await records.trim(tenantId, clock.now());
    }
    // Before the session's credentials are deleted: whoever repeats this after a crash comes here
    // only while they exist.
    if (kept !== '') await outbox.mark({ kind: 'checks', tenantId });
    await unseal([sessionKey(namespace, sessionId)], []);
    if (fresh !== null && (await settingsOf(tenantId)) === null) await records.removeAll(tenantId); // the tenant was deleted meanwhile
  };
}

/**
 * Seals the session's credentials for the record. Resolves to '' if there are none, or they do not
 * open.
 */
async function takeOver({ redis, namespace, keyring, log }: ConnectedInstancesDeps, login: Login): Promise<string> {
  const sealed = await redis.hget(sessionKey(namespace, login.sessionId), 'sealed');
  if (sealed === null) return '';
  try {
    return sealCredentials(keyring, connectedContext(login), openCredentials(keyring, login.sessionId, sealed));
  } catch (error) {
    log.warn({ sessionId: login.sessionId, ...errorFields(error) }, 'the instance of a connected session will not be checked');
    return ''; // the login must be reported even so
  }
}

/**
 * The change that a login makes to the known record. Null if it makes none. Credentials without a
 * known record belong to an unreadable one.
 */
function recordedLogin(
  fresh: ConnectedInstance,
  kept: string,
  known: ConnectedInstance | null,
  hasCredentials: boolean,
): RecordChange | null {
  const record = withLogin(known, fresh);
  const isCurrent = record.sessionId === fresh.sessionId && record.end === null;
  const isReplaced = known === null ? hasCredentials : known.sessionId !== record.sessionId;
  const sealed = isCurrent && kept !== '' && (isReplaced || !hasCredentials) ? kept : isReplaced && hasCredentials ? '-' : '';
  return record === known && sealed === '' ? null : { record, sealed };
}

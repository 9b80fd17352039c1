/** Connected instances in Redis: puts the parts together that remember, check and end them. */

import { type Login, periodEnd } from '@qrcast/core/connected-instance';
import type { Session } from '@qrcast/core/session';
import { connectedContext, openCredentials } from '../keyring/credentials-vault.ts';
import type { ConnectedInstances, ConnectedInstancesDeps } from './connected.ts';
import { createLossHandlers } from './connected-losses.ts';
import { type ConnectedRecords, createConnectedRecords } from './connected-records.ts';
import { createRemember } from './connected-remember.ts';
import { connectedSettingsIn } from './connected-settings.ts';

export function createConnectedInstances(deps: ConnectedInstancesDeps): ConnectedInstances {
  const settingsOf = connectedSettingsIn(deps);
  const records = createConnectedRecords(deps);
  return {
    ...createLossHandlers(deps, records, settingsOf),
    remember: createRemember(deps, records, settingsOf),
    find: records.find,

    async credentials(tenantId, instanceId) {
      const sealed = await records.readSealed(tenantId, instanceId);
      return sealed === null ? null : openCredentials(deps.keyring, connectedContext({ tenantId, instanceId }), sealed);
    },

    cutPeriods: (tenantId, keepDays) =>
      records.cutOnce(tenantId, keepDays, (instanceId) => cutPeriod(deps, records, tenantId, instanceId, keepDays)),

    forget: records.remove,
    dropCredentials: records.dropCredentials,
    forgetTenant: records.removeAll,
  };
}

async function cutPeriod(
  { clock }: ConnectedInstancesDeps,
  records: ConnectedRecords,
  tenantId: string,
  instanceId: string,
  keepDays: number,
): Promise<void> {
  if ((await records.find(tenantId, instanceId)) === 'unreadable') return;
  let isOver = false;
  await records.change(tenantId, instanceId, (record) => {
    const keepUntil = record === null ? 0 : Math.min(record.keepUntil, periodEnd(record, keepDays));
    isOver = clock.now() >= keepUntil;
    return record === null || isOver || keepUntil === record.keepUntil ? null : { record: { ...record, keepUntil }, sealed: '' };
  });
  if (isOver) await records.remove(tenantId, instanceId, 'period_over');
}

/** The login of a session that is `connected`. Null for any other session. */
export function loginOf({ tenantId, instanceId, id, reference, instanceKey, fence, state }: Session): Login | null {
  return state.kind === 'connected' ? { tenantId, instanceId, sessionId: id, reference, instanceKey, loginAt: fence } : null;
}

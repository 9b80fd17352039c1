/** Ends the record of a connected instance when its account is lost or logged out. */

import { disconnectedCallback, type Loss } from '@qrcast/core/callback';
import { judgeCheck } from '@qrcast/core/connected-check';
import { type ConnectedInstance, isLoss, isPeriodOver, judgeLoss } from '@qrcast/core/connected-instance';
import type { ConnectedInstances, ConnectedInstancesDeps } from './connected.ts';
import { connectedAudit } from './connected-audit.ts';
import type { ConnectedRecords, RecordChange } from './connected-records.ts';
import type { FindConnectedSettings } from './connected-settings.ts';

type LossHandlers = Pick<ConnectedInstances, 'said' | 'checked' | 'duringLogout'>;

interface Ended extends RecordChange {
  readonly kind: 'lost' | 'logged_out';
  readonly loss: Loss;
}
interface Checked extends RecordChange {
  readonly kind: 'refused' | 'kept';
}

// One closure: its three methods all change the record, each by a rule of core.
export function createLossHandlers(
  deps: ConnectedInstancesDeps,
  records: ConnectedRecords,
  settingsOf: FindConnectedSettings,
): LossHandlers {
  const { clock } = deps;
  return {
    async said(tenantId, instanceId, said) {
      const { state } = said;
      if (!isLoss(state)) return false;
      const keepDays = (await settingsOf(tenantId))?.keepDays ?? 0;
      const loss: Loss = { ...said, state };
      const change = await records.change(tenantId, instanceId, (record) => {
        if (record === null || isPeriodOver(record, keepDays, clock.now())) return null;
        const verdict = judgeLoss(record, said, clock.now());
        return verdict === 'nothing' ? null : ended(record, verdict, loss, clock.now());
      });
      const isLost = change?.kind === 'lost';
      if (isLost) noteLoss(deps, change);
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
            return ended(record, verdict.kind, { state: verdict.state, at: clock.now(), by: 'check' }, clock.now());
        }
      });
      if (change?.kind === 'lost') noteLoss(deps, change);
      return change?.kind ?? 'kept';
    },

    async duringLogout({ tenantId, instanceId }, request) {
      // Recorded before the request, because the notification may come before the answer, and the
      // answer may be lost.
      await records.change(tenantId, instanceId, (record) =>
        record === null || record.end !== null ? null : { record: { ...record, ownLogoutAt: clock.now() }, sealed: '' },
      );
      const outcome = await request();
      if (outcome.kind === 'loggedOut') await records.change(tenantId, instanceId, loggedOut);
      return outcome;
    },
  };
}

function ended(record: ConnectedInstance, kind: 'lost' | 'logged_out', loss: Loss, now: number): Ended {
  const change = { kind, loss, record: { ...record, end: kind }, sealed: '-', why: kind === 'lost' ? loss.state : 'logged_out' } as const;
  return kind === 'lost' ? { ...change, callback: disconnectedCallback(record, loss, now) } : change;
}

/**
 * The change that an answered logout of ours makes. Null if the record has ended, or a newer login
 * replaced it.
 */
function loggedOut(record: ConnectedInstance | null): RecordChange | null {
  if (record === null || record.end !== null || record.ownLogoutAt === null) return null;
  return { record: { ...record, end: 'logged_out' }, sealed: '-', why: 'logged_out' };
}

/** Logs a loss. Its callback was written with the change. */
function noteLoss({ log, audit }: ConnectedInstancesDeps, { record, loss }: Ended): void {
  log.info({ tenantId: record.tenantId, instanceId: record.instanceId, state: loss.state, by: loss.by }, 'a connected account was lost');
  audit?.record(connectedAudit('instance.disconnected', record, loss.state));
}

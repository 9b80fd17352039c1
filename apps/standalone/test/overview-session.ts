/** For tests: a session as an overview tells it. */

import type { OverviewSession } from '../src/top/overview.ts';

export function overviewSession(id: string, fields: Partial<OverviewSession> = {}): OverviewSession {
  return {
    id,
    tenantId: 'acme',
    instanceId: '1101000001',
    reference: null,
    state: 'showing',
    notice: null,
    end: null,
    viewers: 1,
    version: 3,
    startedAt: 0,
    deadlineAt: 180_000,
    expiresAt: 3_600_000,
    ...fields,
  };
}

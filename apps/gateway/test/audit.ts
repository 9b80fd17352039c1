/** For tests of the audit log: two gateways of one installation, and what their log tells. */

import type { AuditEntry } from '@qrcast/core/audit';
import { expect } from 'vitest';
import { ADMIN_KEY, openTestGateway, type TestGateway } from './gateway.ts';

export interface Read {
  readonly entries: readonly AuditEntry[];
  readonly nextCursor: string | null;
}

export interface TestAudit {
  readonly test: TestGateway;
  /** Another gateway of the same installation. */
  readonly second: TestGateway;
  /** Entries of the tenant, newest first. */
  audit(query?: string, secret?: string, path?: string): Promise<Read>;
  /** Resolves once there are that many entries: the answer does not wait for them. */
  untilEntries(count: number, query?: string): Promise<readonly AuditEntry[]>;
  /** Resolves once the operator sees that many entries of the action, of all tenants. */
  untilAll(action: string, count?: number): Promise<void>;
  close(): Promise<void>;
}

export async function openTestAudit(): Promise<TestAudit> {
  const test = await openTestGateway();
  const second = await openTestGateway({ namespace: test.namespace });

  async function audit(query = '', secret = test.tenant.apiKey, path = '/v1/audit'): Promise<Read> {
    const { status, text } = await test.call('GET', `${path}?${query}`, { secret });
    expect(status, text).toBe(200);
    return JSON.parse(text) as Read;
  }

  return {
    test,
    second,
    audit,
    async untilEntries(count, query = '') {
      for (;;) {
        const { entries } = await audit(`limit=200&${query}`);
        // `openTestGateway` did this.
        const later = entries.filter(({ action }) => action !== 'tenant.created');
        if (later.length >= count) return later;
      }
    },
    async untilAll(action, count = 1) {
      while ((await audit(`action=${action}`, ADMIN_KEY, '/v1/admin/audit')).entries.length < count);
    },
    async close() {
      await second.close();
      await test.close();
    },
  };
}

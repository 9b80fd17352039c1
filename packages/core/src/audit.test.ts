import { describe, expect, test } from 'vitest';
import { listAllAuditSchema, listAuditSchema } from './audit.ts';

describe('the query of the audit log', () => {
  test('asks for the newest fifty entries by default', () => {
    expect(listAuditSchema.parse({})).toEqual({ limit: 50 });
  });

  test.each([
    { limit: '1' },
    { limit: '200' },
    { from: '0' },
    { to: '9999999999999' },
    { sessionId: 's' },
    { sessionId: 's'.repeat(64) },
    { action: 'token.deleted' },
    { cursor: '1790000000000-0' },
    { cursor: `${'9'.repeat(15)}-${'9'.repeat(15)}` },
  ])('accepts %j', (query) => {
    expect(listAuditSchema.safeParse(query).success).toBe(true);
  });

  test.each([
    { limit: '0' },
    { limit: '201' },
    { limit: '1.5' },
    { from: '-1' },
    { from: '1.5' },
    { to: '10000000000000' },
    { sessionId: '' },
    { sessionId: 's'.repeat(65) },
    { action: 'session.forgotten' },
    { cursor: '1790000000000' },
    { cursor: '-0' },
    { cursor: '1790000000000-' },
    { cursor: '1790000000000-0 ' },
    { cursor: ' 1790000000000-0' },
    { cursor: `${'9'.repeat(16)}-0` },
    { cursor: `0-${'9'.repeat(16)}` },
    { tenantId: 'acme' },
  ])('refuses %j', (query) => {
    expect(listAuditSchema.safeParse(query).success).toBe(false);
  });

  test('names a tenant if the operator asks', () => {
    expect(listAllAuditSchema.parse({ tenantId: 'acme', limit: '3' })).toEqual({ tenantId: 'acme', limit: 3 });
    for (const tenantId of ['', 'a'.repeat(65)]) expect(listAllAuditSchema.safeParse({ tenantId }).success).toBe(false);
    expect(listAllAuditSchema.safeParse({ tenantId: 'a'.repeat(64) }).success).toBe(true);
  });
});

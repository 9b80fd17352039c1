import { describe, expect, it } from 'vitest';
import { keysText, type ShownTenant, secretsText, tenantsText } from './tenants-text.ts';

const tenant = (change: Partial<ShownTenant> = {}): ShownTenant => ({
  id: 'acme',
  name: 'Acme',
  suspended: false,
  limits: {},
  keys: [{ id: 'key_1', createdAt: 0, lastUsedAt: null }],
  ...change,
});

describe('the list of tenants', () => {
  it('is a table', () => {
    const other = tenant({ id: 'other-tenant', name: 'Other\nLtd', suspended: true, limits: { sessions: 5, viewers: 9 }, keys: [] });
    expect(tenantsText([tenant(), other]).split('\n')).toEqual([
      'ID            NAME       STATE      KEYS  LIMITS OF ITS OWN',
      'acme          Acme       active     1     -',
      'other-tenant  Other Ltd  suspended  0     sessions 5, viewers 9',
    ]);
  });

  it('counts limits that would make a line too long', () => {
    expect(tenantsText([tenant({ limits: { a: 1, b: 2, c: 3, d: 4 } })])).toMatch(/ 4 limits$/);
  });

  it('says what to do if there is none', () => {
    expect(tenantsText([])).toContain('qrcast tenants add <id>');
  });
});

describe('the list of keys', () => {
  it('tells when each was made and last used', () => {
    const keys = [
      { id: 'key_1', createdAt: 0, lastUsedAt: null },
      { id: 'key_2', createdAt: 0, lastUsedAt: 86_400_000 },
    ];
    expect(keysText(tenant({ keys })).split('\n')).toEqual([
      'KEY    CREATED                   LAST USED',
      'key_1  1970-01-01T00:00:00.000Z  never',
      'key_2  1970-01-01T00:00:00.000Z  1970-01-02T00:00:00.000Z',
    ]);
  });

  it('says what to do if there is none', () => {
    expect(keysText(tenant({ keys: [] }))).toContain('qrcast tenants keys add acme');
  });
});

it('shows secrets below each other', () => {
  const text = secretsText('There is a key.', [
    ['API key', 'qk_1'],
    ['webhook token', 'wt_1'],
  ]);
  expect(text).toBe('There is a key. Keep what follows: it is shown only now.\n  API key        qk_1\n  webhook token  wt_1');
});

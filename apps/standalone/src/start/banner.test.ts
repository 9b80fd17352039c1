import { expect, it } from 'vitest';
import { type BannerFacts, banner } from './banner.ts';

const FACTS: BannerFacts = {
  url: 'http://127.0.0.1:3000',
  pageUrl: 'http://127.0.0.1:3000/connect#ticket',
  apiKey: 'qk_of-the-tenant',
  console: { adminKey: { made: 'ak_of-this-run' } },
  instanceId: '1101000001',
  simulator: null,
  redisAdvice: null,
};

it('names the console and its keys apart, so that no link holds a key', () => {
  const text = banner(FACTS);
  expect(text).toContain('  Console      (what goes on; it asks for a key: the admin key for all tenants, or the API key)\n');
  expect(text).toContain('    http://127.0.0.1:3000/console\n');
  expect(text).toContain('  Admin key    ak_of-this-run\n  API key      qk_of-the-tenant\n');
  expect(text).not.toMatch(/console[#?]/);
});

it('repeats no admin key that the operator has set', () => {
  const text = banner({ ...FACTS, console: { adminKey: 'given' } });
  expect(text).toContain('it asks for a key: your QRCAST_ADMIN_KEY for all tenants, or the API key)');
  expect(text).not.toContain('Admin key');
  expect(banner({ ...FACTS, console: { adminKey: 'none' } })).toContain('it asks for a key: the API key)');
});

it('says nothing of a console that is off', () => {
  expect(banner({ ...FACTS, console: null })).not.toMatch(/console|admin/i);
});

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAllowedLicence } from './allowed.ts';
import { createList, LIST_FILE } from './list.ts';
import { packagesOf, productionFolders } from './packages.ts';

const TOP = fileURLToPath(new URL('../../..', import.meta.url));

describe('what runs in production', () => {
  const all = packagesOf(TOP, productionFolders(TOP));

  it('is only under licences that the product may include', () => {
    const refused = all.filter(({ licence }) => !isAllowedLicence(licence));
    expect(refused.map(({ name, version, licence }) => `${name}@${version}: ${licence}`)).toEqual([]);
  });

  it('includes what each role depends on, and no tool', () => {
    const names = new Set(all.map(({ name }) => name));
    for (const name of ['node', 'fastify', 'socket.io', 'ioredis', 'bullmq', 'undici', 'lit', 'zxing-wasm', 'avvio'])
      expect(names).toContain(name);
    for (const name of ['vitest', 'vite', 'playwright-core', 'express', 'react']) expect(names).not.toContain(name);
  });

  it('is listed completely', () => {
    const list = createList(all, packagesOf(TOP, ['apps/web']));
    expect(readFileSync(join(TOP, LIST_FILE), 'utf8'), 'run npx -y pnpm@12 --filter @qrcast/licences write').toBe(list);
    for (const name of ['lit', 'lit-html', 'lit-element', '@lit/reactive-element', 'qr']) expect(list).toContain(`\n### ${name} `);
  });
});

it.each([
  ['MIT', true],
  ['(MIT OR GPL-3.0-only)', true],
  ['MIT AND Apache-2.0', true],
  ['MIT AND GPL-3.0-only', false],
  ['GPL-3.0-only', false],
  ['AGPL-3.0-or-later', false],
  ['SEE LICENSE IN terms.txt', false],
  ['(MIT OR GPL-3.0-only) AND (GPL-3.0-only)', false],
  ['UNLICENSED', false],
  ['', false],
  [null, false],
])('%s is allowed: %s', (licence, isAllowed) => {
  expect(isAllowedLicence(licence)).toBe(isAllowed);
});

describe('a package', () => {
  let top: string;
  beforeEach(() => {
    top = mkdtempSync(join(tmpdir(), 'qrcast-licences-'));
  });
  afterEach(() => rmSync(top, { recursive: true, force: true }));
  function write(folder: string, manifest: object): void {
    const file = join(top, folder, 'package.json');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify({ version: '1.0.0', ...manifest }));
  }

  it('that another one needs is found, whatever its licence, unless it is for another system', () => {
    write('.', { name: 'ours', dependencies: { near: '*' } });
    write('node_modules/near', {
      name: 'near',
      license: 'MIT',
      dependencies: { far: '*' },
      optionalDependencies: { mac: '*', absent: '*' },
    });
    write('node_modules/near/node_modules/far', { name: 'far', license: 'GPL-3.0-only' });
    write('node_modules/mac', { name: 'mac', license: 'MIT', os: ['darwin'] });
    write('node_modules/unused', { name: 'unused', license: 'MIT' });
    expect(packagesOf(top, ['.']).map(({ name, licence }) => [name, licence])).toEqual([
      ['far', 'GPL-3.0-only'],
      ['near', 'MIT'],
    ]);
  });

  it('may name its licence in the old form', () => {
    write('.', { name: 'ours', dependencies: { near: '*' } });
    write('node_modules/near', { name: 'near', licenses: [{ type: 'MIT', url: 'http://example.com' }] });
    expect(packagesOf(top, ['.'])[0]?.licence).toBe('MIT');
  });

  it('that names no licence has none', () => {
    write('.', { name: 'ours', dependencies: { near: '*' } });
    write('node_modules/near', { name: 'near' });
    expect(packagesOf(top, ['.'])[0]?.licence).toBeNull();
  });

  it('that is not installed is reported', () => {
    write('.', { name: 'ours', dependencies: { near: '*' } });
    expect(() => packagesOf(top, ['.'])).toThrow('near, which ours needs, is not installed');
  });
});

import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openHome } from './home.ts';

let parent: string;
let folder: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'qrcast-home-'));
  folder = join(parent, '.qrcast');
});
afterEach(() => rm(parent, { recursive: true, force: true }));
const modeOf = async (...path: string[]): Promise<number> => (await stat(join(folder, ...path))).mode & 0o777;

it('is accessible to nobody else, and keeps its keys', async () => {
  const first = openHome(folder);
  first.close();
  expect([await modeOf(), await modeOf('redis'), await modeOf('keys.json')]).toEqual([0o700, 0o700, 0o600]);
  const { secretKeys, wereOpen, close } = openHome(folder);
  close();
  expect([secretKeys, wereOpen]).toEqual([first.secretKeys, []]);
});

it('is closed to others again if somebody opened it, and reports that', async () => {
  openHome(folder).close();
  await chmod(folder, 0o755);
  await chmod(join(folder, 'keys.json'), 0o644);
  const { wereOpen, close } = openHome(folder);
  close();
  expect(wereOpen).toEqual([folder, join(folder, 'keys.json')]);
  expect([await modeOf(), await modeOf('keys.json')]).toEqual([0o700, 0o600]);
});

it.runIf(process.getuid?.() === 0)('is refused if it belongs to another user', async () => {
  openHome(folder).close();
  const { chown } = await import('node:fs/promises');
  await chown(join(folder, 'keys.json'), 12_345, 12_345);
  expect(() => openHome(folder)).toThrow('belongs to another user');
});

it('gives its keys even if an editor put a byte-order mark before them', async () => {
  const { secretKeys, close } = openHome(folder);
  close();
  const file = join(folder, 'keys.json');
  await writeFile(file, `\uFEFF${await readFile(file, 'utf8')}`);
  const again = openHome(folder);
  again.close();
  expect(again.secretKeys).toBe(secretKeys);
});

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { readConfig } from './config.ts';
import { describeMachine } from './machine.ts';
import { keepRun, openProfileFolder, readRuns } from './results-folder.ts';

async function openFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-results-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** Its load changes from moment to moment. */
const machine = describeMachine();

function runWith(ours: number) {
  const row = { what: 'CPU', unit: 'µs', ours: [ours], others: [[1]] };
  return {
    bench: 'relay',
    at: '2026-12-02T00:00:00.000Z',
    machine,
    config: readConfig({}),
    result: { title: 'relay', rows: [row], targets: [], notes: [] },
  } as const;
}

it('keeps the last run of a benchmark and the one before, and reads the last', async () => {
  const folder = await openFolder();
  for (const ours of [1, 2, 3]) await keepRun(folder, runWith(ours));
  expect((await readdir(folder)).sort()).toEqual(['relay.before.json', 'relay.before.svg', 'relay.json', 'relay.svg']);
  expect(await readRuns(folder)).toEqual([runWith(3)]);
});

it('keeps no name of a folder of this machine', async () => {
  const folder = await openFolder();
  const run = runWith(1);
  await keepRun(folder, { ...run, config: { ...run.config, results: folder, profileFolder: join(folder, 'profiles') } });
  expect(JSON.stringify(await readRuns(folder))).not.toContain(folder);
});

it('has no runs where there is no folder', async () => {
  expect(await readRuns(join(await openFolder(), 'none'))).toEqual([]);
});

it('keeps the profiles of the run before beside the new folder', async () => {
  const folder = await openFolder();
  await openProfileFolder(folder, 'relay');
  expect(await openProfileFolder(folder, 'relay')).toBe(join(folder, 'relay.profiles'));
  expect((await readdir(folder)).sort()).toEqual(['relay.profiles', 'relay.profiles.before']);
});

it('names the version of each library', () => {
  expect(Object.values(describeMachine().libraries)).toEqual(Array.from({ length: 5 }, () => expect.stringMatching(/^\d+\.\d+/)));
});

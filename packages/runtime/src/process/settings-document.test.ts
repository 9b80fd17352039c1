import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { envTemplate, settingsPage } from './settings-document.ts';
import { SETTING_SECTIONS, SETTINGS, type SettingName } from './settings-table.ts';

const NAMES = Object.keys(SETTINGS) as SettingName[]; // the table's own

const read = (name: string): string => readFileSync(new URL(`../../../../${name}`, import.meta.url), 'utf8');

describe('.env.template', () => {
  it('is what `npx -y pnpm@12 --filter @qrcast/runtime settings` writes', () => {
    expect(read('.env.template')).toBe(envTemplate());
  });

  it('has a commented line for every setting, and no line over 100 characters except values', () => {
    const lines = envTemplate().split('\n');
    for (const name of [...NAMES, 'SIMULATOR_PORT']) expect(lines.filter((line) => line.startsWith(`#${name}=`))).toHaveLength(1);
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
    expect(lines.filter((line) => line.length > 100 && !/^#[A-Z_]+=/.test(line))).toEqual([]);
  });
});

describe('the table of settings', () => {
  it('shows every setting exactly once', () => {
    const shown = SETTING_SECTIONS.flatMap(({ settings }) => Object.keys(settings));
    expect(shown.toSorted()).toEqual([...NAMES, 'SIMULATOR_PORT'].toSorted());
  });

  it.each(NAMES)('shows the default of %s that is used', (name) => {
    const setting: { default: string | null; schema: { parse: (text: string | undefined) => unknown } } = SETTINGS[name];
    const value = setting.schema.parse(undefined);
    if (value !== undefined && setting.default !== null) expect(setting.schema.parse(setting.default)).toEqual(value);
    else expect(value ?? []).toEqual([]);
  });
});

describe('SETTINGS.md', () => {
  it('is what the same command writes', () => {
    expect(read('SETTINGS.md')).toBe(settingsPage());
  });

  it('has one heading for each setting, and no line over 100 characters without code in it', () => {
    const lines = settingsPage().split('\n');
    expect(lines.filter((line) => line.startsWith('### '))).toHaveLength(NAMES.length + 1);
    expect(lines.filter((line) => line.length > 100 && !line.includes('`'))).toEqual([]);
  });
});

describe('OPERATING.md', () => {
  it('has every setting in its table, and no other name', () => {
    const [, chapter = ''] = read('OPERATING.md').split('\n## Settings\n');
    const [head = ''] = chapter.split('\n## ');
    const rows = head.split('\n').filter((line) => line.startsWith('|'));
    const named = rows.flatMap((row) => [...(row.split('|')[2] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name));
    expect(named.toSorted()).toEqual([...NAMES, 'SIMULATOR_PORT'].toSorted());
  });
});

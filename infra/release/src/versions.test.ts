import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { notesOf } from './changelog.ts';
import { otherVersions, versionOf } from './versions.ts';

const TOP = fileURLToPath(new URL('../../../', import.meta.url));

it('every place names the version of package.json', () => {
  expect(versionOf(TOP)).toMatch(/^\d+\.\d+\.\d+(-rc\.\d+)?$/);
  expect(otherVersions(TOP)).toEqual([]);
});

describe('the notes of a version', () => {
  const changelog = '# Changelog\n\n## 1.0.0 (2026-12-24)\n\nB\n\n### C\n\nD\n\n## 1.0.0-rc.1\n\nA\n';

  it.each([
    ['1.0.0', 'B\n\n### C\n\nD\n'],
    ['1.0.0-rc.1', 'A\n'],
  ])('are what stands below its heading: %s', (version, notes) => {
    expect(notesOf(changelog, version)).toBe(notes);
  });

  it('are null without one', () => {
    expect(notesOf(changelog, '1.0')).toBeNull();
  });
});

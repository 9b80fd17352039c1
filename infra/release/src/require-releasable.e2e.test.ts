import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { requireReleasable } from './require-releasable.ts';

const VERSION = '1.0.0-rc.1';

describe('a tree', () => {
  /** A small repository, with one commit that is ready for a release. */
  function openTree(): { readonly top: string; git(...args: string[]): void; write(file: string, text: string): void } {
    const top = mkdtempSync(join(tmpdir(), 'qrcast-release-'));
    onTestFinished(() => rmSync(top, { recursive: true }));
    const who = ['-c', 'user.name=test', '-c', 'user.email=test@example.org'];
    const git = (...args: string[]): void => void execFileSync('git', [...who, ...args], { cwd: top });
    const write = (file: string, text: string): void => {
      mkdirSync(join(top, file, '..'), { recursive: true });
      writeFileSync(join(top, file), text);
    };
    write('package.json', `{"version": "${VERSION}"}`);
    write('packages/client/package.json', `{"version": "${VERSION}", "devDependencies": {"@qrcast/core": "${VERSION}"}}`);
    for (const file of ['infra/compose/compose.yaml', 'infra/image/README.md']) write(file, `image: localhost/qrcast:${VERSION}\n`);
    write('CHANGELOG.md', `# Changelog\n\n## ${VERSION}\n\nAll of it.\n`);
    git('init', '--quiet');
    git('add', '.');
    git('commit', '--quiet', '--message', 'one');
    return { top, git, write };
  }

  it('that is ready is not refused', () => {
    expect(() => requireReleasable(openTree().top)).not.toThrow();
  });

  it('with changes is refused, and they are named', () => {
    const { top, write } = openTree();
    write('stray.txt', '');
    expect(() => requireReleasable(top)).toThrow(/expected a tree without changes.*\n\?\? stray\.txt/);
  });

  it('whose version is tagged is refused', () => {
    const { top, git } = openTree();
    git('tag', `v${VERSION}`);
    expect(() => requireReleasable(top)).toThrow(`the tag v${VERSION} exists`);
  });

  it('whose changelog lacks the version is refused, with all other refusals', () => {
    const { top, write } = openTree();
    write('CHANGELOG.md', '# Changelog\n\n## Unreleased\n');
    write('apps/one/package.json', '{"version": "1.0.0"}');
    expect(() => requireReleasable(top)).toThrow(
      /without changes(.|\n)*heading "## 1\.0\.0-rc\.1"(.|\n)*apps\/one\/package\.json: 1\.0\.0$/,
    );
  });
});

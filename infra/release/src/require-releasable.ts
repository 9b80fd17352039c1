/** Refuses to make a release of what is not ready for one. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { notesOf } from './changelog.ts';
import { run } from './run.ts';
import { otherVersions, versionOf } from './versions.ts';

/** @throws {Error} that says in words all that is missing */
export function requireReleasable(top: string): void {
  const version = versionOf(top);
  const git = (...args: string[]): string => String(run('git', args, { cwd: top })).trim();
  const refusals = refusalsOf({
    version,
    changes: git('status', '--porcelain'),
    isTagged: git('tag', '--list', `v${version}`) !== '',
    hasNotes: notesOf(readFileSync(join(top, 'CHANGELOG.md'), 'utf8'), version) !== null,
    others: otherVersions(top),
  });
  if (refusals.length > 0) throw new Error(refusals.join('\n'));
}

interface Readiness {
  readonly version: string;
  /** What `git status --porcelain` says. */
  readonly changes: string;
  readonly isTagged: boolean;
  readonly hasNotes: boolean;
  /** As `otherVersions` returns them. */
  readonly others: readonly string[];
}

function refusalsOf({ version, changes, isTagged, hasNotes, others }: Readiness): readonly string[] {
  return [
    ...(changes === '' ? [] : [`expected a tree without changes, but git lists some: commit or remove them\n${changes}`]),
    ...(isTagged ? [`expected a new version, but the tag v${version} exists: choose the next one, as CONTRIBUTING.md says`] : []),
    ...(hasNotes
      ? []
      : [`expected a heading "## ${version}" in CHANGELOG.md, but there is none: rename "Unreleased", and say what changed`]),
    ...(others.length === 0
      ? []
      : [`expected version ${version} everywhere, as in package.json, but there are others:\n${others.join('\n')}`]),
  ];
}

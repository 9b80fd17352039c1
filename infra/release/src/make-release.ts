/**
 * Makes all files of a release from the last commit. Two runs make the same bytes. Nothing is
 * published.
 */

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chartPackage, imageContext } from './archives.ts';
import { notesOf } from './changelog.ts';
import { packClient, packSimulator } from './packages.ts';
import { run } from './run.ts';
import { makeSbom } from './sbom.ts';
import { versionOf } from './versions.ts';

export const CHECKSUMS = 'SHA256SUMS';

/** @param out is emptied first. @returns the names of the files */
export function makeRelease(top: string, out: string): readonly string[] {
  const version = versionOf(top);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const write = (name: string, content: string | Buffer): void => writeFileSync(join(out, name), content);
  write(`qrcast-image-context-${version}.tgz`, imageContext(top));
  const chart = chartPackage(top);
  if (chart !== null) write(`qrcast-${version}.tgz`, chart);
  packClient(top, out);
  packSimulator(top, out);
  write(`qrcast-${version}.cdx.json`, makeSbom(top, committedAt(top)));
  write('RELEASE-NOTES.md', notesOf(readFileSync(join(top, 'CHANGELOG.md'), 'utf8'), version) ?? '');
  write(CHECKSUMS, checksumsOf(out));
  return readdirSync(out).sort();
}

/** `SOURCE_DATE_EPOCH`, which build systems set, or else when the last commit was made. ISO 8601. */
function committedAt(top: string): string {
  const epoch = process.env['SOURCE_DATE_EPOCH'] ?? String(run('git', ['log', '-1', '--format=%ct'], { cwd: top })).trim();
  return new Date(Number(epoch) * 1_000).toISOString();
}

/** As `sha256sum --check` reads it. */
function checksumsOf(folder: string): string {
  const lines = readdirSync(folder)
    .sort()
    .map(
      (name) =>
        `${createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex')}  ${name}\n`,
    );
  return lines.join('');
}

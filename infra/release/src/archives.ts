/**
 * Archives of the last commit. git takes all times from the commit, and gzip gets none, so that the
 * same commit makes the same bytes.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gzipSync } from 'node:zlib';
import { run } from './run.ts';

const CHART = 'infra/chart/qrcast';

/** From which the image is built: what `.dockerignore` lets in, so that every builder gets the same. */
export function imageContext(top: string): Buffer {
  return compress(
    run('git', ['archive', '--format=tar', 'HEAD', '--', ...pathspecsOf(readFileSync(join(top, '.dockerignore'), 'utf8'))], { cwd: top }),
  );
}

/** As `helm package` makes it: the chart's folder below its name. Null without a chart. */
export function chartPackage(top: string): Buffer | null {
  if (!existsSync(join(top, CHART, 'Chart.yaml'))) return null;
  // In that folder git archives only what is below it.
  return compress(run('git', ['archive', '--format=tar', '--prefix=qrcast/', 'HEAD'], { cwd: join(top, CHART) }));
}

const compress = (tar: Buffer): Buffer => gzipSync(tar, { level: constants.Z_BEST_COMPRESSION });

/**
 * The pathspecs of git for a `.dockerignore` that excludes all, then names what is let in, and then
 * what of that is left out.
 * @throws {Error} if it does not begin with `*`
 */
export function pathspecsOf(dockerignore: string): readonly string[] {
  const [first, ...lines] = dockerignore.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  if (first !== '*') throw new Error('expected .dockerignore to begin with *, so that it names what an image is built from');
  return lines.flatMap((line) =>
    line.startsWith('!') ? [`:(top)${line.slice(1)}`] : [`:(top,exclude,glob)${line}`, `:(top,exclude,glob)${line}/**`],
  );
}

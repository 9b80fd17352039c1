/** The list of what is in the image (CycloneDX), without what differs from one run to the next. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.ts';

/** @param at when the release was made: the time of its commit, ISO 8601 */
export function makeSbom(top: string, at: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'qrcast-sbom-'));
  try {
    const file = join(folder, 'sbom.json');
    run(process.execPath, [join(top, 'infra/image/src/sbom.ts'), file], { cwd: top });
    return withoutChance(readFileSync(file, 'utf8'), at);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** CycloneDX does not want a serial number, which would be a random one. */
export function withoutChance(sbom: string, at: string): string {
  const { serialNumber: _random, metadata, ...rest } = JSON.parse(sbom) as { serialNumber?: string; metadata: object }; // pnpm wrote it
  const { bomFormat, specVersion, ...others } = rest as Record<string, unknown>;
  return `${JSON.stringify({ bomFormat, specVersion, ...others, metadata: { ...metadata, timestamp: at } }, null, 2)}\n`;
}

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

interface Sbom {
  readonly serialNumber?: string;
  readonly metadata: object;
  readonly components: readonly { readonly 'bom-ref': string }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

/** pnpm lists packages in another order each time. A serial number would be a random one, and CycloneDX does without. */
function withoutChance(sbom: string, at: string): string {
  const { serialNumber: _random, metadata, components, dependencies, ...rest } = JSON.parse(sbom) as Sbom; // pnpm wrote it
  const ordered = {
    ...rest,
    metadata: { ...metadata, timestamp: at },
    components: components.toSorted((a, b) => compare(a['bom-ref'], b['bom-ref'])),
    dependencies: dependencies
      .map((one) => ({ ...one, ...(one.dependsOn === undefined ? {} : { dependsOn: one.dependsOn.toSorted(compare) }) }))
      .sort((a, b) => compare(a.ref, b.ref)),
  };
  return `${JSON.stringify(ordered, null, 2)}\n`;
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

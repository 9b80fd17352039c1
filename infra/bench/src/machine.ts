/** On what a result was measured. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { dirname, join } from 'node:path';

const LIBRARIES = ['ws', 'socket.io', 'ioredis', 'bullmq', 'undici'] as const;

export interface Machine {
  readonly node: string;
  readonly system: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGb: number;
  /** Of the last minute, before the run. */
  readonly load: number;
  /** The versions of the libraries. */
  readonly libraries: Readonly<Record<string, string>>;
}

export function describeMachine(): Machine {
  return {
    node: process.version,
    system: `${type()} ${release().split('-', 1)[0]}`, // what follows names the builder
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1e9),
    load: loadavg()[0] ?? 0,
    libraries: Object.fromEntries(LIBRARIES.map((name) => [name, versionOf(name)])),
  };
}

export function renderMachine({ node, system, processor, cores, memoryGb, load, libraries }: Machine): string {
  const versions = Object.entries(libraries).map(([name, version]) => `${name} ${version}`);
  return [
    `Node ${node}, ${system}, ${cores} cores (${processor}), ${memoryGb} GB, load average ${load.toFixed(1)} before the run`,
    versions.join(', '),
    '',
  ].join('\n');
}

/** bullmq is a dependency of the runtime, and undici of the worker, so they are looked up from there. */
function versionOf(name: string): string {
  const from = { bullmq: '@qrcast/runtime/node', undici: '@qrcast/worker/worker' }[name];
  const require = createRequire(from === undefined ? import.meta.url : import.meta.resolve(from));
  for (let folder = dirname(require.resolve(name)); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = manifestIn(folder);
    if (manifest?.name === name) return manifest.version ?? 'unknown';
  }
  return 'unknown';
}

function manifestIn(folder: string): { readonly name?: string; readonly version?: string } | null {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: string; version?: string };
  } catch {
    return null; // not every folder of a package has one
  }
}

/**
 * For tests of traces: gateways and workers in processes of their own, with the SDK of OpenTelemetry
 * loaded as OPERATING.md tells an operator to load it.
 */

import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Releasers } from '@qrcast/runtime/releasers';
import type { Cluster } from './cluster.ts';
import { readShown } from './documented-commands.ts';
import { environmentOf } from './role-environment.ts';
import { type Environment, type Program, spawnNode } from './role-process.ts';

/** How they are traced. */
export interface Tracing {
  /** Arguments of Node. */
  readonly args: readonly string[];
  readonly env: Environment;
}

export const UNTRACED: Tracing = { args: [], env: {} };

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));

/** `otel.mjs` in a folder of the operator's, which has the SDK, and the variables. */
export async function openTracing(collectorUrl: string, releasers: Releasers): Promise<Tracing> {
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-otel-'));
  releasers.push('folder', () => rm(folder, { recursive: true, force: true }));
  await symlink(join(PACKAGE, 'node_modules'), join(folder, 'node_modules'));
  const file = join(folder, 'otel.mjs');
  await writeFile(file, shownBlock('import { NodeSDK }'));
  return {
    args: [`--import=${file}`],
    env: {
      ...variablesIn(shownBlock('export OTEL_SERVICE_NAME=')),
      OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_TRACES_SAMPLER_ARG: '1',
      OTEL_BSP_SCHEDULE_DELAY: '600000', // so that all comes from the end of the process, or from a full batch
    },
  };
}

function shownBlock(begins: string): string {
  const block = readShown().find(({ text }) => text.startsWith(begins));
  if (block === undefined) throw new Error(`OPERATING.md has no block any more that begins with ${begins}`);
  return block.text;
}

const variablesIn = (exports: string): Environment =>
  Object.fromEntries([...exports.matchAll(/([A-Z_]+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]));

const MARKS = { gateway: /"port":(\d+)[^\n]*gateway listens/, worker: /"port":(\d+)[^\n]*worker is up/ } as const;

/** Resolves once it is up, with its address. */
export async function startTraced(
  role: keyof typeof MARKS,
  name: string,
  { worker, adminKey }: Cluster,
  { args, env }: Tracing,
  more: Environment,
): Promise<Program & { readonly url: string }> {
  const main = fileURLToPath(import.meta.resolve(role === 'gateway' ? '@qrcast/gateway/main' : '@qrcast/worker/main'));
  const program = spawnNode([...args, main], {
    ...environmentOf(worker),
    ...(role === 'gateway' ? { QRCAST_ADMIN_KEY: adminKey } : {}),
    ...env,
    OTEL_SERVICE_NAME: name,
    ...more,
  });
  const [, port] = await program.until(MARKS[role]);
  return { ...program, url: `http://127.0.0.1:${port}` };
}

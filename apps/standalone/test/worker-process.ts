/** For tests: runs a worker of the cluster in a process of its own, which a test can kill. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { BASE_ENVIRONMENT } from './base-environment.ts';
import type { Cluster } from './cluster.ts';
import { environmentOf } from './role-environment.ts';

export const WORKER_MAIN = fileURLToPath(import.meta.resolve('@qrcast/worker/main'));

export interface WorkerProcess {
  readonly child: ChildProcess;
  /** Sends SIGKILL. Resolves once nothing of it runs any more. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** Resolves once it works. */
export async function spawnWorker({ worker }: Cluster, env: Readonly<Record<string, string>> = {}): Promise<WorkerProcess> {
  const child = spawn(process.execPath, [WORKER_MAIN], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...BASE_ENVIRONMENT, ...environmentOf(worker), ...env },
  });
  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }
  for await (const line of child.stdout) if (String(line).includes('worker is up')) break;
  return { child, kill: () => end('SIGKILL'), close: () => end('SIGTERM') };
}

/**
 * For tests of deploys: gateways and workers, which are replaced one by one, as an orchestrator does
 * it.
 */

import type { Program } from './role-process.ts';
import { type RoleStarter, type RollingStage, type RunningGateway, stopped } from './rolling-stage.ts';

export type Role = 'gateway' | 'worker';

export interface Fleet {
  /** Those that run now, the oldest first. */
  readonly gateways: readonly RunningGateway[];
  /**
   * Starts one, and tells the oldest one of the same role to stop. Resolves to the exit status of that
   * one.
   * @param whileStopping runs when it has begun to stop
   */
  replace(role: Role, starter: RoleStarter, whileStopping: () => Promise<void>): Promise<number | null>;
  /** What all processes from a tree have written, those that were replaced included. */
  outputsOf(tree: string): readonly string[];
  /** Stops all. Resolves to their exit statuses. */
  stop(): Promise<readonly (number | null)[]>;
}

/** @param size how many gateways, and how many workers */
export async function openFleet({ ports }: RollingStage, first: RoleStarter, size = 2): Promise<Fleet> {
  const gateways: RunningGateway[] = [];
  const workers: Program[] = [];
  const started: { readonly tree: string; readonly program: Program }[] = [];

  const add = {
    async gateway({ tree, startGateway }: RoleStarter): Promise<void> {
      const program = await startGateway();
      started.push({ tree, program });
      gateways.push(program);
      ports.add(program.port);
    },
    async worker({ tree, startWorker }: RoleStarter): Promise<void> {
      const program = await startWorker();
      started.push({ tree, program });
      workers.push(program);
    },
  };
  const takeOldest = {
    /** It gets no new connections from now on. */
    gateway(): Program | undefined {
      const oldest = gateways.shift();
      if (oldest !== undefined) ports.delete(oldest.port);
      return oldest;
    },
    worker: (): Program | undefined => workers.shift(),
  };
  await Promise.all(Array.from({ length: size }, () => [add.gateway(first), add.worker(first)]).flat());

  return {
    gateways,
    async replace(role, starter, whileStopping) {
      await add[role](starter);
      const oldest = takeOldest[role]();
      if (oldest === undefined) throw new Error(`there is no ${role} to replace`);
      const status = stopped(oldest);
      await oldest.until(/stopping; a second signal stops at once/);
      await whileStopping();
      return status;
    },
    outputsOf: (tree) => started.flatMap((one) => (one.tree === tree ? [one.program.output()] : [])),
    stop: () => Promise.all([...gateways, ...workers].map(stopped)),
  };
}

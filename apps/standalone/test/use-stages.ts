/** For fault tests: what a test opens is closed after it, the last first. */

import { afterEach } from 'vitest';
import { type FaultStage, type FaultStageOptions, openFaultStage } from './fault-stage.ts';

interface Closable {
  close(): Promise<void>;
}

export interface Stages {
  openStage(options?: FaultStageOptions): Promise<FaultStage>;
  keep<T extends Closable>(opening: Promise<T>): Promise<T>;
}

/** Call it at the top of a file, or of a `describe`. */
export function useStages(): Stages {
  const open: Closable[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });
  async function keep<T extends Closable>(opening: Promise<T>): Promise<T> {
    const one = await opening;
    open.push(one);
    return one;
  }
  return { keep, openStage: (options) => keep(openFaultStage(options)) };
}

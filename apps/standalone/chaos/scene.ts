/** What the faults of a chaos run have to work with. */

import type { Instance } from '@qrcast/simulator/instance';
import type { FaultStage } from '../test/fault-stage.ts';
import type { StagedRedis } from '../test/staged-redis.ts';
import type { StagedRole } from '../test/staged-role.ts';
import type { Span } from './checker.ts';

export interface Scene {
  readonly stage: FaultStage;
  /** A second Redis, for a demotion. */
  readonly standby: StagedRedis;
  /** Instances whose code was not scanned yet. */
  waiting(): readonly Instance[];
  /** Resolves once no session is being created. None is until the returned function is called. */
  holdCreations(): Promise<() => void>;
  /** When workers were stopped. */
  readonly stopped: Span[];
  /** From a snapshot of Redis to the return to it: what was written in between is lost. */
  readonly losses: Span[];
  /** What is broken now and cannot be broken otherwise. */
  readonly busy: Set<StagedRole | StagedRedis>;
  /** Instances that have refused once. A second refusal in a row would end their sessions. */
  readonly refused: Set<Instance>;
  now(): number;
}

export interface Broken {
  /** What was chosen. Null: nothing is left to break. */
  readonly what: string | null;
  readonly mend?: () => Promise<void> | void;
}

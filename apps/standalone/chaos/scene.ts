/** What the faults of a chaos run have to work with. */

import type { Instance } from '@qrcast/simulator/instance';
import type { ProductStage } from '../test/fault-stage.ts';
import type { Loss, Span } from './checker.ts';
import type { Takeover } from './measures.ts';
import type { Random } from './random.ts';

export interface Scene {
  readonly stage: ProductStage;
  /** Instances whose code was not scanned yet. */
  waiting(): readonly Instance[];
  /** Sessions that have viewers. */
  watched(): readonly string[];
  /** Resolves once no session is being created. None is until the returned function is called. */
  holdCreations(): Promise<() => void>;
  /** When workers were stopped. */
  readonly stopped: Span[];
  /** When Redis lost what was written. */
  readonly losses: Loss[];
  readonly takeovers: Takeover[];
  /** What is broken now and cannot be broken otherwise: processes, and whatever stands for Redis. */
  readonly busy: Set<object>;
  /** Instances that have refused once. A second refusal in a row would end their sessions. */
  readonly refused: Set<Instance>;
  now(): number;
}

export interface Broken {
  /** What was chosen. Null: nothing is left to break. */
  readonly what: string | null;
  readonly mend?: () => Promise<void> | void;
}

export type Break = (scene: Scene, random: Random) => Broken | Promise<Broken>;

export const NOTHING: Broken = { what: null };

/** Breaks what is broken in one way at a time, until it is mended. */
export async function oneAtATime({ busy }: Scene, what: object, breakIt: () => Broken | Promise<Broken>): Promise<Broken> {
  if (busy.has(what)) return NOTHING;
  busy.add(what);
  const broken = await breakIt();
  async function mend(): Promise<void> {
    await broken.mend?.();
    busy.delete(what);
  }
  return { ...broken, mend };
}

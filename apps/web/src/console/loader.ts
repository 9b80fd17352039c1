/** What a view has loaded. The answer to an older question is dropped, and a closed view asks nothing. */

import type { Answer } from './api.ts';
import { LOADING, type Loadable } from './screen.ts';

export interface Loader<T> {
  now(): Loadable<T>;
  /** Keeps what is there until the answer has come, unless `isNew`. */
  load(ask: () => Promise<Answer<T>>, isNew?: boolean): Promise<void>;
  close(): void;
}

export function createLoader<T>(redraw: () => void): Loader<T> {
  let state: Loadable<T> = LOADING;
  let latest = 0;
  let isClosed = false;
  return {
    now: () => state,
    async load(ask, isNew = false) {
      if (isClosed) return;
      const own = ++latest;
      if (isNew || state.kind === 'failed') {
        state = LOADING;
        redraw();
      }
      const answer = await ask();
      if (own !== latest) return;
      state = answer.ok ? { kind: 'here', value: answer.body } : { kind: 'failed', failure: answer.failure };
      redraw();
    },
    close() {
      isClosed = true;
      latest += 1;
    },
  };
}

/**
 * For fault tests: a preload (`--import`) that tells the parent process when this one did not get
 * the processor. What it did then came late, and no rule about time can be asked of it.
 */

import { watchStalls } from './watch-stalls.ts';

if (process.send !== undefined) {
  watchStalls((stall) => process.send?.(stall));
}

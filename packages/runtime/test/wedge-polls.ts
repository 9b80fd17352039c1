/**
 * For fault tests: a preload with which no BullMQ worker of the process ever gets a job, although
 * it runs and reports no error. `WEDGE_WATCH=off` also turns off the watch for it; otherwise the
 * watch is quick.
 */

import { Worker } from 'bullmq';
import { WEDGE_DEFAULTS } from '../src/redis/wedge-watch.ts';

const isWatched = process.env['WEDGE_WATCH'] !== 'off';
Object.assign(
  WEDGE_DEFAULTS,
  isWatched
    ? { lookEveryMs: 100, reopenAfterMs: 500, giveUpAfterMs: 3_000 }
    : { lookEveryMs: 3_600_000, reopenAfterMs: 3_600_000, giveUpAfterMs: 3_600_000 },
);
Object.assign(Worker.prototype, { _getNextJob: () => new Promise(() => undefined) }); // what its loop awaits

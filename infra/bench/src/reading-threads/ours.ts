/** The worker's thread for pictures, metered. */

import { parentPort } from 'node:worker_threads';
import { meterPort } from './metered-port.ts';

if (parentPort !== null) meterPort(parentPort);
// After the meter, because a thread hears its listeners in their order.
await import('@qrcast/worker/codes/code-reader-thread');

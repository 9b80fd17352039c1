/**
 * The short form of `pnpm chaos`: seconds, a few sessions, and a schedule that has all faults.
 * QRCAST_CHAOS_SEED tries another one.
 */

import { it } from 'vitest';
import { expectCleanRun } from './short-run.ts';

it('loses no login and tells nothing stale, whatever breaks', () => expectCleanRun('one', 21));

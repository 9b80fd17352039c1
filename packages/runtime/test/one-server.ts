/** For tests: what they run on, see redis.ts. */

import { inject } from 'vitest';
import type {} from './redis.ts'; // for the type of inject

/**
 * False on Sentinels and on a cluster. A test that puts a proxy before Redis for one of two processes
 * runs on one server only.
 */
export const isOneServer = (): boolean => inject('redisUrl') === inject('serverUrl');

/**
 * For the twins of fault tests: a preload with which a process does not watch its connections to
 * Redis, and ignores what error replies say of them.
 */

import { WATCH_DEFAULTS } from '@qrcast/runtime/redis/connection-watch';

Object.assign(WATCH_DEFAULTS, { proveEveryMs: 3_600_000, silentMs: 3_600_000, followsErrors: false });

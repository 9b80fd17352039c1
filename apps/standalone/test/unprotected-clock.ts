/**
 * For twins of the clock tests: a preload (`--import`, after shift-clock.ts or before it) that makes
 * the monotonic clock of a process follow its wall clock. The process then has no clock that nobody
 * sets, as if the product used `Date.now`.
 */

const startedAt = Date.now();

performance.now = () => Date.now() - startedAt;

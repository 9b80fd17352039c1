import { defineConfig } from 'vitest/config';
import { packageTestsWithRedis } from '../../infra/test/package-tests.ts';

/** Its tests wait more than others: with three files at once, half of two cores is idle. */
const FILES_AT_ONCE = 5;

export default defineConfig({ test: { ...packageTestsWithRedis('./test/redis.ts'), maxWorkers: FILES_AT_ONCE } });

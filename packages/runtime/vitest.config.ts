import { defineConfig } from 'vitest/config';
import { packageTestsWithRedis } from '../../infra/test/package-tests.ts';

export default defineConfig({ test: packageTestsWithRedis('./test/redis.ts') });

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { packageTestsWithRedis } from '../../infra/test/package-tests.ts';

export default defineConfig({ test: packageTestsWithRedis(fileURLToPath(import.meta.resolve('@qrcast/runtime/test/redis'))) });

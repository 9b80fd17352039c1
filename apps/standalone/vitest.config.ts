import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { packageTests } from '../../infra/test/package-tests.ts';

export default defineConfig({
  test: { ...packageTests, globalSetup: [fileURLToPath(import.meta.resolve('@qrcast/runtime/test/redis'))] },
});

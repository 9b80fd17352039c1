import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    globalSetup: [fileURLToPath(import.meta.resolve('@qrcast/runtime/test-redis'))],
    include: ['src/**/*.test.ts'],
    // Nothing here sleeps, but a lost Redis is reconnected to at up to a second a try, on a machine that others use too.
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});

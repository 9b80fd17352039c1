import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { globalSetup: ['./src/test-redis.ts'], include: ['src/**/*.test.ts'] },
});

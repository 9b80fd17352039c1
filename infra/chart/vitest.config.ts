import { defineConfig } from 'vitest/config';
import { packageTests } from '../../infra/test/package-tests.ts';

export default defineConfig({ test: packageTests });

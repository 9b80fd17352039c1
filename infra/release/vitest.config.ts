import { defineConfig } from 'vitest/config';
import { packageTests } from '../../infra/test/package-tests.ts';

// The parser imports JSON in a way that bundlers accept, and Node does not. Its maps name sources that it lacks.
export default defineConfig({ logLevel: 'error', test: { ...packageTests, server: { deps: { inline: ['@actions/workflow-parser'] } } } });

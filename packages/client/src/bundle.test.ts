/** How many bytes the client adds to a page. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { describe, expect, it } from 'vitest';

const MAX_GZIP_BYTES = 12_000;

/** Builds a page of these lines as a user would. */
async function bundle(source: string): Promise<string> {
  const entry = 'virtual:page';
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    root: fileURLToPath(new URL('..', import.meta.url)),
    plugins: [
      { name: 'page', resolveId: (id) => (id === entry ? `\0${entry}` : null), load: (id) => (id === `\0${entry}` ? source : null) },
    ],
    build: { write: false, minify: true, rollupOptions: { input: entry, external: ['react'] }, modulePreload: { polyfill: false } },
  });
  const { output } = built as Rolldown.RolldownOutput; // one build without a watcher
  return output.map((file) => (file.type === 'chunk' ? file.code : '')).join('');
}

const gzipBytes = (code: string): number => gzipSync(code, { level: 9 }).length;

describe('the bundle', () => {
  it(`of a page that watches a session is below ${MAX_GZIP_BYTES} bytes, gzipped`, async () => {
    const code = await bundle(`import { watchSession } from '@qrcast/client'; watchSession({ url: 'https://a', ticket: 't' });`);
    const size = gzipBytes(code);
    process.stdout.write(`@qrcast/client: ${size} bytes gzipped, ${code.length} minified\n`);
    expect(code).toContain('/v1/ws');
    expect(size).toBeLessThan(MAX_GZIP_BYTES);
  });

  it('contains nothing that is imported only for its types, or not used', async () => {
    const page = `
      import '@qrcast/client/types';
      import '@qrcast/client';
      import '@qrcast/client/react';
      import { socketIo } from '@qrcast/client/socket-io';
      import { retryDelayMs } from './src/retry.ts';
      window.wait = retryDelayMs(0, 0, Math.random());`;
    const code = await bundle(page.replaceAll('./src/', fileURLToPath(new URL('.', import.meta.url))));
    expect(code).toContain('15e3');
    expect(code).not.toMatch(/\/v1\/|socket\.io|WebSocket|addEventListener/);
    expect(gzipBytes(code)).toBeLessThan(300);
  });

  it('is one file without a bundler, of the size that the README states', () => {
    const size = gzipBytes(readFileSync(new URL(import.meta.resolve('@qrcast/client/client.js')), 'utf8'));
    const stated = /It is (\d+) kB gzipped/.exec(readFileSync(new URL('../README.md', import.meta.url), 'utf8'))?.[1];
    expect(stated).toBe(String(Math.ceil(size / 1_000)));
  });

  it('contains no Socket.IO client, because the page passes one in', async () => {
    const code = await bundle(`import { socketIo } from '@qrcast/client/socket-io'; window.transport = socketIo(window.io);`);
    expect(gzipBytes(code)).toBeLessThan(2_000);
  });
});

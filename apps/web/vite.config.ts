import { readFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vite';

/** `client.js`: the client library's own file for browsers, as it is in its package. */
const clientFile: Plugin = {
  name: 'client-file',
  generateBundle() {
    const source = readFileSync(new URL(import.meta.resolve('@qrcast/client/client.js')));
    this.emitFile({ type: 'asset', fileName: 'client.js', source });
  },
};

/**
 * Three things come out, for the gateway to serve: `element.js`, the whole element in one module; the hosted page, which loads it like
 * any other page and shares no chunk with it; and `client.js`. The page's policy allows neither inline scripts nor inline styles: so nothing is inlined,
 * and no polyfill is injected. Names carry no hash: during a rollout a page from one gateway gets its script from another.
 */
export default defineConfig({
  root: 'src',
  base: '/connect/',
  publicDir: false,
  plugins: [clientFile],
  cacheDir: '../node_modules/.vite',
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    // The style needs these for its colours, light-dark(); the client for AbortSignal.any.
    target: ['chrome123', 'edge123', 'firefox124', 'safari17.5', 'ios17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: { connect: 'src/connect.html', element: 'src/element.ts' },
      output: {
        entryFileNames: ({ name }) => (name === 'element' ? 'element.js' : 'assets/[name].js'),
        chunkFileNames: 'assets/[name].js',
        assetFileNames: 'assets/[name][extname]',
      },
    },
  },
});

import { readFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vite';
import { withoutPolicy } from './vite-without-policy.ts';

/**
 * Builds three things that the gateway serves: `element.js`, the whole element in one module; the
 * hosted page, which loads the element like any other page and shares no chunk with it; and
 * `client.js`. The page's policy allows neither inline scripts nor inline styles, so nothing is
 * inlined and no polyfill is injected. File names contain no hash, because during a rollout a page
 * from one gateway may get its script from another.
 */
export default defineConfig({
  plugins: [withoutPolicy(), classicScript(), clientFile()],
  root: 'src',
  base: '/connect/',
  publicDir: false,
  cacheDir: '../node_modules/.vite',
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    // Browsers older than the supported ones must be able to parse the script, so that it can say
    // what they lack.
    target: 'es2022',
    // The style needs these versions for its colours, `light-dark()`.
    cssTarget: ['chrome123', 'edge123', 'firefox124', 'safari17.5', 'ios17.5'],
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

/** The one script that must run in browsers without modules. It is copied unchanged. */
function classicScript(): Plugin {
  return {
    name: 'classic-script',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'assets/trouble.js', source: readFileSync(new URL('src/trouble.js', import.meta.url)) });
    },
  };
}

/** `client.js`: the client library's file for browsers, unchanged from its package. */
function clientFile(): Plugin {
  return {
    name: 'client-file',
    generateBundle() {
      const source = readFileSync(new URL(import.meta.resolve('@qrcast/client/client.js')));
      this.emitFile({ type: 'asset', fileName: 'client.js', source });
    },
  };
}

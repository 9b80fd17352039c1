import { readFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vite';

/**
 * Three things come out, for the gateway to serve: `element.js`, the whole element in one module; the hosted page, which loads it like
 * any other page and shares no chunk with it; and `client.js`. The page's policy allows neither inline scripts nor inline styles: so nothing is inlined,
 * and no polyfill is injected. Names carry no hash: during a rollout a page from one gateway gets its script from another.
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
    // Older browsers than we support are to read the script, too: what it cannot do there, it says.
    target: 'es2022',
    // The style needs these for its colours, light-dark().
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

/** Lit makes its Trusted Types policy when it is loaded, under a name that the page may have taken. Ours needs none (parse-template.ts). */
function withoutPolicy(): Plugin {
  return {
    name: 'without-policy',
    transform: {
      filter: { id: /\/lit-html\/lit-html\.js$/ },
      handler(code) {
        const result = code.replace('=t.trustedTypes', '=void 0');
        return result === code ? this.error('expected lit-html to read trustedTypes; look how this version makes its policy') : result;
      },
    },
  };
}

/** The one script that must run in browsers without modules: as it is written. */
function classicScript(): Plugin {
  return {
    name: 'classic-script',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'assets/trouble.js', source: readFileSync(new URL('src/trouble.js', import.meta.url)) });
    },
  };
}

/** `client.js`: the client library's own file for browsers, as it is in its package. */
function clientFile(): Plugin {
  return {
    name: 'client-file',
    generateBundle() {
      const source = readFileSync(new URL(import.meta.resolve('@qrcast/client/client.js')));
      this.emitFile({ type: 'asset', fileName: 'client.js', source });
    },
  };
}

import { defineConfig } from 'vite';
import { withoutPolicy } from './vite-without-policy.ts';

/**
 * Builds the console, which the gateway serves at `/console`. It is a build of its own, after the
 * other one, so that it shares no chunk with the element and the login page, and they do not grow.
 */
export default defineConfig({
  plugins: [withoutPolicy()],
  root: 'src/console',
  base: '/',
  publicDir: false,
  cacheDir: '../../node_modules/.vite',
  build: {
    outDir: '../../dist',
    emptyOutDir: false,
    target: 'es2022',
    cssTarget: ['chrome123', 'edge123', 'firefox124', 'safari17.5', 'ios17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: { console: 'src/console/console.html' },
      output: {
        entryFileNames: 'console/assets/[name].js',
        chunkFileNames: 'console/assets/[name].js',
        assetFileNames: 'console/assets/[name][extname]',
      },
    },
  },
});

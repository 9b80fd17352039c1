import { defineConfig } from 'vite';

/**
 * The gateway serves `dist/connect.html` as `/connect` and `dist/assets` as `/connect/assets`, under a policy that allows neither inline
 * scripts nor inline styles: so nothing is inlined, and no polyfill is injected.
 */
export default defineConfig({
  root: 'src',
  base: '/connect/',
  publicDir: false,
  cacheDir: '../node_modules/.vite',
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    target: 'baseline-widely-available',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: 'src/connect.html' },
  },
});

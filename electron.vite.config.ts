/**
 * Bundles the app into out/: main/*.js (the main process and the entries of its children), preload/preload.cjs (one
 * CommonJS file, as a sandboxed preload must be) and renderer/ (static files, which the web host serves as well).
 * npm packages stay outside of the main bundle; they are loaded from node_modules.
 */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'electron-vite';

export default defineConfig({
  main: {
    build: {
      sourcemap: true,
      rolldownOptions: {
        input: {
          main: 'src-main/hosts/electron/main.ts',
          'training-process': 'src-main/training-process/main.ts',
          'task-process': 'src-main/training-process/task-main.ts',
          'worker-process': 'src-main/services/workers/main.ts',
          'picture-process': 'src-main/services/pictures/main.ts',
          'sample-worker': 'src-main/engine/data/samples/sample-worker.ts',
        },
        output: { entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
      },
    },
  },
  preload: {
    build: {
      externalizeDeps: false,
      rolldownOptions: {
        input: { preload: 'src-main/hosts/electron/preload.ts' },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: 'src-renderer',
    plugins: [svelte({ configFile: false })],
    build: {
      minify: true,
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 1500, // kB; it is read from disk
      rolldownOptions: {
        input: 'src-renderer/index.html',
        checks: { pluginTimings: false },
      },
    },
  },
});

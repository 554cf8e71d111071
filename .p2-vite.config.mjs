import { svelte } from '@sveltejs/vite-plugin-svelte';
export default { root: '/work/main/src-renderer', base: './', plugins: [svelte()], build: { outDir: '/tmp/fv/p2/renderer', emptyOutDir: true, assetsInlineLimit: 0, minify: false, rolldownOptions: { input: '/work/main/src-renderer/index.html' } } };

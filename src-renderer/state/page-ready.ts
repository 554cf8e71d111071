/** Tells whoever measures the start (a bench, an end-to-end test) that the first screen has its data, and since when. */
export function markReady(): void {
  if (document.body.dataset['ready'] === 'true') return;
  document.body.dataset['ready'] = 'true';
  performance.mark('ready');
}

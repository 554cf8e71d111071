import { expect, test } from 'vitest';
import { ImageCache } from '../../../src-renderer/canvas/drawing/image-cache.ts';
import type { Picture, PictureSource } from '../../../src-renderer/canvas/drawing/picture.ts';

const of = (url: string): PictureSource => ({ url, tiles: null });

function makeCache(sizeBytes: number) {
  const opened: string[] = [];
  const closed: string[] = [];
  const cache = new ImageCache(({ url }) => {
    if (url === 'broken' && opened.filter((other) => other === url).length === 0) {
      opened.push(url);
      return Promise.reject(new Error('cannot be read'));
    }
    opened.push(url);
    return Promise.resolve({ sizeBytes, close: () => closed.push(url) } as unknown as Picture);
  });
  return { cache, opened, closed };
}

test('an image that was fetched ahead is there at once, and decoded only once', async () => {
  const { cache, opened } = makeCache(1);
  cache.prefetch(of('next'));
  expect(cache.ready(of('next'))).toBeNull();
  await cache.get(of('next'));
  expect(cache.ready(of('next'))).not.toBeNull();
  cache.prefetch(of('next'));
  await cache.get(of('next'));
  expect(opened).toEqual(['next']);
});

test('large images are freed, the oldest first, but never the latest three', async () => {
  const { cache, closed } = makeCache(1024 ** 3);
  for (const url of ['a', 'b', 'c', 'd', 'e']) await cache.get(of(url));
  expect(closed).toEqual(['a', 'b']);
  expect(cache.ready(of('c'))).not.toBeNull();
});

test('a picture that could not be read is tried again', async () => {
  const { cache } = makeCache(1);
  await expect(cache.get(of('broken'))).rejects.toThrow('cannot be read');
  await cache.get(of('broken'));
  expect(cache.ready(of('broken'))).not.toBeNull();
});

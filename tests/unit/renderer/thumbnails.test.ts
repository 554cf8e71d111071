import { expect, test, vi } from 'vitest';
import type { ImageSummary } from '../../../src-main/contract/model/dataset.ts';
import type { ImageId } from '../../../src-main/contract/model/ids.ts';
import { ImagePages } from '../../../src-renderer/state/image-pages.svelte.ts';
import { Thumbnails } from '../../../src-renderer/state/thumbnails.svelte.ts';

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

async function listOf(total: number, widthPx = 32, heightPx = 28): Promise<ImagePages> {
  const item = (place: number): ImageSummary => ({
    imageId: (place + 1) as ImageId,
    name: '',
    split: 'train',
    widthPx,
    heightPx,
    channels: 3,
    labelVersion: 0,
    annotations: [],
    review: 'done',
  });
  const pages = new ImagePages((offset, limit) => {
    const count = Math.min(limit, total - offset);
    return Promise.resolve({ total, items: Array.from({ length: count }, (_, step) => item(offset + step)) });
  });
  pages.want(0, 0);
  await settled();
  pages.want(0, total - 1);
  await settled();
  return pages;
}

function thumbnailsOf(pages: ImagePages, imagePx: number | null, areSmall = false) {
  const load = vi.fn((url: string) => (url.includes('broken') ? Promise.reject(new Error()) : Promise.resolve(url)));
  const thumbnails = new Thumbnails<string>({
    pages,
    imagePx,
    sheetUrl: (ids) => `sheet ${ids[0]}-${ids.at(-1)}`,
    thumbnailUrl: (id) => (id === 3 ? 'broken' : `single ${id}`),
    load,
    loadSmall: areSmall
      ? (ids) => load(`some ${ids.join()}`).then(() => ids.map((id) => (id === 3 ? null : `small ${id}`)))
      : null,
    sizeOf: () => ({ widthPx: 256, heightPx: 192 }),
  });
  return { thumbnails, urls: () => load.mock.calls.map(([url]) => url) };
}

test('tiny images come a hundred at a time, each with its part of the sheet', async () => {
  const { thumbnails, urls } = thumbnailsOf(await listOf(250), 32);
  thumbnails.want(0, 120);
  expect(thumbnails.at(0)).toBeNull();
  await settled();
  expect(urls()).toEqual(['sheet 1-100', 'sheet 101-200']);
  expect(thumbnails.arrivals).toBe(2);
  expect(thumbnails.at(0)).toEqual({ picture: 'sheet 1-100', x: 0, y: 0, widthPx: 32, heightPx: 28 });
  expect(thumbnails.at(123)).toEqual({ picture: 'sheet 101-200', x: 96, y: 64, widthPx: 32, heightPx: 28 });
  thumbnails.want(0, 249);
  await settled();
  expect(urls().at(-1)).toBe('sheet 201-250');
  expect(urls()).toHaveLength(3);
  expect(thumbnails.at(250)).toBeNull();
});

test('larger images, and those of different sizes, come one by one', async () => {
  for (const imagePx of [65, null]) {
    const { thumbnails, urls } = thumbnailsOf(await listOf(10, 65, 40), imagePx);
    thumbnails.want(0, 1);
    await settled();
    expect(urls()).toEqual(['single 1', 'single 2']);
    expect(thumbnails.at(1)).toEqual({ picture: 'single 2', x: 0, y: 0, widthPx: 256, heightPx: 192 });
  }
});

test('a picture that cannot be loaded is not asked for again and again', async () => {
  const { thumbnails, urls } = thumbnailsOf(await listOf(10), null);
  thumbnails.want(2, 2);
  await settled();
  thumbnails.want(2, 2);
  await settled();
  expect(urls()).toEqual(['broken']);
  expect(thumbnails.at(2)).toBeNull();
});

test('what is not in the list yet waits, and the latest wish replaces the one before', async () => {
  const pages = await listOf(1000);
  const { thumbnails, urls } = thumbnailsOf(pages, null);
  thumbnails.want(0, 50);
  const first = urls();
  expect(first.slice(0, 4)).toEqual(['single 1', 'single 2', 'broken', 'single 4']);
  expect(first.length).toBeLessThan(20);
  thumbnails.want(500, 501);
  await settled();
  expect(urls()).toEqual([...first, 'single 501', 'single 502']);
});

test('small ones come some at a time; of those, one that cannot be read leaves the others', async () => {
  const { thumbnails, urls } = thumbnailsOf(await listOf(20, 640, 480), null, true);
  thumbnails.want(1, 10);
  await settled();
  expect(urls()).toEqual(['some 2,3,4,5,6,7', 'some 8,9,10,11']);
  expect(thumbnails.at(1)).toEqual({ picture: 'small 2', x: 0, y: 0, widthPx: 256, heightPx: 192 });
  expect(thumbnails.at(2)).toBeNull();
  expect(thumbnails.at(10)?.picture).toBe('small 11');
  thumbnails.want(9, 12);
  await settled();
  expect(urls().at(-1)).toBe('some 12,13');
});

test('what is in sight comes first, then what is around it, the nearest first', async () => {
  const { thumbnails, urls } = thumbnailsOf(await listOf(1000), null);
  thumbnails.want(500, 501, { ahead: 3 });
  await settled();
  const order = [501, 502, 503, 500, 504, 499, 505, 498];
  expect(urls()).toEqual(order.map((id) => `single ${id}`));
});

test('each row gets a picture before any gets its second', async () => {
  const { thumbnails, urls } = thumbnailsOf(await listOf(1000, 640, 480), null, true);
  thumbnails.want(40, 51, { columns: 4, ahead: 4 });
  await settled();
  const rows = ['some 41,45', 'some 49'];
  expect(urls()).toEqual([...rows, 'some 42,46,50,43,47,51', 'some 44,48,52,53,40,54', 'some 39,55,38,56,37']);
});

test('while scrolling, rows that come next get a picture before those in sight get their second', async () => {
  const { thumbnails, urls } = thumbnailsOf(await listOf(1000, 640, 480), null, true);
  const scrolledTo = async (first: number): Promise<string[]> => {
    const known = urls().length;
    thumbnails.want(first, first + 7, { columns: 4, ahead: 8 });
    await settled();
    return urls().slice(known);
  };
  // A jump says nothing about what comes next.
  expect((await scrolledTo(400)).slice(0, 2)).toEqual(['some 401,405', 'some 402,406,403,407,404,408']);
  expect((await scrolledTo(404))[0]).toBe('some 417');
  await scrolledTo(600);
  expect((await scrolledTo(596))[0]).toBe('some 589');
  // The first of all rows has none before it.
  await scrolledTo(4);
  expect(await scrolledTo(0)).toEqual([]);
});

test('a row that comes into sight does not wait until requests for other pictures are answered', async () => {
  const { thumbnails, urls } = thumbnailsOf(await listOf(1000, 640, 480), null, true);
  thumbnails.want(40, 51, { columns: 4, ahead: 40 });
  const known = urls().length;
  thumbnails.want(400, 407, { columns: 4, ahead: 40 });
  expect(urls().slice(known)).toEqual(['some 401,405']);
});

test('all that is wanted at once is kept, however much that is', async () => {
  const { thumbnails, urls } = thumbnailsOf(await listOf(1000), null);
  thumbnails.want(0, 899);
  for (let round = 0; round < 200; round++) await settled();
  const asked = urls().length;
  expect(asked).toBe(900);
  thumbnails.want(0, 899);
  await settled();
  expect(urls()).toHaveLength(asked);
  expect(thumbnails.at(0)?.picture).toBe('single 1');
});

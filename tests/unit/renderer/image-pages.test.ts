import { expect, test, vi } from 'vitest';
import type { ImageSummary } from '../../../src-main/contract/model/dataset.ts';
import type { ImageId } from '../../../src-main/contract/model/ids.ts';
import { ImagePages, type ImagePage } from '../../../src-renderer/state/image-pages.svelte.ts';

const image = (place: number): ImageSummary => ({
  imageId: (place + 1) as ImageId,
  name: `#${place}`,
  split: 'train',
  widthPx: 32,
  heightPx: 32,
  channels: 3,
  labelVersion: 0,
  annotations: [],
  review: 'done',
});

/** Answers when the test says so. */
function slowSource(total: number) {
  const waiting: { offset: number; answer: () => void; fail: (error: Error) => void }[] = [];
  const load = vi.fn(
    (offset: number, limit: number) =>
      new Promise<ImagePage>((resolve, reject) => {
        const count = Math.max(0, Math.min(limit, total - offset));
        const items = Array.from({ length: count }, (_, step) => image(offset + step));
        waiting.push({ offset, answer: () => resolve({ total, items }), fail: reject });
      }),
  );
  const settle = async (): Promise<void> => {
    waiting.splice(0).forEach(({ answer }) => answer());
    await Promise.resolve().then(() => {});
    await new Promise((resolve) => setTimeout(resolve, 0));
  };
  const offsets = () => load.mock.calls.map(([offset]) => offset);
  return { load, waiting, settle, offsets };
}

test('pages are read once, and an image is found at its place', async () => {
  const source = slowSource(60_000);
  const pages = new ImagePages(source.load);
  pages.want(0, 150);
  expect(pages.total).toBeNull();
  expect(pages.at(0)).toBeUndefined();
  await source.settle();
  expect(pages.total).toBe(60_000);
  expect(pages.at(150)?.name).toBe('#150');
  pages.want(0, 250);
  await source.settle();
  expect(source.offsets()).toEqual([0, 200]);
  expect(pages.at(399)?.name).toBe('#399');
});

test('before the total is known, only the first page is asked for', async () => {
  const source = slowSource(500);
  const pages = new ImagePages(source.load);
  pages.want(40_000, 40_100);
  await source.settle();
  expect(source.offsets()).toEqual([0]);
  pages.want(40_000, 40_100);
  await source.settle();
  expect(source.offsets()).toEqual([0, 400]);
});

test('two requests go at once, and what scrolling has overtaken is never read', async () => {
  const source = slowSource(60_000);
  const pages = new ImagePages(source.load);
  pages.want(0, 0);
  await source.settle();
  pages.want(1000, 2000);
  pages.want(30_000, 30_399);
  expect(source.offsets()).toEqual([0, 1000, 1200]);
  await source.settle();
  expect(source.offsets()).toEqual([0, 1000, 1200, 30_000, 30_200]);
  await source.settle();
  expect(source.offsets()).toHaveLength(5);
});

test('the pages wanted longest ago are forgotten', async () => {
  const source = slowSource(60_000);
  const pages = new ImagePages(source.load);
  for (let page = 0; page < 62; page++) {
    pages.want(page * 200, page * 200);
    await source.settle();
  }
  expect(pages.at(0)).toBeUndefined();
  expect(pages.at(200)).toBeUndefined();
  expect(pages.at(400)?.name).toBe('#400');
  expect(pages.at(61 * 200)?.name).toBe('#12200');
});

test('an error stops the reading until it is tried again', async () => {
  const source = slowSource(100);
  const pages = new ImagePages(source.load);
  pages.want(0, 10);
  source.waiting.splice(0).forEach(({ fail }) => fail(new Error('the disk is gone')));
  await source.settle();
  expect(pages.error).toMatchObject({ message: 'the disk is gone' });
  pages.want(0, 20);
  expect(source.offsets()).toEqual([0]);
  pages.retry();
  await source.settle();
  expect(pages.error).toBeNull();
  expect(pages.at(99)?.name).toBe('#99');
});

test('what is in sight is read before what is around it', async () => {
  const source = slowSource(60_000);
  const pages = new ImagePages(source.load);
  pages.want(0, 0);
  await source.settle();
  pages.want(10_050, 10_090, 200);
  expect(source.offsets()).toEqual([0, 10_000]);
  await source.settle();
  expect(source.offsets()).toEqual([0, 10_000, 9_800]);
  await source.settle();
  expect(source.offsets()).toEqual([0, 10_000, 9_800, 10_200]);
  // What comes into sight does not wait for what is around.
  pages.want(30_000, 30_399, 200);
  expect(source.offsets().slice(4)).toEqual([30_000]);
  await source.settle();
  expect(source.offsets().slice(4)).toEqual([30_000, 30_200]);
});

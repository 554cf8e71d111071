import { expect, test } from 'vitest';
import type { BboxXyxy } from '../../../src-main/contract/geometry/box.ts';
import { SpatialIndex } from '../../../src-renderer/canvas/spatial-index.ts';
import { seededRandom } from '../../helpers/generated-data.ts';

const image = { widthPx: 4000, heightPx: 3000 };
const sorted = (ids: readonly number[]): number[] => [...ids].sort((a, b) => a - b);

test('finds what a look at every box finds, through moves and deletions', () => {
  const random = seededRandom(7);
  const box = (): BboxXyxy => {
    // Some reach out of the image, and some span most of it.
    const [x, y] = [random() * 4400 - 200, random() * 3400 - 200];
    const size = random() < 0.1 ? 3000 : 120;
    return [x, y, x + random() * size, y + random() * size];
  };
  const index = new SpatialIndex<number>(image);
  const all = new Map<number, BboxXyxy>();
  for (let round = 0; round < 3000; round++) {
    const id = Math.floor(random() * 800);
    if (random() < 0.25) {
      index.delete(id);
      all.delete(id);
    } else {
      const at = box();
      index.set(id, at);
      all.set(id, at);
    }
    if (round % 20 > 0) continue;
    const [x1, y1, x2, y2] = box();
    const expected = [...all].filter(([, b]) => b[0] <= x2 && x1 <= b[2] && b[1] <= y2 && y1 <= b[3]);
    expect(sorted(index.search([x1, y1, x2, y2]))).toEqual(sorted(expected.map(([found]) => found)));
  }
  expect(index.size).toBe(all.size);
});

test('a box that touches the rectangle with an edge is found', () => {
  const index = new SpatialIndex<string>(image);
  index.set('left', [10, 10, 20, 20]);
  expect(index.search([20, 0, 30, 30])).toEqual(['left']);
  expect(index.search([20.01, 0, 30, 30])).toEqual([]);
});

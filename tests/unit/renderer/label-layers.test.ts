/** Labels in layers: as few as possible, and in the order that is seen. */
import { expect, test } from 'vitest';
import type { CanvasLabel } from '../../../src-renderer/canvas/drawing/canvas-label.ts';
import { inLayers } from '../../../src-renderer/canvas/drawing/label-layers.ts';
import { seededRandom } from '../../helpers/generated-data.ts';

function label(id: number, colour: string, bounds: [number, number, number, number], z = 0): CanvasLabel {
  return { id, z, colour, bounds, shape: { kind: 'bbox', bboxXyxy: bounds }, skeleton: [], dashed: false };
}
const layersOf = (labels: readonly CanvasLabel[], margin = 0): number[][] =>
  inLayers(labels, ({ colour }) => colour, margin).map((layer) => layer.map(({ id }) => id));

test('labels that lie apart share one layer, whatever their colours', () => {
  expect(layersOf([label(1, 'red', [0, 0, 10, 10]), label(2, 'blue', [20, 0, 30, 10])])).toEqual([[1, 2]]);
  expect(layersOf([])).toEqual([]);
});

test('what lies over another colour is in a later layer, by z and then by id', () => {
  const [red, blue] = [label(1, 'red', [0, 0, 10, 10]), label(2, 'blue', [5, 5, 15, 15])];
  expect(layersOf([blue, red])).toEqual([[1], [2]]);
  expect(layersOf([{ ...red, z: 1 }, blue])).toEqual([[2], [1]]);
  // Lines have a width.
  expect(layersOf([red, label(2, 'blue', [11, 0, 20, 10])], 1)).toEqual([[1], [2]]);
});

test('one colour needs one layer', () => {
  expect(layersOf([label(1, 'red', [0, 0, 10, 10]), label(2, 'red', [5, 5, 15, 15])])).toEqual([[1, 2]]);
});

test('the order is kept for every pair that meets, among many of all sizes', () => {
  const random = seededRandom(5);
  const colours = ['red', 'green', 'blue', 'black'];
  const labels = Array.from({ length: 800 }, (_, id) => {
    const side = random() < 0.02 ? 2000 : 5 + 60 * random();
    const [x, y] = [random() * 3000 - 50, random() * 2000 - 50];
    return label(
      id,
      colours[Math.floor(random() * 4)] ?? '',
      [x, y, x + side, y + side * random()],
      Math.floor(random() * 3),
    );
  });
  const layerOf = new Map(layersOf(labels).flatMap((ids, layer) => ids.map((id) => [id, layer] as const)));
  expect(layerOf.size).toBe(labels.length);
  const isAbove = (a: CanvasLabel, b: CanvasLabel): boolean => a.z > b.z || (a.z === b.z && a.id > b.id);
  let meeting = 0;
  for (const a of labels) {
    for (const b of labels) {
      const apart =
        a.bounds[0] > b.bounds[2] ||
        b.bounds[0] > a.bounds[2] ||
        a.bounds[1] > b.bounds[3] ||
        b.bounds[1] > a.bounds[3];
      if (apart || a.colour === b.colour || !isAbove(a, b)) continue;
      meeting++;
      if (layerOf.get(a.id)! <= layerOf.get(b.id)!) throw new Error(`${a.id} is not drawn over ${b.id}`);
    }
  }
  expect(meeting).toBeGreaterThan(1000);
});

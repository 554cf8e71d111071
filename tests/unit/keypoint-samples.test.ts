/** Points of objects go with their image through everything that chance does to it, and left stays left. */
import { describe, expect, test } from 'vitest';
import { noAugmentation } from '../../src-main/contract/model/run-images.ts';
import { letterbox, toNetwork } from '../../src-main/engine/data/letterbox.ts';
import { isMirrored, moved } from '../../src-main/engine/data/samples/affine.ts';
import { writeKeypointRows } from '../../src-main/engine/data/samples/keypoints.ts';
import { sampleRecipe, type SampleRecipe } from '../../src-main/engine/data/samples/recipe.ts';

const network = { widthPx: 64, heightPx: 64 };
const image = { widthPx: 128, heightPx: 64 };
const placement = letterbox(image, network);

function rowsOf(recipe: SampleRecipe, objects: { tile: number; points: number[] }[], mirrored: number[] | null) {
  const target = new Float32Array(objects.length * objects[0]!.points.length);
  writeKeypointRows(recipe, objects, { network, placementOf: () => placement, mirrored }, target);
  return [...target].map((value) => Number(value.toFixed(3)));
}

const plain: SampleRecipe = {
  tiles: [{ position: 0, offset: [0, 0], windowXyxy: [0, 16, 64, 48] }],
  centre: null,
  motion: moved(0, 0),
  colour: { hue: 0, saturation: 1, value: 1, brightness: 1, contrast: 1 },
};

describe('points of a sample', () => {
  // A left eye, a right eye, and a nose that is not labelled.
  const points = [20, 10, 2, 40, 10, 1, 7, 7, 0];
  const pairs = [1, 0, 2];

  test('lie where the letterbox puts them; one that is not labelled is nowhere', () => {
    expect(rowsOf(plain, [{ tile: 0, points }], pairs)).toEqual([10, 21, 2, 20, 21, 1, 0, 0, 0]);
  });

  test('change places where the image is mirrored, if somebody has said which', () => {
    const mirror = { ...plain, motion: [-1, 0, 64, 0, 1, 0] as const };
    expect(rowsOf(mirror, [{ tile: 0, points }], pairs)).toEqual([44, 21, 1, 54, 21, 2, 0, 0, 0]);
    expect(rowsOf(mirror, [{ tile: 0, points }], null)).toEqual([54, 21, 2, 44, 21, 1, 0, 0, 0]);
    const halfTurn = { ...plain, motion: [-1, 0, 64, 0, -1, 64] as const };
    expect(rowsOf(halfTurn, [{ tile: 0, points }], pairs)).toEqual([54, 43, 2, 44, 43, 1, 0, 0, 0]);
  });

  test('are lost where the image or the input ends', () => {
    const outside = { ...plain, motion: moved(-15, 0) };
    expect(rowsOf(outside, [{ tile: 0, points }], pairs)).toEqual([0, 0, 0, 5, 21, 1, 0, 0, 0]);
    const cut = { ...plain, tiles: [{ ...plain.tiles[0]!, windowXyxy: [0, 16, 15, 48] as const }] };
    expect(rowsOf(cut, [{ tile: 0, points }], pairs)).toEqual([10, 21, 2, 0, 0, 0, 0, 0, 0]);
  });

  test('stay on what they were put on, in mosaics that are turned, scaled and mirrored', () => {
    const augmentation = {
      ...noAugmentation,
      mosaic: 0.5,
      flipHorizontal: 0.5,
      flipVertical: 0.2,
      scale: 0.4,
      rotateDegrees: 20,
    };
    let [seen, swapped] = [0, 0];
    for (let seed = 0; seed < 60; seed++) {
      const facts = {
        augmentation,
        seed,
        epochsTotal: 9,
        network,
        imageCount: 3,
        contentOf: () => [0, 16, 64, 48] as const,
      };
      const recipe = sampleRecipe(facts, 0, 0);
      recipe.tiles.forEach(({ offset }, tile) => {
        const [x1, y1, x2, y2, lost] = rowsOf(recipe, [{ tile, points: [30, 20, 2, 100, 50, 1] }], [1, 0]).filter(
          (_, i) => i % 3 < 2,
        );
        if (x1 === 0 || x2 === 0) return;
        seen++;
        expect(lost).toBeUndefined();
        const [a, b, c, d, e, f] = recipe.motion;
        const inInput = (x: number, y: number) => {
          const [u, v] = toNetwork(placement, [x, y, x, y]);
          const [p, q] = [u + offset[0], v + offset[1]];
          return [a * p + b * q + c, d * p + e * q + f];
        };
        const both = [...inInput(30, 20), ...inInput(100, 50)];
        const isSwapped = isMirrored(recipe.motion);
        if (isSwapped) swapped++;
        const wanted = isSwapped ? [...both.slice(2), ...both.slice(0, 2)] : both;
        [x1, y1, x2, y2].forEach((value, i) => expect(value!).toBeCloseTo(wanted[i]!, 2));
      });
    }
    expect(seen).toBeGreaterThan(20);
    expect(Math.min(swapped, seen - swapped)).toBeGreaterThan(5);
  });
});

/** Flipped and shifted images: what is drawn, and what the graph does with it. */
import { afterAll, describe, expect, test } from 'vitest';
import {
  augmentationDraws,
  graphAugmentation,
  isAugmented,
  isMadeAnew,
} from '../../src-main/engine/data/augmentation.ts';
import { tensor } from '../../src-main/engine/graph/types.ts';
import { motionOf } from '../../src-main/engine/nn/augmentation.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { noAugmentation } from '../../src-main/contract/model/run-images.ts';
import { numbersOf, runGraph, runtime } from '../helpers/engine-run.ts';
import { seededRandom } from '../helpers/generated-data.ts';

describe('draws', () => {
  const both = { ...noAugmentation, flipHorizontal: 0.5, shift: 2 };
  const columns = (draws: Int32Array): number[][] =>
    [0, 1, 2].map((column) => [...draws].filter((_, i) => i % 3 === column));

  test('cover what is asked for, evenly, and nothing else', () => {
    const [mirrored, right, down] = columns(augmentationDraws(both, 5000, 1, 0)) as [number[], number[], number[]];
    const shares = (values: number[]): number[] =>
      [-2, -1, 0, 1, 2].map((value) => values.filter((drawn) => drawn === value).length / values.length);
    expect(shares(mirrored)).toEqual([0, 0, expect.closeTo(0.5, 1), expect.closeTo(0.5, 1), 0]);
    for (const share of [...shares(right), ...shares(down)]) expect(share).toBeCloseTo(0.2, 1);
    expect(right).not.toEqual(down);
    expect(
      columns(augmentationDraws({ ...noAugmentation, flipHorizontal: 0.5 }, 100, 1, 0))
        .slice(1)
        .flat(),
    ).toEqual(new Array(200).fill(0));
    expect(columns(augmentationDraws({ ...noAugmentation, shift: 3 }, 100, 1, 0))[0]).toEqual(new Array(100).fill(0));
  });

  test('follow from seed and epoch', () => {
    expect(augmentationDraws(both, 50, 1, 3)).toEqual(augmentationDraws(both, 50, 1, 3));
    expect(augmentationDraws(both, 50, 1, 3)).not.toEqual(augmentationDraws(both, 50, 1, 4));
    expect(augmentationDraws(both, 50, 1, 3)).not.toEqual(augmentationDraws(both, 50, 2, 3));
  });

  test('are not needed where nothing is asked for', () => {
    const flipped = { ...noAugmentation, flipHorizontal: 0.5 };
    const asked = [
      both,
      flipped,
      { ...noAugmentation, shift: 1 },
      noAugmentation,
      { ...flipped, closeMosaicEpochs: 3 },
    ];
    expect(asked.map(isAugmented)).toEqual([true, true, true, false, true]);
  });

  test('are not needed where the images are made anew before they reach the graph', () => {
    const changes = { ...noAugmentation, flipVertical: 0.5, randomCrop: 0.5, hue: 0.1, mosaic: 1, rotateDegrees: 5 };
    const { flipVertical, randomCrop, hue, mosaic, rotateDegrees } = changes;
    for (const change of [{ flipVertical }, { randomCrop }, { hue }, { mosaic }, { rotateDegrees }]) {
      const config = { task: 'detection', augmentation: { ...both, ...change } } as const;
      expect([isMadeAnew(config), isAugmented(graphAugmentation(config))]).toEqual([true, false]);
    }
    const plain = { task: 'detection', augmentation: both } as const;
    expect([isMadeAnew(plain), isAugmented(graphAugmentation(plain))]).toEqual([false, true]);
  });

  test('are not needed for labels that a graph cannot move', () => {
    const masks = { task: 'instance-segmentation', augmentation: both } as const;
    expect([isMadeAnew(masks), isAugmented(graphAugmentation(masks))]).toEqual([true, false]);
    expect(isMadeAnew({ ...masks, augmentation: { ...noAugmentation, closeMosaicEpochs: 3 } })).toBe(false);
  });
});

/** Mirrored, then moved right and down; `fill` where nothing comes from. */
function augmentPlainly(
  image: readonly number[],
  [c, h, w]: readonly [number, number, number],
  draw: readonly number[],
  fill = 0,
): number[] {
  const [mirrored, right, down] = draw as [number, number, number];
  const pixel = (channel: number, y: number, x: number): number =>
    y < 0 || y >= h || x < 0 || x >= w ? fill : image[(channel * h + y) * w + (mirrored ? w - 1 - x : x)]!;
  return Array.from({ length: c * h * w }, (_, i) =>
    pixel(Math.floor(i / (h * w)), (Math.floor(i / w) % h) - down, (i % w) - right),
  );
}

describe('in the graph', () => {
  const shape = [2, 4, 5] as const;
  const size = 40;
  const run = async (
    images: readonly number[],
    draws: readonly (readonly number[])[],
    shift: number,
    fill = 0,
  ): Promise<number[]> => {
    const g = newGraph('augment');
    const batch = draws.length;
    const input = g.input('images', 'uint8', [batch, ...shape]);
    const motion = motionOf(g, [shape[1], shape[2]], g.input('draws', 'int64', [batch, 3]), { shift });
    g.output(motion.apply(input, fill), 'augmented');
    const results = await runGraph(g.graph, {
      images: tensor('uint8', [batch, ...shape], images),
      draws: tensor('int64', [batch, 3], draws.flat()),
    });
    return numbersOf(results, 'augmented');
  };

  test('each image is mirrored and moved by its own draw', async () => {
    const random = seededRandom(5);
    const draws = [0, 1].flatMap((mirrored) =>
      [-3, 0, 1].flatMap((right) => [-1, 0, 3].map((down) => [mirrored, right, down])),
    );
    const images = Array.from({ length: draws.length * size }, () => Math.floor(random() * 256));
    const wanted = draws.flatMap((draw, i) => augmentPlainly(images.slice(i * size, (i + 1) * size), shape, draw));
    expect(await run(images, draws, 3)).toEqual(wanted);
  });

  test('what comes in at the edge of a mask is what it is told', async () => {
    const draws = [
      [1, 2, -1],
      [0, -3, 2],
    ];
    const masks = Array.from({ length: 2 * size }, (_, i) => i % 5);
    const wanted = draws.flatMap((draw, i) => augmentPlainly(masks.slice(i * size, (i + 1) * size), shape, draw, 255));
    expect(await run(masks, draws, 3, 255)).toEqual(wanted);
    expect(wanted).toContain(255);
  });

  test('without shifts images are mirrored only', async () => {
    const images = Array.from({ length: 2 * size }, (_, i) => i);
    const wanted = [0, 1].flatMap((mirrored) =>
      augmentPlainly(images.slice(mirrored * size, (mirrored + 1) * size), shape, [mirrored, 0, 0]),
    );
    expect(
      await run(
        images,
        [
          [0, 0, 0],
          [1, 0, 0],
        ],
        0,
      ),
    ).toEqual(wanted);
  });
});

afterAll(() => expect(runtime.liveSessions).toBe(0));

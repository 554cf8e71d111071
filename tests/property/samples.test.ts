/** Samples of any images under any augmentation: boxes and masks of an object stay together. A failure names the seed. */
import { expect, test } from 'vitest';
import { noAugmentation } from '../../src-main/contract/model/run-images.ts';
import { drawMask } from '../../src-main/engine/data/draw-mask.ts';
import { padding, place, toImage, toNetwork } from '../../src-main/engine/data/letterbox.ts';
import { sampleBoxes } from '../../src-main/engine/data/samples/boxes.ts';
import { sampleRecipe } from '../../src-main/engine/data/samples/recipe.ts';
import { renderSample } from '../../src-main/engine/data/samples/render.ts';
import { seededRandom } from '../helpers/generated-data.ts';

const SEED = Number(process.env['FOVEA_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
console.log(`samples: FOVEA_TEST_SEED=${SEED}`);

test.each(Array.from({ length: 100 }, (_, index) => (SEED + index) >>> 0))('seed %i', (seed) => {
  const random = seededRandom(seed);
  const upTo = (most: number): number => 1 + Math.floor(random() * most);
  const network = { widthPx: 16 + upTo(60), heightPx: 16 + upTo(60) };
  const fit = (['letterbox', 'stretch', 'crop'] as const)[Math.floor(random() * 3)]!;
  const images = Array.from({ length: upTo(5) }, () => {
    const size = { widthPx: 4 + upTo(150), heightPx: 4 + upTo(150) };
    const placement = place(size, network, fit);
    const [x, y] = [random() * size.widthPx, random() * size.heightPx];
    const bboxXyxy = [x, y, x + random() * size.widthPx, y + random() * size.heightPx] as const;
    const [nx1, ny1, nx2, ny2] = toNetwork(placement, bboxXyxy);
    toImage(placement, [nx1, ny1, nx2, ny2]).forEach((side, i) => expect(side).toBeCloseTo(bboxXyxy[i]!, 6));
    const mask = drawMask([{ shape: { kind: 'bbox', bboxXyxy: [...bboxXyxy] }, value: 1 }], placement, 0);
    const { leftPx, topPx, resized } = placement;
    const contentXyxy = [
      Math.max(0, leftPx),
      Math.max(0, topPx),
      Math.min(network.widthPx, leftPx + resized.widthPx),
      Math.min(network.heightPx, topPx + resized.heightPx),
    ] as const;
    const planes = new Uint8Array(network.widthPx * network.heightPx).fill(200);
    return { placement, contentXyxy, planes, mask, numbers: null, objects: [{ category: 0, bboxXyxy, object: 0 }] };
  });
  const augmentation = {
    ...noAugmentation,
    flipHorizontal: random(),
    flipVertical: random(),
    shift: Math.floor(random() * 6),
    translate: random() * 0.5,
    scale: random() * 0.9,
    rotateDegrees: random() * 180,
    shearDegrees: random() * 40,
    randomCrop: random() < 0.5 ? 0.01 + random() * 0.9 : null,
    mosaic: random(),
  };
  const facts = {
    ...{ augmentation, seed, epochsTotal: 3, network, imageCount: images.length },
    contentOf: (position: number) => images[position]!.contentXyxy,
  };
  const recipe = sampleRecipe(facts, upTo(3) - 1, Math.floor(random() * images.length));
  const area = network.widthPx * network.heightPx;

  for (const [at, tile] of recipe.tiles.entries()) {
    const alone = recipe.tiles.map((each, i) => (i === at ? each : { ...each, windowXyxy: [0, 0, 0, 0] as const }));
    const [image, mask] = [new Uint8Array(area), new Uint8Array(area)];
    const shown = recipe.tiles.map(({ position }) => images[position]!);
    renderSample({ ...recipe, tiles: alone }, shown, network, image, mask);
    // Image and mask are there together, or neither is.
    expect([...image].map((value) => value === 200)).toEqual([...mask].map((value) => value !== padding.mask));
    const [box] = sampleBoxes(
      { ...recipe, tiles: [tile] },
      network,
      (position) => images[position]!.objects,
      (position) => images[position]!.placement,
    );
    const object = [...mask.keys()].filter((pixel) => mask[pixel] === 1);
    if (!box) continue;
    const [x1, y1, x2, y2] = box.bboxXyxy;
    expect(Math.min(x1, y1, network.widthPx - x2, network.heightPx - y2)).toBeGreaterThanOrEqual(0);
    expect(Math.min(x2 - x1, y2 - y1)).toBeGreaterThan(2);
    // The mask was drawn in whole px before it was moved: it may reach half a px of its pack further.
    const [a, b, , d, e] = recipe.motion;
    const [reachX, reachY] = [(Math.abs(a) + Math.abs(b)) / 2 + 1e-6, (Math.abs(d) + Math.abs(e)) / 2 + 1e-6];
    for (const pixel of object) {
      const [x, y] = [(pixel % network.widthPx) + 0.5, Math.floor(pixel / network.widthPx) + 0.5];
      expect(x > x1 - reachX && x < x2 + reachX && y > y1 - reachY && y < y2 + reachY, `pixel ${x}, ${y}`).toBe(true);
    }
  }
});

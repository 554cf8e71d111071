/** Images and labels made anew: each against a plain computation of the same thing that shares none of its code. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { noAugmentation, type AugmentationConfig } from '../../src-main/contract/model/run-images.ts';
import { padding, place, type SizePx } from '../../src-main/engine/data/letterbox.ts';
import { resizeInto } from '../../src-main/engine/data/resize.ts';
import { drawMask } from '../../src-main/engine/data/draw-mask.ts';
import { encodeRle } from '../../src-main/contract/geometry/rle.ts';
import type { Affine } from '../../src-main/engine/data/samples/affine.ts';
import { keptBoxes, objectNumbers, sampleBoxes, writeBoxRows } from '../../src-main/engine/data/samples/boxes.ts';
import { changeColours } from '../../src-main/engine/data/samples/colour.ts';
import { sampleRecipe, type RecipeFacts, type SampleRecipe } from '../../src-main/engine/data/samples/recipe.ts';
import { renderSample } from '../../src-main/engine/data/samples/render.ts';
import { seededRandom } from '../helpers/generated-data.ts';

interface Golden {
  resizes: { image: number[]; size: [number, number]; resized: [number, number]; values: number[] }[];
  motions: {
    size: [number, number];
    image: number[];
    mask: number[];
    motion: number[];
    inside: number[];
    values: number[];
    labels: number[];
  }[];
}
const golden = JSON.parse(readFileSync(new URL('../golden/images/images.json', import.meta.url), 'utf8')) as Golden;

const noColour = { hue: 0, saturation: 1, value: 1, brightness: 1, contrast: 1 };
const worst = (ours: ArrayLike<number>, theirs: readonly number[]): number =>
  theirs.reduce((most, value, at) => Math.max(most, Math.abs(ours[at]! - value)), 0);

test.each(golden.resizes)('resized from $size to $resized as PyTorch does it', ({ image, size, resized, values }) => {
  const [h, w] = size;
  const interleaved = Uint8Array.from({ length: 3 * h * w }, (_, i) => image[(i % 3) * h * w + Math.floor(i / 3)]!);
  const placement = place({ widthPx: w, heightPx: h }, { widthPx: resized[1], heightPx: resized[0] }, 'stretch');
  expect(worst(resizeInto(interleaved, 3, placement), values)).toBeLessThan(0.501);
});

test.each(golden.motions)(
  'moved by $motion as PyTorch does it',
  ({ size, image, mask, motion, inside, values, labels }) => {
    const [h, w] = size;
    const content = [0, 0, w, h] as const;
    const recipe: SampleRecipe = {
      tiles: [{ position: 0, offset: [0, 0], windowXyxy: content }],
      centre: null,
      motion: motion as unknown as Affine,
      colour: noColour,
    };
    const drawn = { image: new Uint8Array(image.length), mask: new Uint8Array(mask.length) };
    const tile = { planes: Uint8Array.from(image), mask: Uint8Array.from(mask), numbers: null, contentXyxy: content };
    renderSample(recipe, [tile], { widthPx: w, heightPx: h }, drawn.image, drawn.mask);
    const seen = (value: number, at: number, outside: number): number => (inside[at % (h * w)] ? value : outside);
    expect(
      worst(
        drawn.image,
        values.map((value, at) => seen(value, at, padding.image)),
      ),
    ).toBeLessThan(0.501);
    expect([...drawn.mask]).toEqual(labels.map((label, at) => seen(label, at, padding.mask)));
  },
);

describe('placed in a network’s input', () => {
  const photo = { widthPx: 10, heightPx: 4 };
  const network = { widthPx: 8, heightPx: 8 };

  test('letterboxed it has bars, stretched it fills, cropped it hangs over', () => {
    expect(place(photo, network, 'letterbox')).toMatchObject({
      resized: { widthPx: 8, heightPx: 3 },
      leftPx: 0,
      topPx: 2,
    });
    expect(place(photo, network, 'stretch')).toMatchObject({ resized: network, leftPx: 0, topPx: 0 });
    expect(place(photo, network, 'crop')).toMatchObject({
      resized: { widthPx: 20, heightPx: 8 },
      leftPx: -6,
      topPx: 0,
    });
  });

  test('bars are grey, and a crop shows the middle', () => {
    const bright = Uint8Array.from({ length: 3 * 40 }, (_, i) => 10 * (Math.floor(i / 3) % 10));
    const barred = resizeInto(bright, 3, place(photo, network, 'letterbox'));
    const row = (planes: Uint8Array, y: number): number[] => [...planes.subarray(8 * y, 8 * y + 8)];
    expect([row(barred, 0), row(barred, 1), row(barred, 5)].flat()).toEqual(new Array(24).fill(padding.image));
    expect(row(barred, 2)[0]).toBeLessThan(row(barred, 2)[7]!);
    const cropped = row(resizeInto(bright, 3, place(photo, network, 'crop')), 4);
    expect([cropped[0], cropped[7]]).toEqual([28, 63]);
  });
});

describe('a drawn mask', () => {
  /** Even-odd, as its definition says it. */
  const inRing = (ring: readonly number[], x: number, y: number): boolean => {
    let inside = false;
    for (let i = 0; i < ring.length; i += 2) {
      const [xa, ya] = [ring[i]!, ring[i + 1]!];
      const [xb, yb] = [ring[(i + 2) % ring.length]!, ring[(i + 3) % ring.length]!];
      if (ya > y !== yb > y && x < xa + ((y - ya) / (yb - ya)) * (xb - xa)) inside = !inside;
    }
    return inside;
  };

  test.each(['letterbox', 'stretch', 'crop'] as const)('is what lies under each pixel’s middle: %s', (fit) => {
    const random = seededRandom(5);
    for (let round = 0; round < 40; round++) {
      const photo = { widthPx: 5 + Math.floor(random() * 60), heightPx: 5 + Math.floor(random() * 60) };
      const network = { widthPx: 24, heightPx: 32 };
      const placement = place(photo, network, fit);
      const at = (reach: number): number => (random() * 1.4 - 0.2) * reach;
      const outer = Array.from({ length: 10 }, (_, i) => at(i % 2 ? photo.heightPx : photo.widthPx));
      const hole = Array.from({ length: 6 }, (_, i) => at(i % 2 ? photo.heightPx : photo.widthPx));
      const pixels = Uint8Array.from({ length: photo.widthPx * photo.heightPx }, () => Number(random() < 0.5));
      const box = [at(photo.widthPx), at(photo.heightPx)].flatMap((v) => [v, v + 1 + random() * 20]);
      const [x1, x2, y1, y2] = box as [number, number, number, number];
      const mask = drawMask(
        [
          { shape: { kind: 'polygon', parts: [{ outer, holes: [hole] }] }, value: 1 },
          {
            shape: { kind: 'mask', rle: { ...encodeRle(pixels, photo), counts: [...encodeRle(pixels, photo).counts] } },
            value: 2,
          },
          { shape: { kind: 'bbox', bboxXyxy: [x1, y1, x2, y2] }, value: 3 },
        ],
        placement,
        0,
      );
      const expected = Array.from({ length: network.widthPx * network.heightPx }, (_, i) => {
        const [nx, ny] = [(i % network.widthPx) + 0.5, Math.floor(i / network.widthPx) + 0.5];
        const x = ((nx - placement.leftPx) * photo.widthPx) / placement.resized.widthPx;
        const y = ((ny - placement.topPx) * photo.heightPx) / placement.resized.heightPx;
        if (x < 0 || y < 0 || x >= photo.widthPx || y >= photo.heightPx) return padding.mask;
        if (x >= x1 && x < x2 && y >= y1 && y < y2) return 3;
        if (pixels[Math.floor(y) * photo.widthPx + Math.floor(x)]) return 2;
        return inRing(outer, x, y) !== inRing(hole, x, y) ? 1 : 0;
      });
      expect([...mask]).toEqual(expected);
    }
  });
});

/** A split of drawn images: noise, with objects that a mask shows too. */
function drawnSplit(seed: number, sizes: readonly SizePx[], network: SizePx) {
  const random = seededRandom(seed);
  return sizes.map((size) => {
    const placement = place(size, network, 'letterbox');
    const [left, top] = [placement.leftPx, placement.topPx];
    const contentXyxy = [left, top, left + placement.resized.widthPx, top + placement.resized.heightPx] as const;
    const planes = Uint8Array.from({ length: 3 * network.widthPx * network.heightPx }, () =>
      Math.floor(random() * 256),
    );
    const [w, h] = [size.widthPx * (0.2 + 0.3 * random()), size.heightPx * (0.2 + 0.3 * random())];
    const [x, y] = [random() * (size.widthPx - w), random() * (size.heightPx - h)];
    const bboxXyxy = [x, y, x + w, y + h] as const;
    const mask = drawMask([{ shape: { kind: 'bbox', bboxXyxy: [...bboxXyxy] }, value: 1 }], placement, 0);
    return { placement, contentXyxy, planes, mask, numbers: null, objects: [{ category: 4, bboxXyxy, object: 0 }] };
  });
}

const everything: AugmentationConfig = {
  ...noAugmentation,
  flipHorizontal: 0.5,
  flipVertical: 0.3,
  shift: 3,
  translate: 0.2,
  scale: 0.5,
  mosaic: 0.7,
};

describe('a whole sample', () => {
  const network = { widthPx: 48, heightPx: 40 };
  const sizes = [
    { widthPx: 90, heightPx: 60 },
    { widthPx: 30, heightPx: 80 },
    { widthPx: 48, heightPx: 40 },
    { widthPx: 200, heightPx: 50 },
    { widthPx: 64, heightPx: 64 },
  ];
  const images = drawnSplit(3, sizes, network);
  const factsOf = (augmentation: AugmentationConfig, seed = 7): RecipeFacts => ({
    augmentation,
    seed,
    epochsTotal: 10,
    network,
    imageCount: images.length,
    contentOf: (position) => images[position]!.contentXyxy,
  });
  const render = (recipe: SampleRecipe): { image: Uint8Array; mask: Uint8Array } => {
    const area = network.widthPx * network.heightPx;
    const drawn = { image: new Uint8Array(3 * area), mask: new Uint8Array(area) };
    const tiles = recipe.tiles.map(({ position }) => images[position]!);
    renderSample(recipe, tiles, network, drawn.image, drawn.mask);
    return drawn;
  };

  test('without anything to change is the image as it lies in its pack, bars and all', () => {
    const { image, mask } = render(sampleRecipe(factsOf(noAugmentation), 0, 2));
    expect(image).toEqual(images[2]!.planes);
    expect(mask).toEqual(images[2]!.mask);
    const barred = render(sampleRecipe(factsOf(noAugmentation), 0, 0));
    expect(barred.mask).toEqual(images[0]!.mask);
  });

  test('follows from seed, epoch and place', () => {
    const of = (seed: number, epoch: number, position: number) =>
      sampleRecipe(factsOf(everything, seed), epoch, position);
    expect(of(1, 2, 3)).toEqual(of(1, 2, 3));
    for (const other of [of(2, 2, 3), of(1, 3, 3), of(1, 2, 4)]) expect(other.motion).not.toEqual(of(1, 2, 3).motion);
  });

  test('is a part of a canvas with four images around a point', () => {
    const facts = factsOf({ ...everything, mosaic: 1, hue: 0 });
    for (let epoch = 0; epoch < 6; epoch++) {
      const recipe = sampleRecipe(facts, epoch, epoch % 5);
      expect(recipe.tiles).toHaveLength(4);
      const { image, mask } = render(recipe);
      // The canvas as it is: twice the sides, its pixels laid down one by one.
      const [W, H] = [2 * network.widthPx, 2 * network.heightPx];
      const canvas = new Int32Array(W * H).fill(-1);
      const [cx, cy] = recipe.centre!;
      recipe.tiles.forEach(({ position }, quadrant) => {
        const [left, top, right, bottom] = images[position]!.contentXyxy;
        for (let y = top; y < bottom; y++) {
          for (let x = left; x < right; x++) {
            const X = quadrant % 2 ? cx + x - left : cx - right + x;
            const Y = quadrant < 2 ? cy - bottom + y : cy + y - top;
            if (X >= 0 && Y >= 0 && X < W && Y < H)
              canvas[Y * W + X] = (position * network.heightPx + y) * network.widthPx + x;
          }
        }
      });
      // Nothing is turned, so the motion is a factor and an offset along each axis, found from two points.
      const [a, b, c, d, e, f] = recipe.motion;
      expect(Math.abs(b) + Math.abs(d)).toBeLessThan(1e-12);
      const area = network.widthPx * network.heightPx;
      const expected = Array.from({ length: area }, (_, i) => {
        const X = Math.floor(((i % network.widthPx) + 0.5 - c) / a);
        const Y = Math.floor((Math.floor(i / network.widthPx) + 0.5 - f) / e);
        const from = X >= 0 && Y >= 0 && X < W && Y < H ? canvas[Y * W + X]! : -1;
        return from < 0 ? padding.mask : images[Math.floor(from / area)]!.mask[from % area]!;
      });
      expect([...mask]).toEqual(expected);
      expect([...image.subarray(0, area)].filter((_, i) => mask[i] === padding.mask)).toEqual(
        expected.filter((value) => value === padding.mask).map(() => padding.image),
      );
    }
  });

  test('shows every object in its map by the number of its row, and none that has no row', () => {
    let rows = 0;
    for (let seed = 0; seed < 60; seed++) {
      const recipe = sampleRecipe(factsOf({ ...everything, mosaic: 1 }, seed), seed % 10, seed % 5);
      const boxes = sampleBoxes(
        recipe,
        network,
        (position) => images[position]!.objects,
        (position) => images[position]!.placement,
      );
      const kept = keptBoxes(boxes, 2);
      rows += kept.length;
      const numbers = objectNumbers(kept, recipe.tiles.length);
      const area = network.widthPx * network.heightPx;
      const map = new Uint8Array(area);
      const tiles = recipe.tiles.map(({ position }, tile) => ({ ...images[position]!, numbers: numbers[tile]! }));
      renderSample(recipe, tiles, network, new Uint8Array(3 * area), map);
      // Each tile alone, as the test of boxes below has them.
      kept.forEach(({ tile, bboxXyxy: [x1, y1, x2, y2] }, row) => {
        const alone = recipe.tiles.map((each, i) =>
          i === tile ? each : { ...each, windowXyxy: [0, 0, 0, 0] as const },
        );
        const { mask } = render({ ...recipe, tiles: alone });
        const own = [...map.keys()].filter((pixel) => map[pixel] === row + 1);
        expect(own).toEqual([...mask.keys()].filter((pixel) => mask[pixel] === 1));
        const reach = 1 + Math.abs(recipe.motion[0]);
        for (const pixel of own) {
          const [x, y] = [pixel % network.widthPx, Math.floor(pixel / network.widthPx)];
          expect(x > x1 - reach && x < x2 + reach && y > y1 - reach && y < y2 + reach).toBe(true);
        }
      });
      const known = new Set([0, padding.mask, ...kept.keys()].map((value, i) => (i < 2 ? value : value + 1)));
      expect([...new Set(map)].filter((value) => !known.has(value))).toEqual([]);
    }
    expect(rows).toBeGreaterThan(60);
  });

  test('has its boxes where its mask shows the objects, and none where too little is in sight', () => {
    let [kept, dropped] = [0, 0];
    for (let seed = 0; seed < 150; seed++) {
      const facts = factsOf(seed % 3 === 0 ? { ...everything, mosaic: 0, randomCrop: 0.3 } : everything, seed);
      const recipe = sampleRecipe(facts, seed % 10, seed % 5);
      // Each object by itself, so that what the mask shows is one object's.
      for (const [tile, { position }] of recipe.tiles.entries()) {
        const alone = {
          ...recipe,
          tiles: recipe.tiles.map((each, i) => (i === tile ? each : { ...each, windowXyxy: [0, 0, 0, 0] as const })),
        };
        const { mask } = render(alone);
        const shown = [...mask.keys()].filter((i) => mask[i] === 1);
        const boxes = sampleBoxes(
          { ...recipe, tiles: [recipe.tiles[tile]!] },
          network,
          () => images[position]!.objects,
          () => images[position]!.placement,
        );
        const [box] = boxes;
        if (box) {
          kept++;
          const xs = shown.map((i) => i % network.widthPx);
          const ys = shown.map((i) => Math.floor(i / network.widthPx));
          const bounds = [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1];
          // The mask was drawn in whole px of the pack before it was moved.
          const reach = 0.5 + 0.5 * Math.max(Math.abs(recipe.motion[0]), Math.abs(recipe.motion[4]));
          expect(worst(box.bboxXyxy, bounds), `seed ${seed}, tile ${tile}`).toBeLessThan(reach + 0.01);
        } else {
          dropped++;
          const whole = images[position]!.mask.filter((value) => value === 1).length;
          const scale = Math.abs(recipe.motion[0] * recipe.motion[4]);
          const isThin =
            new Set(shown.map((i) => i % network.widthPx)).size <= 4 ||
            new Set(shown.map((i) => Math.floor(i / network.widthPx))).size <= 4;
          expect(isThin || shown.length < 0.2 * whole * scale, `seed ${seed}, tile ${tile}`).toBe(true);
        }
      }
    }
    expect(Math.min(kept, dropped)).toBeGreaterThan(30);
  });

  test('stops having mosaics so many epochs before the end', () => {
    const facts = factsOf({ ...noAugmentation, mosaic: 1, closeMosaicEpochs: 4 });
    const tiles = Array.from({ length: 10 }, (_, epoch) => sampleRecipe(facts, epoch, 0).tiles.length);
    expect(tiles).toEqual([4, 4, 4, 4, 4, 4, 1, 1, 1, 1]);
  });

  test('cuts out parts of the asked-for size, and fills the input with them', () => {
    for (let seed = 0; seed < 100; seed++) {
      const recipe = sampleRecipe(factsOf({ ...noAugmentation, randomCrop: 0.4 }, seed), 0, 0);
      const [a, , c, , e, f] = recipe.motion;
      const [left, top, right, bottom] = images[0]!.contentXyxy;
      const part = [-c / a, -f / e, (network.widthPx - c) / a, (network.heightPx - f) / e] as const;
      const share = ((part[2] - part[0]) * (part[3] - part[1])) / ((right - left) * (bottom - top));
      expect(share).toBeGreaterThan(0.4 - 1e-9);
      expect(share).toBeLessThan(1 + 1e-9);
      expect(Math.min(part[0] - left, part[1] - top, right - part[2], bottom - part[3])).toBeGreaterThan(-1e-9);
    }
  });
});

describe('turned about the middle', () => {
  test('a quarter turn clockwise puts the left edge on top', () => {
    const network = { widthPx: 6, heightPx: 6 };
    const planes = Uint8Array.from({ length: 36 }, (_, i) => (i % 6 === 0 ? 200 : 10));
    const content = [0, 0, 6, 6] as const;
    const recipe: SampleRecipe = {
      tiles: [{ position: 0, offset: [0, 0], windowXyxy: content }],
      centre: null,
      motion: [0, -1, 6, 1, 0, 0],
      colour: noColour,
    };
    const image = new Uint8Array(36);
    renderSample(recipe, [{ planes, mask: null, numbers: null, contentXyxy: content }], network, image, null);
    expect([...image.subarray(0, 6)]).toEqual(new Array(6).fill(200));
    expect([...image.subarray(6)]).toEqual(new Array(30).fill(10));
  });
});

describe('colours', () => {
  /** By the textbook: to HSV, change, and back by sectors. */
  function plainly([r, g, b]: readonly [number, number, number], hue: number, saturation: number): number[] {
    const [max, min] = [Math.max(r, g, b), Math.min(r, g, b)];
    let h = 0;
    if (max !== min) {
      if (max === r) h = (60 * (g - b)) / (max - min);
      else if (max === g) h = 120 + (60 * (b - r)) / (max - min);
      else h = 240 + (60 * (r - g)) / (max - min);
    }
    h = (((h + 360 * hue) % 360) + 360) % 360;
    const s = Math.min(1, (max === 0 ? 0 : 1 - min / max) * saturation);
    const sector = Math.floor(h / 60) % 6;
    const f = h / 60 - Math.floor(h / 60);
    const [p, q, t] = [max * (1 - s), max * (1 - f * s), max * (1 - (1 - f) * s)];
    return [
      [max, t, p],
      [q, max, p],
      [p, max, t],
      [p, q, max],
      [t, p, max],
      [max, p, q],
    ][sector]!;
  }

  test.each([
    [0.015, 1.4],
    [-0.3, 0.5],
    [0.5, 1],
    [0, 1.7],
  ])('hue turned by %f and saturation times %f are HSV’s', (hue, saturation) => {
    const random = seededRandom(9);
    const count = 500;
    const image = Uint8Array.from({ length: 3 * count }, (_, i) => (i % 50 === 0 ? 0 : Math.floor(random() * 256)));
    const before = image.slice();
    changeColours({ ...noColour, hue, saturation }, image, count);
    for (let i = 0; i < count; i++) {
      const rgb = [before[i]!, before[i + count]!, before[i + 2 * count]!] as const;
      expect(worst([image[i]!, image[i + count]!, image[i + 2 * count]!], plainly(rgb, hue, saturation))).toBeLessThan(
        0.501,
      );
    }
  });

  test('value and brightness are factors, contrast one of the distance from the mean; grey images have them too', () => {
    const grey = Uint8Array.from([0, 100, 200]);
    changeColours({ ...noColour, hue: 0.3, saturation: 2, value: 1.1, brightness: 0.5, contrast: 1.5 }, grey, 3);
    // 0, 55, 110 with the mean 55
    expect([...grey]).toEqual([0, 55, 138]);
    const bright = Uint8Array.from([100, 200, 250]);
    changeColours({ ...noColour, value: 1.4 }, bright, 3);
    expect([...bright]).toEqual([140, 255, 255]);
  });
});

test('rows of boxes end in zeros, and lose the smallest where there are too many', () => {
  const boxes = [1, 3, 2].map((side, category) => ({
    category,
    bboxXyxy: [0, 0, side, side] as const,
    object: category,
    tile: 0,
  }));
  const rows = new Float32Array(24).fill(9);
  writeBoxRows(keptBoxes(boxes.slice(0, 2), 3), rows.subarray(0, 18));
  expect([...rows]).toEqual([1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9]);
  writeBoxRows(keptBoxes(boxes, 2), rows.subarray(0, 12));
  expect([...rows.subarray(0, 12)]).toEqual([1, 1, 0, 0, 3, 3, 1, 2, 0, 0, 2, 2]);
});

/**
 * Scenes of drawn objects with the mask of each, from a seed: the same seed gives the same bytes. There are two worlds. A
 * street is what a person trains on; the countryside has other objects, and is what the checkpoint that comes along was
 * trained on. Nothing of it is, or is made from, a photograph.
 */
import type { SampleWorld } from '../../contract/model/sample.ts';
import { encodeRle, rleBounds, type Rle } from '../../contract/geometry/rle.ts';
import type { BboxXyxy } from '../../contract/geometry/box.ts';
import { Random } from '../../engine/data/random.ts';
import { Canvas, type Colour } from './canvas.ts';
import { balloon, boat, cow, tractor } from './countryside-objects.ts';
import { darker, Pen, type Stand } from './pen.ts';
import { between, bus, car, oneOf, person, sign, type DrawObject } from './traffic-objects.ts';

export interface SceneObject {
  /** Ordinal in the world's classes. */
  category: number;
  /** What is seen of it, px. */
  bboxXyxy: BboxXyxy;
  rle: Rle;
}

export interface Scene {
  /** RGB, [H, W, 3] */
  bytes: Uint8Array;
  objects: SceneObject[];
}

interface ObjectKind {
  name: string;
  draw: DrawObject;
  /** Height in px where it is nearest. */
  height: readonly [number, number];
  /** How far above the ground it is, in heights of the picture: on a pole, or in the air. */
  above?: readonly [number, number];
  onPole?: true;
}

interface World {
  kinds: readonly ObjectKind[];
  background(canvas: Canvas, random: Random, horizon: number): void;
}

const sky = (canvas: Canvas, random: Random, horizon: number): void => {
  const light = between(0.75, 1, random);
  const top = darker(
    oneOf<Colour>(
      [
        [96, 150, 212],
        [150, 170, 190],
        [110, 120, 170],
      ],
      random,
    ),
    light,
  );
  canvas.gradient(0, horizon, top, darker([214, 222, 226], light));
};

const rectangle = (canvas: Canvas, left: number, top: number, right: number, bottom: number, colour: Colour): void =>
  canvas.polygon(
    [
      [left, top],
      [right, top],
      [right, bottom],
      [left, bottom],
    ],
    colour,
    0,
  );

function tree(canvas: Canvas, random: Random, x: number, ground: number, height: number): void {
  const green: Colour = [between(40, 90, random), between(96, 140, random), between(40, 70, random)];
  rectangle(canvas, x - height * 0.05, ground - height * 0.5, x + height * 0.05, ground, [92, 70, 50]);
  for (let i = 0; i < 3; i++) {
    const [dx, dy] = [between(-0.15, 0.15, random) * height, between(0.5, 0.85, random) * height];
    canvas.ellipse([x + dx, ground - dy], height * 0.24, height * 0.22, darker(green, 0.85 + 0.1 * i), 0);
  }
}

function street(canvas: Canvas, random: Random, horizon: number): void {
  const { widthPx, heightPx } = canvas;
  sky(canvas, random, horizon);
  for (let left = -10; left < widthPx;) {
    const width = between(30, 80, random);
    const top = horizon - between(20, 80, random);
    const wall = oneOf<Colour>(
      [
        [168, 150, 132],
        [140, 140, 148],
        [190, 176, 150],
        [150, 108, 92],
      ],
      random,
    );
    rectangle(canvas, left, top, left + width, horizon + 4, wall);
    for (let y = top + 6; y < horizon - 8; y += 14)
      for (let x = left + 5; x < left + width - 8; x += 13)
        rectangle(canvas, x, y, x + 6, y + 8, random.below(4) === 0 ? [232, 214, 140] : darker(wall, 0.6));
    left += width;
  }
  canvas.gradient(horizon, heightPx, [150, 148, 142], [126, 124, 120]);
  const [middle, spread] = [between(0.35, 0.65, random) * widthPx, between(1.1, 1.6, random) * widthPx];
  const tarmac = darker([104, 104, 108], between(0.7, 1, random));
  canvas.polygon(
    [
      [middle - 0.3 * widthPx, horizon + 4],
      [middle + 0.3 * widthPx, horizon + 4],
      [middle + spread, heightPx],
      [middle - spread, heightPx],
    ],
    tarmac,
    0,
  );
  for (let y = horizon + 10; y < heightPx; y += (y - horizon) * 0.5) {
    const half = (y - horizon) * 0.02 + 1;
    const length = (y - horizon) * 0.22;
    rectangle(canvas, middle - half, y, middle + half, y + length, [224, 222, 206]);
  }
  for (let i = random.below(4); i > 0; i--)
    tree(canvas, random, random.uniform() * widthPx, horizon + 8, between(50, 100, random));
}

function countryside(canvas: Canvas, random: Random, horizon: number): void {
  const { widthPx, heightPx } = canvas;
  sky(canvas, random, horizon);
  for (let i = 0; i < 3; i++) {
    const green: Colour = [between(80, 130, random), between(120, 150, random), between(70, 100, random)];
    canvas.ellipse(
      [random.uniform() * widthPx, horizon + 20],
      between(80, 180, random),
      between(24, 60, random),
      green,
      0,
    );
  }
  const field = oneOf<Colour>(
    [
      [128, 150, 72],
      [176, 156, 88],
      [110, 134, 66],
    ],
    random,
  );
  canvas.gradient(horizon, heightPx, field, darker(field, 0.75));
  const river = oneOf<Colour>(
    [
      [84, 128, 160],
      [104, 140, 150],
    ],
    random,
  );
  const from = between(0.1, 0.8, random) * widthPx;
  const to = between(-0.2, 0.8, random) * widthPx;
  canvas.polygon(
    [
      [from, horizon],
      [from + 20, horizon],
      [to + 0.5 * widthPx, heightPx],
      [to, heightPx],
    ],
    river,
    0,
  );
  for (let i = random.below(6); i > 0; i--) {
    const ground = between(horizon + 4, horizon + 40, random);
    tree(canvas, random, random.uniform() * widthPx, ground, between(30, 80, random));
  }
}

const worlds = {
  street: {
    kinds: [
      { name: 'car', draw: car, height: [38, 62] },
      { name: 'bus', draw: bus, height: [64, 96] },
      { name: 'person', draw: person, height: [70, 104] },
      { name: 'sign', draw: sign, height: [30, 46], above: [0.1, 0.22], onPole: true },
    ],
    background: street,
  },
  countryside: {
    kinds: [
      { name: 'tractor', draw: tractor, height: [56, 90] },
      { name: 'cow', draw: cow, height: [40, 64] },
      { name: 'boat', draw: boat, height: [56, 96] },
      { name: 'balloon', draw: balloon, height: [44, 90], above: [0.2, 0.5] },
    ],
    background: countryside,
  },
} as const satisfies Record<SampleWorld, World>;

export const sceneSize = { widthPx: 320, heightPx: 240 } as const;
const mostObjects = 6;
/** Where less than this share of an object is seen, or fewer pixels of it, it has no label. */
const leastSeen = { share: 0.3, pixels: 60 };

export const classesOf = (world: SampleWorld): string[] => worlds[world].kinds.map(({ name }) => name);

interface Placed {
  category: number;
  kind: ObjectKind;
  stand: Stand;
  ground: number;
}

/** The `index`-th scene of a seed. */
export function drawScene(world: SampleWorld, seed: number, index: number): Scene {
  const random = Random.derive(seed, world, index);
  const { kinds, background }: World = worlds[world];
  const { widthPx, heightPx } = sceneSize;
  const canvas = new Canvas(widthPx, heightPx);
  const horizon = between(0.36, 0.5, random) * heightPx;
  background(canvas, random, horizon);
  // The far ones first, so that near ones hide them.
  const placed = Array.from({ length: 2 + random.below(mostObjects - 1) }, () => place(kinds, horizon, random)).sort(
    (a, b) => a.ground - b.ground,
  );
  const whole = placed.map(({ kind, stand, ground }, i) => {
    if (kind.onPole) rectangle(canvas, stand.x - 1.5, stand.y, stand.x + 1.5, ground, [120, 122, 124]);
    kind.draw(new Pen(canvas, stand, i + 1), random);
    return canvas.area(i + 1);
  });
  const objects = placed.flatMap(({ category }, i) => labelled(canvas, i + 1, category, whole[i]!));
  return { bytes: photographed(canvas, random), objects };
}

function place(kinds: readonly ObjectKind[], horizon: number, random: Random): Placed {
  const { widthPx, heightPx } = sceneSize;
  const category = random.below(kinds.length);
  const kind = kinds[category]!;
  // 0 at the horizon, 1 at the picture's lower edge.
  const nearness = between(0.25, 1, random);
  const ground = horizon + nearness * (heightPx - horizon) * 0.96;
  const height = between(...kind.height, random) * (0.4 + 0.6 * nearness);
  const above = kind.above ? between(...kind.above, random) * heightPx : 0;
  const stand = {
    x: between(0.06, 0.94, random) * widthPx,
    y: Math.max(ground - above, height * 0.8),
    height,
    mirrored: random.below(2) === 1,
  };
  return { category, kind, stand, ground };
}

/** As a camera would have it: brighter or darker, tinted, with noise. */
function photographed(canvas: Canvas, random: Random): Uint8Array {
  const exposure = between(0.75, 1.2, random);
  const tint = [between(0.94, 1.06, random), between(0.96, 1.04, random), between(0.94, 1.06, random)];
  const grain = between(2, 9, random);
  // Four bytes together are normal enough, and quicker than a logarithm.
  const noise = (): number => {
    const word = random.uint32();
    return ((word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24) - 510) / 148;
  };
  return canvas.bytes((value, channel) => value * exposure * tint[channel]! + grain * noise());
}

/** whole: px² of the object before others were drawn over it. */
function labelled(canvas: Canvas, owner: number, category: number, whole: number): SceneObject[] {
  const { widthPx, heightPx } = canvas;
  const mask = canvas.mask(owner);
  const seen = mask.reduce((sum, pixel) => sum + pixel, 0);
  if (seen < leastSeen.pixels || seen < leastSeen.share * whole) return [];
  const rle = encodeRle(mask, { widthPx, heightPx });
  return [{ category, bboxXyxy: rleBounds(rle)!, rle }];
}

/** What stands and drives in a street. */
import type { Random } from '../../engine/data/random.ts';
import type { Colour } from './canvas.ts';
import { darker, type Pen } from './pen.ts';

export type DrawObject = (pen: Pen, random: Random) => void;

const paints: readonly Colour[] = [
  [196, 44, 40],
  [38, 84, 168],
  [232, 230, 224],
  [52, 54, 60],
  [222, 176, 40],
  [46, 120, 84],
  [150, 154, 160],
];
const glass: Colour = [150, 190, 210];
const tyre: Colour = [28, 28, 30];
const skins: readonly Colour[] = [
  [236, 196, 164],
  [176, 126, 92],
  [110, 74, 52],
];
export const oneOf = <T>(items: readonly T[], random: Random): T => items[random.below(items.length)]!;
export const between = (low: number, high: number, random: Random): number => low + random.uniform() * (high - low);

function wheel(pen: Pen, x: number, radius: number): void {
  pen.ellipse(tyre, [x, radius], radius);
  pen.ellipse([170, 172, 176], [x, radius], radius * 0.5);
}

export const car: DrawObject = (pen, random) => {
  const paint = oneOf(paints, random);
  const roof = between(0.3, 0.75, random);
  pen.polygon(
    paint,
    [-1.25, 0.2],
    [-1.25, 0.52],
    [-0.85, 0.62],
    [-roof, 1],
    [roof * 0.75, 1],
    [0.75, 0.62],
    [1.2, 0.5],
    [1.25, 0.2],
  );
  pen.polygon(glass, [-0.72, 0.62], [-roof + 0.06, 0.93], [-0.08, 0.93], [-0.08, 0.62]);
  pen.polygon(glass, [0.02, 0.62], [0.02, 0.93], [roof * 0.75 - 0.06, 0.93], [0.6, 0.62]);
  pen.rectangle(darker(paint, 0.7), [-1.25, 0.2], [1.25, 0.28]);
  pen.ellipse([250, 240, 190], [1.17, 0.45], 0.06);
  pen.ellipse([190, 30, 30], [-1.2, 0.45], 0.05);
  wheel(pen, -0.72, 0.22);
  wheel(pen, 0.72, 0.22);
};

export const bus: DrawObject = (pen, random) => {
  const paint = oneOf(paints, random);
  const half = between(1.1, 1.5, random);
  pen.rectangle(paint, [-half, 0.12], [half, 1]);
  pen.rectangle(darker(paint, 0.75), [-half, 0.3], [half, 0.4]);
  const panes = 5;
  for (let i = 0; i < panes; i++) {
    const left = -half + 0.08 + (i * (2 * half - 0.16)) / panes;
    pen.rectangle(glass, [left, 0.52], [left + (2 * half - 0.16) / panes - 0.05, 0.88]);
  }
  wheel(pen, -half * 0.62, 0.14);
  wheel(pen, half * 0.62, 0.14);
};

export const person: DrawObject = (pen, random) => {
  const [shirt, trousers, skin] = [oneOf(paints, random), darker(oneOf(paints, random), 0.6), oneOf(skins, random)];
  const stride = between(0.02, 0.14, random);
  pen.polygon(trousers, [-0.09, 0.5], [0.02, 0.5], [0.04 - stride, 0], [-0.07 - stride, 0]);
  pen.polygon(trousers, [-0.02, 0.5], [0.09, 0.5], [0.09 + stride, 0], [-0.02 + stride, 0]);
  pen.polygon(shirt, [-0.13, 0.84], [0.13, 0.84], [0.1, 0.46], [-0.1, 0.46]);
  pen.polygon(darker(shirt, 0.85), [-0.13, 0.83], [-0.07, 0.83], [-0.14 - stride, 0.46], [-0.2 - stride, 0.5]);
  pen.polygon(darker(shirt, 0.85), [0.13, 0.83], [0.07, 0.83], [0.14 + stride, 0.46], [0.2 + stride, 0.5]);
  pen.ellipse(skin, [0, 0.92], 0.075, 0.085);
  pen.ellipse(darker(oneOf(skins, random), 0.4), [0, 0.965], 0.075, 0.045);
};

const red: Colour = [204, 32, 38];
const white: Colour = [244, 244, 240];

/** The plate alone; its pole is a part of the street. */
export const sign: DrawObject = (pen, random) => {
  const middle = [0, 0.5] as const;
  const kinds = [
    () => {
      pen.ellipse(red, middle, 0.5);
      pen.ellipse(white, middle, 0.36);
    },
    () => {
      pen.ellipse(red, middle, 0.5);
      pen.rectangle(white, [-0.34, 0.42], [0.34, 0.58]);
    },
    () => {
      pen.regular(red, [0, 0.38], 0.6, 3);
      pen.regular(white, [0, 0.38], 0.38, 3);
    },
    () => {
      pen.regular(red, middle, 0.52, 8, 1 / 16);
      pen.rectangle(white, [-0.3, 0.42], [0.3, 0.58]);
    },
    () => {
      pen.rectangle([36, 92, 178], [-0.46, 0.04], [0.46, 0.96]);
      pen.polygon(white, [-0.2, 0.2], [0.2, 0.2], [0, 0.8]);
    },
  ];
  oneOf(kinds, random)();
};

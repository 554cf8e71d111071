/** What is found in fields, on a river and above them: related to traffic-objects.ts, and none of it the same. */
import type { Colour } from './canvas.ts';
import { darker } from './pen.ts';
import { between, oneOf, type DrawObject } from './traffic-objects.ts';

const paints: readonly Colour[] = [
  [64, 128, 52],
  [206, 92, 30],
  [40, 90, 150],
  [190, 40, 60],
  [230, 200, 70],
];
const tyre: Colour = [34, 32, 30];

export const tractor: DrawObject = (pen, random) => {
  const paint = oneOf(paints, random);
  pen.polygon(paint, [-0.1, 0.3], [0.85, 0.3], [0.85, 0.55], [-0.1, 0.62]);
  pen.rectangle(darker(paint, 0.7), [-0.6, 0.35], [0.05, 0.6]);
  pen.rectangle([160, 196, 210], [-0.52, 0.58], [0.02, 0.94]);
  pen.rectangle(darker(paint, 0.8), [-0.6, 0.92], [0.1, 1]);
  pen.rectangle([70, 70, 70], [0.55, 0.55], [0.61, 0.86]);
  pen.ellipse(tyre, [-0.45, 0.34], 0.34);
  pen.ellipse(oneOf(paints, random), [-0.45, 0.34], 0.16);
  pen.ellipse(tyre, [0.62, 0.2], 0.2);
  pen.ellipse([200, 190, 150], [0.62, 0.2], 0.1);
};

const coats: readonly (readonly [Colour, Colour])[] = [
  [
    [240, 236, 228],
    [44, 38, 36],
  ],
  [
    [132, 84, 52],
    [230, 220, 204],
  ],
  [
    [60, 52, 48],
    [110, 96, 84],
  ],
];

export const cow: DrawObject = (pen, random) => {
  const [coat, spots] = oneOf(coats, random);
  for (const x of [-0.62, -0.48, 0.4, 0.54]) pen.rectangle(darker(coat, 0.8), [x, 0], [x + 0.1, 0.42]);
  pen.ellipse(coat, [0, 0.6], 0.72, 0.28);
  pen.ellipse(spots, [between(-0.4, 0, random), 0.64], 0.18, 0.13);
  pen.ellipse(spots, [between(0.1, 0.4, random), 0.56], 0.13, 0.1);
  pen.ellipse(coat, [0.82, 0.78], 0.2, 0.15);
  pen.polygon([214, 200, 170], [0.74, 0.9], [0.7, 1], [0.8, 0.9]);
};

export const boat: DrawObject = (pen, random) => {
  const hull = oneOf(paints, random);
  pen.polygon(hull, [-0.7, 0.22], [0.8, 0.22], [0.55, 0], [-0.55, 0]);
  pen.rectangle(darker(hull, 0.7), [-0.7, 0.18], [0.78, 0.24]);
  pen.rectangle([90, 72, 52], [-0.03, 0.22], [0.02, 1]);
  const sail = oneOf([[244, 240, 230] as Colour, ...paints], random);
  pen.polygon(sail, [0.04, 0.95], [0.04, 0.28], [between(0.5, 0.7, random), 0.28]);
  pen.polygon(darker(sail, 0.85), [-0.06, 0.85], [-0.06, 0.3], [-0.5, 0.3]);
};

export const balloon: DrawObject = (pen, random) => {
  const [first, second] = [oneOf(paints, random), oneOf(paints, random)];
  pen.ellipse(first, [0, 0.64], 0.36);
  pen.ellipse(second, [0, 0.64], 0.2, 0.36);
  pen.ellipse(first, [0, 0.64], 0.07, 0.36);
  pen.polygon(first, [-0.25, 0.4], [0.25, 0.4], [0.07, 0.2], [-0.07, 0.2]);
  pen.rectangle([120, 84, 50], [-0.08, 0], [0.08, 0.13]);
  pen.rectangle([90, 80, 70], [-0.07, 0.13], [-0.05, 0.22]);
  pen.rectangle([90, 80, 70], [0.05, 0.13], [0.07, 0.22]);
};

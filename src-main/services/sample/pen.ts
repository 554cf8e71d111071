/** Draws in an object's own measures: 1 is its height, x from its middle, y up from the ground. */
import type { Canvas, Colour } from './canvas.ts';

type Point = readonly [x: number, y: number];

export interface Stand {
  /** Middle of its foot, px. */
  readonly x: number;
  readonly y: number;
  /** px */
  readonly height: number;
  /** Looks to the left. */
  readonly mirrored: boolean;
}

export class Pen {
  private readonly canvas: Canvas;
  private readonly stand: Stand;
  private readonly owner: number;

  /** owner: number of the object, 0 for what belongs to none. */
  constructor(canvas: Canvas, stand: Stand, owner: number) {
    this.canvas = canvas;
    this.stand = stand;
    this.owner = owner;
  }

  polygon(colour: Colour, ...points: readonly Point[]): void {
    this.canvas.polygon(
      points.map((point) => this.place(point)),
      colour,
      this.owner,
    );
  }

  rectangle(colour: Colour, [left, bottom]: Point, [right, top]: Point): void {
    this.polygon(colour, [left, bottom], [right, bottom], [right, top], [left, top]);
  }

  ellipse(colour: Colour, middle: Point, radiusX: number, radiusY = radiusX): void {
    const { height } = this.stand;
    this.canvas.ellipse(this.place(middle), radiusX * height, radiusY * height, colour, this.owner);
  }

  /** A polygon with equal sides; `turn` in full turns, 0 has a corner on top. */
  regular(colour: Colour, [x, y]: Point, radius: number, corners: number, turn = 0): void {
    const points = Array.from({ length: corners }, (_, i): Point => {
      const angle = 2 * Math.PI * (i / corners + turn);
      return [x + radius * Math.sin(angle), y + radius * Math.cos(angle)];
    });
    this.polygon(colour, ...points);
  }

  private place([x, y]: Point): Point {
    const { height, mirrored } = this.stand;
    return [this.stand.x + (mirrored ? -x : x) * height, this.stand.y - y * height];
  }
}

export const darker = (colour: Colour, factor: number): Colour => colour.map((c) => c * factor) as unknown as Colour;

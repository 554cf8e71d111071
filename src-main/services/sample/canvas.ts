/**
 * A picture that is drawn shape by shape at twice its size and then made smaller, so that edges are smooth. Beside the colours
 * it remembers which object each pixel belongs to, which is where boxes and masks come from.
 */

export type Colour = readonly [red: number, green: number, blue: number];
type Point = readonly [x: number, y: number];

/** Fine pixels along the side of a pixel. */
const fineness = 2;

export class Canvas {
  readonly widthPx: number;
  readonly heightPx: number;
  private readonly fineWidth: number;
  private readonly fineHeight: number;
  /** [fine height, fine width, 3] */
  private readonly colours: Float32Array;
  /** Object of each fine pixel, 0 where it is the background. */
  private readonly owners: Uint16Array;

  constructor(widthPx: number, heightPx: number) {
    this.widthPx = widthPx;
    this.heightPx = heightPx;
    this.fineWidth = widthPx * fineness;
    this.fineHeight = heightPx * fineness;
    this.colours = new Float32Array(3 * this.fineWidth * this.fineHeight);
    this.owners = new Uint16Array(this.fineWidth * this.fineHeight);
  }

  /** points: in px. What lies between an odd and an even side is filled. owner: 0 for the background. */
  polygon(points: readonly Point[], colour: Colour, owner: number): void {
    const ys = points.map(([, y]) => y);
    this.rows(Math.min(...ys), Math.max(...ys), (y) => {
      const crossings = points
        .flatMap(([x1, y1], i) => {
          const [x2, y2] = points[(i + 1) % points.length]!;
          return y1 <= y === y2 <= y ? [] : [x1 + ((y - y1) * (x2 - x1)) / (y2 - y1)];
        })
        .sort((a, b) => a - b);
      for (let i = 0; i + 1 < crossings.length; i += 2) this.span(y, crossings[i]!, crossings[i + 1]!, colour, owner);
    });
  }

  ellipse([x, y]: Point, radiusX: number, radiusY: number, colour: Colour, owner: number): void {
    this.rows(y - radiusY, y + radiusY, (row) => {
      const reach = radiusX * Math.sqrt(Math.max(0, 1 - ((row - y) / radiusY) ** 2));
      this.span(row, x - reach, x + reach, colour, owner);
    });
  }

  /** From the colour `top` at the upper edge to `bottom` at the lower one. */
  gradient(top: number, bottom: number, first: Colour, last: Colour): void {
    this.rows(top, bottom, (y) => {
      const part = (y - top) / (bottom - top);
      const colour = first.map((value, c) => value + part * (last[c]! - value)) as unknown as Colour;
      this.span(y, 0, this.widthPx, colour, 0);
    });
  }

  /** RGB bytes [H, W, 3]; `change` may alter each mean colour of a pixel (0…255). */
  bytes(change: (value: number, channel: number) => number): Uint8Array {
    const { widthPx, heightPx, fineWidth, colours } = this;
    const bytes = new Uint8ClampedArray(3 * widthPx * heightPx);
    for (let i = 0; i < bytes.length; i++) {
      const [pixel, channel] = [Math.floor(i / 3), i % 3];
      const first = Math.floor(pixel / widthPx) * fineness * fineWidth + (pixel % widthPx) * fineness;
      let sum = 0;
      for (let y = 0; y < fineness; y++)
        for (let x = 0; x < fineness; x++) sum += colours[3 * (first + y * fineWidth + x) + channel]!;
      bytes[i] = change(sum / fineness ** 2, channel);
    }
    return new Uint8Array(bytes.buffer);
  }

  /** 1 where most of a pixel shows the object, else 0: [H, W]. */
  mask(owner: number): Uint8Array {
    const { widthPx, heightPx, fineWidth, owners } = this;
    const mask = new Uint8Array(widthPx * heightPx);
    for (let pixel = 0; pixel < mask.length; pixel++) {
      const first = Math.floor(pixel / widthPx) * fineness * fineWidth + (pixel % widthPx) * fineness;
      let own = 0;
      for (let y = 0; y < fineness; y++)
        for (let x = 0; x < fineness; x++) own += Number(owners[first + y * fineWidth + x] === owner);
      mask[pixel] = Number(own > fineness ** 2 / 2);
    }
    return mask;
  }

  /** Fine pixels that show the object now, as shares of a pixel. */
  area(owner: number): number {
    let own = 0;
    for (const each of this.owners) own += Number(each === owner);
    return own / fineness ** 2;
  }

  /** Calls with the middle of every fine row between two heights, in px. */
  private rows(top: number, bottom: number, fill: (y: number) => void): void {
    const last = Math.min(this.fineHeight, Math.ceil(bottom * fineness));
    for (let row = Math.max(0, Math.floor(top * fineness)); row < last; row++) fill((row + 0.5) / fineness);
  }

  /** Fine pixels whose middle lies between both. */
  private span(y: number, from: number, to: number, colour: Colour, owner: number): void {
    const row = Math.floor(y * fineness) * this.fineWidth;
    const end = Math.min(this.fineWidth, Math.round(to * fineness));
    for (let x = Math.max(0, Math.round(from * fineness)); x < end; x++) {
      const at = 3 * (row + x);
      this.colours[at] = colour[0];
      this.colours[at + 1] = colour[1];
      this.colours[at + 2] = colour[2];
      this.owners[row + x] = owner;
    }
  }
}

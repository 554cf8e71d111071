/** A black RGB picture that other pictures are put onto. */

export class RgbCanvas {
  readonly widthPx: number;
  readonly heightPx: number;
  /** uint8 [heightPx, widthPx, 3] */
  readonly pixels: Uint8Array;

  constructor(widthPx: number, heightPx: number) {
    this.widthPx = widthPx;
    this.heightPx = heightPx;
    this.pixels = new Uint8Array(widthPx * heightPx * 3);
  }

  /**
   * Puts planes [channels, heightPx, widthPx] with their top left corner at (x, y); one plane counts as grey, and a
   * fourth (transparency) is left out. The picture must fit.
   */
  putPlanes(
    planes: Uint8Array,
    size: { channels: number; widthPx: number; heightPx: number },
    x: number,
    y: number,
  ): void {
    const planeLength = size.widthPx * size.heightPx;
    for (let channel = 0; channel < 3; channel++) {
      const plane = size.channels < 3 ? 0 : channel * planeLength;
      for (let row = 0; row < size.heightPx; row++) {
        const from = plane + row * size.widthPx;
        const to = ((y + row) * this.widthPx + x) * 3 + channel;
        for (let column = 0; column < size.widthPx; column++) this.pixels[to + column * 3] = planes[from + column] ?? 0;
      }
    }
  }

  /** The same for pixels in the order [heightPx, widthPx, 3]. */
  putPixels(pixels: Uint8Array, size: { widthPx: number; heightPx: number }, x: number, y: number): void {
    for (let row = 0; row < size.heightPx; row++) {
      const line = pixels.subarray(row * size.widthPx * 3, (row + 1) * size.widthPx * 3);
      this.pixels.set(line, ((y + row) * this.widthPx + x) * 3);
    }
  }
}

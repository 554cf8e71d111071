/** The pixel that the large view points at, for the read-out in the inspector. */

export interface PixelReading {
  /** Column and row, from 0. */
  x: number;
  y: number;
  /** One value for grey, three for colour; 0..255. */
  values: readonly number[];
}

export class PixelProbe {
  reading = $state.raw<PixelReading | null>(null);
  /** The whole image's pixels while they are known; the inspector's table shows the neighbourhood. */
  pixels = $state.raw<PixelGrid | null>(null);
}

export class PixelGrid {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly #channels: number;
  /** RGBA, row-major. */
  readonly #data: Uint8ClampedArray;

  constructor(data: ImageData, channels: number) {
    this.widthPx = data.width;
    this.heightPx = data.height;
    this.#channels = channels;
    this.#data = data.data;
  }

  /** Null outside the image. */
  read(x: number, y: number): PixelReading | null {
    if (x < 0 || y < 0 || x >= this.widthPx || y >= this.heightPx) return null;
    const at = (y * this.widthPx + x) * 4;
    return { x, y, values: [...this.#data.subarray(at, at + (this.#channels === 1 ? 1 : 3))] };
  }
}

export function cssColour(reading: PixelReading): string {
  const [red = 0, green = red, blue = red] = reading.values;
  return `rgb(${red}, ${green}, ${blue})`;
}

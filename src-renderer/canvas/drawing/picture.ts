/** A picture that a canvas draws a part of at any scale, however large it is; and where one comes from. */
import type { Size, Viewport } from '../viewport.ts';

export interface Picture {
  readonly size: Size;
  /** Memory of its pixels now. */
  readonly sizeBytes: number;
  /** Frees what is not needed while it is not looked at. */
  rest(): void;
  /** Draws the part that is in sight; the context takes CSS pixels of the view. `onnews`: draw again, a sharper picture is there. */
  draw(
    context: CanvasRenderingContext2D,
    seen: { viewport: Viewport; view: Size; ratio: number },
    onnews: () => void,
  ): void;
  /** RGBA at full size, row-major. Throws where it is too large for that. */
  readPixels(): Promise<Uint8ClampedArray>;
  close(): void;
}

export interface PictureSource {
  /** Of the whole picture. */
  url: string;
  /** Null where it is small enough to be read as a whole. */
  tiles: {
    size: Size;
    /** Of the picture in small. */
    previewUrl: string;
    tileUrl: (level: number, column: number, row: number) => string;
  } | null;
}

/** Decodes an image beside the page's own thread. By fetch and not by an <img>, which would keep a decoded copy of its own. */
export async function decodePicture(url: string): Promise<ImageBitmap> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return createImageBitmap(await answer.blob());
}

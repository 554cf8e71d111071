/** A picture that a canvas draws a part of at any scale, however large it is; and where one comes from. */
import type { PixelSource } from '../editor/types.ts';
import type { Size, Viewport } from '../viewport.ts';

/** What is looked at. `ratio`: device pixels a CSS pixel. */
export interface Seen {
  viewport: Viewport;
  view: Size;
  ratio: number;
}

export interface Picture {
  readonly size: Size;
  /** Memory of its pixels now. */
  readonly sizeBytes: number;
  /** Frees what is not needed while it is not looked at. */
  rest(): void;
  /** Draws the part that is in sight; the context takes CSS pixels of the view. `onnews`: draw again, a sharper picture is there. */
  draw(context: CanvasRenderingContext2D, seen: Seen, onnews: () => void): void;
  /** For a tool that looks at colours, once what it takes is decoded. */
  readPixels(): Promise<PixelsInSight>;
  close(): void;
}

/** Pixels of the view as it is now: all of them, or of a large picture those in sight; null while these are on their way. */
export type PixelsInSight = (seen: Seen) => PixelSource | null;

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

/** Tools of one click that take a connected area: the magic wand (of the picture) and the fill (of a mask's gaps). */
import { encodeRle, rleFromColumns } from '../../../../src-main/contract/geometry/rle.ts';
import type { ImagePoint } from '../../viewport.ts';
import { floodFill, similarPixels } from '../flood-fill.ts';
import { MaskTiles } from '../mask-tiles.ts';
import { subtractRle, type MaskShape } from '../mask-spans.ts';
import { commitErased, commitPainted, paintTarget, unite } from '../painting.ts';
import type { EditorImage, Modifiers, PixelSource, Preview, ToolEvent } from '../types.ts';
import type { Tool, ToolContext } from './tool.ts';

type Take = (context: ToolContext, x: number, y: number, modifiers: Modifiers) => void;

/** A tool without a gesture: it acts when the button goes down. */
export class AreaTool implements Tool {
  readonly id: 'wand' | 'fill';
  readonly state = 'idle';
  readonly #context: ToolContext;
  readonly #take: Take;

  constructor(context: ToolContext, id: 'wand' | 'fill') {
    this.#context = context;
    this.id = id;
    this.#take = id === 'wand' ? takeSimilar : fillGap;
  }

  handle(event: ToolEvent): boolean {
    if (event.kind !== 'down' || event.button !== 'primary') return false;
    const place = pixelOf(event.point, this.#context.document.image);
    if (place !== null) this.#take(this.#context, place.x, place.y, event);
    return true;
  }

  cancel(): void {}

  undoStep(): boolean {
    return false;
  }

  redoStep(): boolean {
    return false;
  }

  preview(): Partial<Preview> {
    return { cursor: 'cell' };
  }
}

function pixelOf({ x, y }: ImagePoint, { widthPx, heightPx }: EditorImage): { x: number; y: number } | null {
  const pixel = { x: Math.floor(x), y: Math.floor(y) };
  return pixel.x >= 0 && pixel.y >= 0 && pixel.x < widthPx && pixel.y < heightPx ? pixel : null;
}

/** Alt takes the area away from the mask instead of adding it. */
function takeSimilar(context: ToolContext, x: number, y: number, { alt }: Modifiers): void {
  const { pixels, settings, document } = context;
  if (pixels === null) return context.notice('The picture is still loading. Try again in a moment.');
  const { wandTolerance: tolerance, wandContiguous: contiguous } = settings;
  const at = sampleOf(pixels, x, y);
  if (at === null) return context.notice('Only what is in sight can be taken.');
  const area = rleOfSamples(similarPixels(pixels, at.x, at.y, { tolerance, contiguous }), pixels, document.image);
  const target = paintTarget(context);
  const before = target?.shape.kind === 'mask' ? target.shape.rle : null;
  if (alt) {
    if (target === null || before === null) return context.notice('Select the mask to take from.');
    return commitErased(context, 'take similar pixels away', target, subtractRle(before, area));
  }
  commitPainted(context, 'add similar pixels', target, before === null ? area : unite(before, area));
}

/** The gap of the selected mask that lies under the pointer: a hole, or what a painted outline encloses. */
function fillGap(context: ToolContext, x: number, y: number): void {
  const { image } = context.document;
  const target = paintTarget(context);
  if (target?.shape.kind !== 'mask') return context.notice('Select one mask: its gaps can be filled.');
  const tiles = MaskTiles.fromRle(target.shape.rle);
  if (tiles.get(x, y)) return context.notice('This pixel is in the mask. Click into a gap.');
  const gap = floodFill(
    image,
    x,
    y,
    (place) => tiles.get(place % image.widthPx, Math.floor(place / image.widthPx)) === 0,
  );
  if (gap.touchesEdge) return context.notice('The mask does not enclose this place.');
  commitPainted(context, 'fill', target, unite(target.shape.rle, rleOf(gap.pixels, image)));
}

/** The sample that holds the middle of an image pixel; null where there is none. */
function sampleOf({ widthPx, heightPx, part: [x1, y1, x2, y2] }: PixelSource, x: number, y: number) {
  const at = {
    x: Math.floor(((x + 0.5 - x1) * widthPx) / (x2 - x1)),
    y: Math.floor(((y + 0.5 - y1) * heightPx) / (y2 - y1)),
  };
  return at.x >= 0 && at.y >= 0 && at.x < widthPx && at.y < heightPx ? at : null;
}

/** Every image pixel belongs to the area where its sample does; outside the samples none does. */
function rleOfSamples(samples: Uint8Array, source: PixelSource, image: EditorImage): MaskShape['rle'] {
  const { widthPx, heightPx, part } = source;
  if (widthPx === image.widthPx && heightPx === image.heightPx) return rleOf(samples, image);
  const stepY = (part[3] - part[1]) / heightPx;
  /** The first row whose middle is not above a sample's upper edge. */
  const rowOf = (sample: number): number =>
    Math.min(image.heightPx, Math.max(0, Math.ceil(part[1] + sample * stepY - 0.5)));
  const { counts } = rleFromColumns(image, (x) => {
    const column = sampleOf(source, x, Math.max(0, part[1]))?.x;
    if (column === undefined) return [];
    const spans: [number, number][] = [];
    for (let row = 0; row < heightPx; row++) {
      if (samples[row * widthPx + column] !== 1) continue;
      const first = row;
      while (row < heightPx && samples[row * widthPx + column] === 1) row++;
      spans.push([rowOf(first), rowOf(row)]);
    }
    return spans;
  });
  return { ...image, counts: [...counts] };
}

function rleOf(pixels: Uint8Array, image: EditorImage): MaskShape['rle'] {
  const { widthPx, heightPx, counts } = encodeRle(pixels, image);
  return { widthPx, heightPx, counts: [...counts] };
}

/** Tools of one click that take a connected area: the magic wand (of the picture) and the fill (of a mask's gaps). */
import { encodeRle } from '../../../../src-main/contract/geometry/rle.ts';
import type { ImagePoint } from '../../viewport.ts';
import { floodFill, similarPixels } from '../flood-fill.ts';
import { MaskTiles } from '../mask-tiles.ts';
import { subtractRle, type MaskShape } from '../mask-spans.ts';
import { commitErased, commitPainted, paintTarget, unite } from '../painting.ts';
import type { EditorImage, Modifiers, Preview, ToolEvent } from '../types.ts';
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
  if (pixels?.widthPx !== document.image.widthPx || pixels.heightPx !== document.image.heightPx) {
    return context.notice('The picture is still loading. Try again in a moment.');
  }
  const { wandTolerance: tolerance, wandContiguous: contiguous } = settings;
  const area = rleOf(similarPixels(pixels, x, y, { tolerance, contiguous }), document.image);
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

function rleOf(pixels: Uint8Array, image: EditorImage): MaskShape['rle'] {
  const { widthPx, heightPx, counts } = encodeRle(pixels, image);
  return { widthPx, heightPx, counts: [...counts] };
}

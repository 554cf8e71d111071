/** Where panes of one size look at images of one size: panning or zooming one moves all. */
import { centred, panBy, screenPoint, zoomAt, type ScreenPoint, type Size, type Viewport } from '../canvas/viewport.ts';

const marginPx = 8;
/** Of a pane, over its image. */
const headPx = 26;
const smallestScale = 0.02;
const largestScale = 128;

export class PaneView {
  /** Null: the whole image, whatever the panes' size. */
  #chosen = $state.raw<Viewport | null>(null);

  of(image: Size, pane: Size): Viewport {
    return this.#chosen ?? centred(image, pane, fittingScale(image, pane));
  }

  zoom(image: Size, pane: Size, factor: number, anchor: ScreenPoint = middleOf(pane)): void {
    const now = this.of(image, pane);
    const scale = Math.min(largestScale, Math.max(smallestScale, now.scale * factor));
    this.#chosen = zoomAt(now, anchor, scale);
  }

  pan(image: Size, pane: Size, dx: number, dy: number): void {
    this.#chosen = panBy(this.of(image, pane), dx, dy);
  }

  fit(): void {
    this.#chosen = null;
  }
}

const middleOf = ({ widthPx, heightPx }: Size): ScreenPoint => screenPoint(widthPx / 2, heightPx / 2);

/** Panes are small: the image fills one even where its pixels then differ a little in size. */
function fittingScale(image: Size, pane: Size): number {
  const room = { width: Math.max(1, pane.widthPx - 2 * marginPx), height: Math.max(1, pane.heightPx - 2 * marginPx) };
  return Math.min(room.width / image.widthPx, room.height / image.heightPx);
}

/**
 * How many panes side by side show an image largest, where so many have this room together. A place without a pane is
 * avoided where that costs less than a tenth of the size.
 */
export function paneColumns(panes: number, room: Size, image: Size | null): number {
  if (image === null || room.widthPx === 0) return Math.min(panes, 3);
  const choices = Array.from({ length: panes }, (_, index) => {
    const columns = index + 1;
    const rows = Math.ceil(panes / columns);
    const pane = { widthPx: room.widthPx / columns, heightPx: room.heightPx / rows - headPx };
    return { columns, empty: rows * columns - panes, scale: fittingScale(image, pane) };
  });
  const largest = Math.max(...choices.map(({ scale }) => scale));
  const [best] = choices
    .filter(({ scale }) => scale > 0.9 * largest)
    .sort((a, b) => a.empty - b.empty || b.scale - a.scale);
  return best?.columns ?? 1;
}

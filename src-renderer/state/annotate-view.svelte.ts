/**
 * How the editor shows its image: the part in sight, how labels look, and the picture's brightness, contrast and channels,
 * which change what is seen and never the file. What a person chooses once is kept between starts.
 */
import {
  centred,
  fitViewport,
  imagePoint,
  keepInSight,
  onScreen,
  panBy,
  screenPoint,
  zoomAt,
  type ImagePoint,
  type ScreenPoint,
  type Size,
  type Viewport,
} from '../canvas/viewport.ts';
import type { BboxXyxy } from '../../src-main/contract/geometry/box.ts';
import type { ViewSettings } from './view-settings.svelte.ts';

export const colourings = ['class', 'instance', 'source'] as const;
export type Colouring = (typeof colourings)[number];
export const channelViews = ['all', 'red', 'green', 'blue', 'grey'] as const;
export type ChannelView = (typeof channelViews)[number];

export interface Adjustments {
  /** Added to every channel, in shares of the full range: −1 to 1. */
  brightness: number;
  /** Factor about the middle grey. */
  contrast: number;
  /** Exponent is its inverse: above 1 brightens shadows. */
  gamma: number;
  channels: ChannelView;
}
export const plainAdjustments: Adjustments = { brightness: 0, contrast: 1, gamma: 1, channels: 'all' };

const smallestScale = 0.02;
const largestScale = 128;
const zoomStep = 1.25;
const marginPx = 24;
const leastInSightPx = 60;

export class AnnotateView {
  readonly #settings: ViewSettings;
  image = $state.raw<Size>({ widthPx: 1, heightPx: 1 });
  /** CSS pixels. */
  view = $state.raw<Size>({ widthPx: 0, heightPx: 0 });
  /** Null: the whole image, whatever the view's size. */
  #chosen = $state.raw<Viewport | null>(null);
  /** Where the pointer or the keyboard's cursor is; null outside the view. */
  pointer = $state.raw<ImagePoint | null>(null);
  adjustments = $state.raw<Adjustments>(plainAdjustments);
  labelsShown = $state(true);

  readonly viewport: Viewport = $derived(this.#chosen ?? fitViewport(this.image, this.view, marginPx));
  readonly isFitted: boolean = $derived(this.#chosen === null);
  readonly isAdjusted: boolean = $derived(
    this.adjustments.brightness !== 0 ||
      this.adjustments.contrast !== 1 ||
      this.adjustments.gamma !== 1 ||
      this.adjustments.channels !== 'all',
  );

  constructor(settings: ViewSettings) {
    this.#settings = settings;
  }

  /** Another image is shown: whole, or at the same place where zoom is kept and it has the same size. */
  begin(image: Size): void {
    const isSameSize = image.widthPx === this.image.widthPx && image.heightPx === this.image.heightPx;
    this.image = image;
    if (!this.keepsZoom || !isSameSize) this.#chosen = null;
  }

  fit(): void {
    this.#chosen = null;
  }

  /** One image pixel per screen pixel, or another scale, about the middle of the view. */
  zoomTo(scale: number, anchor: ScreenPoint = this.middle): void {
    const limited = Math.min(largestScale, Math.max(smallestScale, scale));
    this.#show(zoomAt(this.viewport, anchor, limited));
  }

  zoomBy(factor: number, anchor: ScreenPoint = this.middle): void {
    this.zoomTo(this.viewport.scale * factor, anchor);
  }

  zoomIn(): void {
    this.zoomBy(zoomStep);
  }

  zoomOut(): void {
    this.zoomBy(1 / zoomStep);
  }

  panBy(dx: number, dy: number): void {
    this.#show(panBy(this.viewport, dx, dy));
  }

  /** Puts a point of the image into the middle of the view. */
  centreOn({ x, y }: ImagePoint): void {
    const at = onScreen(this.viewport, [x, y, x, y]);
    this.panBy(this.middle.x - at[0], this.middle.y - at[1]);
  }

  /** Makes a part of the image fill the view; objects no smaller than they are now where `onlyIfHidden` and in sight. */
  showPart(part: BboxXyxy, onlyIfHidden = false): void {
    const [x1, y1, x2, y2] = onScreen(this.viewport, part);
    const inSight = x1 >= 0 && y1 >= 0 && x2 <= this.view.widthPx && y2 <= this.view.heightPx;
    if (onlyIfHidden && inSight) return;
    const size = { widthPx: Math.max(1, part[2] - part[0]), heightPx: Math.max(1, part[3] - part[1]) };
    const { scale } = fitViewport(size, this.view, Math.min(this.view.widthPx, this.view.heightPx) / 5);
    const wanted = onlyIfHidden ? Math.min(scale, this.viewport.scale) : Math.min(scale, 8);
    this.#show(centred(this.image, this.view, Math.min(largestScale, Math.max(smallestScale, wanted))));
    this.centreOn(imagePoint((part[0] + part[2]) / 2, (part[1] + part[3]) / 2));
  }

  get middle(): ScreenPoint {
    return screenPoint(this.view.widthPx / 2, this.view.heightPx / 2);
  }

  #show(viewport: Viewport): void {
    this.#chosen = keepInSight(viewport, this.image, this.view, leastInSightPx);
  }

  adjust(change: Partial<Adjustments>): void {
    this.adjustments = { ...this.adjustments, ...change };
  }

  get opacity(): number {
    return this.#settings.number('annotate.opacity', 30) / 100;
  }

  set opacity(share: number) {
    this.#settings.set('annotate.opacity', Math.round(share * 100));
  }

  get colouring(): Colouring {
    return colourings.find((name) => name === this.#settings.text('annotate.colouring', 'class')) ?? 'class';
  }

  set colouring(name: Colouring) {
    this.#settings.set('annotate.colouring', name);
  }

  get keepsZoom(): boolean {
    return this.#settings.flag('annotate.keepsZoom', false);
  }

  /** Switches that are on or off and kept. */
  flag(name: ViewFlag): boolean {
    return this.#settings.flag(`annotate.${name}`, viewFlags[name]);
  }

  setFlag(name: ViewFlag, on: boolean): void {
    this.#settings.set(`annotate.${name}`, on);
  }
}

/** With what holds until the person chooses. */
export const viewFlags = {
  names: true,
  crosshair: true,
  rulers: true,
  pixelLines: true,
  minimap: true,
  keepsZoom: false,
  autoAdvance: true,
  severalTags: false,
} as const satisfies Record<string, boolean>;
export type ViewFlag = keyof typeof viewFlags;

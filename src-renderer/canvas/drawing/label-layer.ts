/**
 * Draws an image's labels for a view that moves. Few of them are drawn anew for every frame; many, and masks, come as a
 * picture from label-worker.ts: one of the view with a margin, which moves along until a sharper one arrives, and a
 * coarse one of the whole image below it for what comes into sight meanwhile. What was changed since the picture was
 * ordered is drawn over it, so that nothing blinks.
 */
import type { BboxXyxy } from '../../../src-main/contract/geometry/box.ts';
import { fitViewport, onScreen, shownPart, withMargin, type Size, type Viewport } from '../viewport.ts';
import { outlinePoints, type CanvasLabel, type LabelStyle } from './canvas-label.ts';
import type { DrawnPicture, PictureWish, ToLabelWorker } from './label-messages.ts';
import { drawLabelSet, LabelScene } from './label-scene.ts';

/** Outlines with more points take longer than a frame has. */
const pointsAFrame = 5000;
const marginPx = 160;
/** Of the longer side, at most: it is seen while the view moves, until the sharper picture is there. */
const overviewPx = 1024;
/** While the view moves, a picture that still covers it is not ordered anew at every frame. */
const restMs = 90;

interface View {
  viewport: Viewport;
  /** CSS pixels. */
  view: Size;
  ratio: number;
  style: LabelStyle;
}

interface Picture extends DrawnPicture {
  /** How often labels had been changed when it was ordered. */
  revision: number;
}

export class LabelLayer {
  readonly #worker: Worker;
  readonly #onnews: () => void;
  #image: Size = { widthPx: 1, heightPx: 1 };
  #scene = new LabelScene(this.#image);
  #points = 0;
  #masks = 0;
  #revision = 0;
  /** Labels that changed since the detail was ordered, with the revision that changed them last. */
  readonly #changedAt = new Map<number, number>();
  #detail: Picture | null = null;
  #overview: Picture | null = null;
  /** What the worker is busy with. */
  #ordered: { kind: 'detail' | 'overview'; revision: number; generation: number } | null = null;
  /** Counts images: a picture that was ordered for an earlier one is of no use. */
  #generation = 0;
  #last: View | null = null;
  #rest: ReturnType<typeof setTimeout> | null = null;

  /** `onnews`: draw again, something better is there. */
  constructor(worker: Worker, onnews: () => void) {
    this.#worker = worker;
    this.#onnews = onnews;
    worker.onmessage = (event: MessageEvent<DrawnPicture>) => this.#take(event.data);
  }

  /** Another image, with no labels yet. */
  begin(image: Size): void {
    this.#image = image;
    this.#scene = new LabelScene(image);
    this.#changedAt.clear();
    this.#points = this.#masks = 0;
    this.#revision += 1;
    this.#generation += 1;
    this.#closePictures();
    this.#say({ kind: 'image', size: image });
  }

  /** Adds labels, or replaces those of the same id; takes away those that are not to be drawn any more. */
  update(put: readonly CanvasLabel[], remove: readonly number[]): void {
    if (put.length + remove.length === 0) return;
    this.#revision += 1;
    for (const id of remove) {
      this.#count(this.#scene.get(id), -1);
      this.#changedAt.delete(id);
    }
    for (const label of put) {
      this.#count(this.#scene.get(label.id), -1);
      this.#count(label, 1);
      this.#changedAt.set(label.id, this.#revision);
    }
    this.#scene.remove(remove);
    this.#scene.put(put);
    this.#say({ kind: 'labels', put, remove });
    this.#onnews();
  }

  /** Labels in sight, in no order; null where there are more than `most`. */
  inSight(viewport: Viewport, view: Size, most: number): CanvasLabel[] | null {
    const found: CanvasLabel[] = [];
    const isTooMany = this.#scene.some(shownPart(viewport, view), (label) => found.push(label) > most);
    return isTooMany ? null : found;
  }

  /** The context takes CSS pixels of the view. */
  draw(context: CanvasRenderingContext2D, now: View): void {
    const content = this.#contentOfPicture(now);
    if (content !== 'nothing') this.#drawPictures(context, now, content);
    const labels = this.#besidePicture(now, content);
    // So many come with the next picture, or the page would stand still for them.
    const points = labels.reduce((sum, label) => sum + outlinePoints(label), 0);
    if (points <= pointsAFrame) drawLabelSet(context, { labels, image: this.#image, ...now }, now.ratio);
    if (content !== 'nothing') this.#order(now, content);
  }

  /** Labels in sight that the picture does not show, or not as they are now. */
  #besidePicture({ viewport, view }: View, content: PictureWish['content'] | 'nothing'): CanvasLabel[] {
    const shown = shownPart(viewport, view);
    if (content === 'nothing') return this.#scene.within(shown);
    const changed = [...this.#changedAt.keys()].flatMap((id) => this.#scene.get(id) ?? []);
    if (content === 'all') return changed;
    const outlines = this.#scene.within(shown).filter(({ shape }) => shape.kind !== 'mask');
    return [...outlines, ...changed.filter(({ shape }) => shape.kind === 'mask')];
  }

  dispose(): void {
    if (this.#rest !== null) clearTimeout(this.#rest);
    this.#worker.terminate();
    this.#closePictures();
  }

  /** Megabytes that the garbage collector would not see. */
  #closePictures(): void {
    this.#detail?.picture.close();
    this.#overview?.picture.close();
    this.#detail = this.#overview = null;
  }

  #say(message: ToLabelWorker): void {
    this.#worker.postMessage(message);
  }

  #count(label: CanvasLabel | undefined, sign: 1 | -1): void {
    if (label === undefined) return;
    if (label.shape.kind === 'mask') this.#masks += sign;
    else this.#points += sign * outlinePoints(label);
  }

  #contentOfPicture({ viewport, view }: View): PictureWish['content'] | 'nothing' {
    if (this.#points > pointsAFrame) {
      let points = 0;
      const isHeavy = this.#scene.some(shownPart(viewport, view), (label) => {
        if (label.shape.kind !== 'mask') points += outlinePoints(label);
        return points > pointsAFrame;
      });
      if (isHeavy) return 'all';
    }
    return this.#masks > 0 ? 'masks' : 'nothing';
  }

  #drawPictures(context: CanvasRenderingContext2D, { viewport, view }: View, content: PictureWish['content']): void {
    const whole: BboxXyxy = [0, 0, view.widthPx, view.heightPx];
    const sharp = this.#detail?.wish.content === content ? this.#detail : null;
    const detail = sharp && placed(sharp, viewport);
    if (this.#overview !== null && !(detail && covers(detail, whole))) {
      context.save();
      context.beginPath();
      context.rect(0, 0, view.widthPx, view.heightPx);
      if (detail) context.rect(detail[0], detail[1], detail[2] - detail[0], detail[3] - detail[1]);
      context.clip('evenodd');
      drawPicture(context, this.#overview, placed(this.#overview, viewport));
      context.restore();
    }
    if (sharp && detail) drawPicture(context, sharp, detail);
  }

  #order(now: View, content: PictureWish['content']): void {
    const moved = this.#last !== null && !sameViewport(this.#last.viewport, now.viewport);
    this.#last = now;
    if (this.#ordered !== null) return;
    const detail = this.#detail;
    const wish = wishOf(now, content);
    const isNew = detail === null || detail.revision !== this.#revision || detail.wish.content !== content;
    if (!isNew && sameWish(detail.wish, wish)) {
      if (this.#overview?.revision !== this.#revision) this.#orderOverview(now, content);
      return;
    }
    const place = detail && placed(detail, now.viewport);
    const serves = place && covers(place, [0, 0, now.view.widthPx, now.view.heightPx]);
    if (serves && !isNew && moved) return this.#orderAtRest();
    this.#place('detail', wish);
  }

  #orderOverview(now: View, content: PictureWish['content']): void {
    const { widthPx, heightPx } = this.#image;
    // Halves, so that masks are sampled no finer than they are drawn.
    const scale = 2 ** -Math.max(0, Math.ceil(Math.log2(Math.max(widthPx, heightPx) / overviewPx)));
    const view = { widthPx: Math.ceil(widthPx * scale), heightPx: Math.ceil(heightPx * scale) };
    const viewport = { ...fitViewport(this.#image, view, 0), scale };
    this.#place('overview', { viewport, view, ratio: 1, style: now.style, content });
  }

  #place(kind: 'detail' | 'overview', wish: PictureWish): void {
    this.#ordered = { kind, revision: this.#revision, generation: this.#generation };
    this.#say({ kind: 'draw', wish });
  }

  #orderAtRest(): void {
    if (this.#rest !== null) clearTimeout(this.#rest);
    this.#rest = setTimeout(() => {
      this.#rest = null;
      this.#onnews();
    }, restMs);
  }

  #take(drawn: DrawnPicture): void {
    const ordered = this.#ordered;
    this.#ordered = null;
    if (ordered?.generation !== this.#generation) {
      drawn.picture.close();
    } else {
      const picture = { ...drawn, revision: ordered.revision };
      if (ordered.kind === 'overview') {
        this.#overview?.picture.close();
        this.#overview = picture;
      } else {
        this.#detail?.picture.close();
        this.#detail = picture;
        for (const [id, revision] of this.#changedAt) if (revision <= ordered.revision) this.#changedAt.delete(id);
      }
    }
    this.#onnews();
  }
}

function wishOf({ viewport, view, ratio, style }: View, content: PictureWish['content']): PictureWish {
  const larger = { widthPx: view.widthPx + 2 * marginPx, heightPx: view.heightPx + 2 * marginPx };
  return { viewport: withMargin(viewport, marginPx), view: larger, ratio, style, content };
}

function sameViewport(a: Viewport, b: Viewport): boolean {
  return a.scale === b.scale && a.origin.x === b.origin.x && a.origin.y === b.origin.y;
}

function sameWish(a: PictureWish, b: PictureWish): boolean {
  return (
    sameViewport(a.viewport, b.viewport) &&
    a.view.widthPx === b.view.widthPx &&
    a.view.heightPx === b.view.heightPx &&
    a.ratio === b.ratio &&
    a.content === b.content &&
    a.style.fillOpacity === b.style.fillOpacity &&
    a.style.lineWidthPx === b.style.lineWidthPx
  );
}

/** Where a picture lies in the view now; screen pixels. */
function placed({ wish }: Picture, viewport: Viewport): BboxXyxy {
  return onScreen(viewport, shownPart(wish.viewport, wish.view));
}

function covers(a: BboxXyxy, b: BboxXyxy): boolean {
  return a[0] <= b[0] && a[1] <= b[1] && a[2] >= b[2] && a[3] >= b[3];
}

function drawPicture(context: CanvasRenderingContext2D, { picture, wish }: Picture, [x1, y1, x2, y2]: BboxXyxy): void {
  context.imageSmoothingEnabled = Math.abs(x2 - x1 - wish.view.widthPx) > 0.01;
  context.drawImage(picture, x1, y1, x2 - x1, y2 - y1);
}

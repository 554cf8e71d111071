/** Draws many labels beside the page, so that moving the view never waits for them. */
import type { DrawnPicture, PictureWish, ToLabelWorker } from './label-messages.ts';
import { drawLabelSet, LabelScene } from './label-scene.ts';
import { shownPart } from '../viewport.ts';

/** The part of a worker's global scope that is used; the DOM's types name the page's. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ToLabelWorker>) => void) | null;
  postMessage(message: DrawnPicture, transfer: Transferable[]): void;
}
const scope = self as unknown as WorkerScope;

let scene: LabelScene | null = null;

scope.onmessage = ({ data }) => {
  if (data.kind === 'image') {
    scene = new LabelScene(data.size);
  } else if (data.kind === 'labels') {
    scene?.put(data.put);
    scene?.remove(data.remove);
  } else if (scene !== null) {
    const picture = draw(scene, data.wish);
    scope.postMessage({ wish: data.wish, picture }, [picture]);
  }
};

function draw(from: LabelScene, { viewport, view, ratio, style, content }: PictureWish): ImageBitmap {
  const canvas = new OffscreenCanvas(Math.ceil(view.widthPx * ratio), Math.ceil(view.heightPx * ratio));
  const context = canvas.getContext('2d');
  if (context !== null) {
    context.scale(ratio, ratio);
    const all = from.within(shownPart(viewport, view));
    const labels = content === 'all' ? all : all.filter(({ shape }) => shape.kind === 'mask');
    drawLabelSet(context, { labels, image: from.image, viewport, view, style }, ratio);
  }
  return canvas.transferToImageBitmap();
}

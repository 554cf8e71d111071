/** Sketches of large shapes, the smallest first, for as long as one answer may take. Runs in the worker. */
import { sketchMask, sketchPolygon } from '../../contract/geometry/mask-sketch.ts';
import type { LabelSketch, Shape } from '../../contract/model/annotation.ts';
import type { AnnotationId } from '../../contract/model/ids.ts';
import type { LibraryReader } from './library-reader.ts';

export interface SketchAsk {
  annotationIds: readonly AnnotationId[];
}

/** After this the answer goes out with what it has. */
const ANSWER_MS = 150;
/** Of JSON. Noise over twelve megapixels has twelve million. */
const MOST_SHAPE_BYTES = 32e6;

export function sketchLabels({ store }: LibraryReader, { annotationIds }: SketchAsk): Promise<LabelSketch[]> {
  const endMs = performance.now() + ANSWER_MS;
  const made: LabelSketch[] = [];
  for (const { annotationId, version, sizeBytes } of store.annotations.shapeSizes(annotationIds)) {
    if (made.length > 0 && performance.now() > endMs) break;
    if (sizeBytes > MOST_SHAPE_BYTES) {
      made.push({ annotationId, version, sketch: null });
      continue;
    }
    const read = store.annotations.shape(annotationId);
    if (read !== null) made.push({ annotationId, version: read.version, sketch: sketchShape(read.shape) });
  }
  return Promise.resolve(made);
}

function sketchShape(shape: Shape): LabelSketch['sketch'] {
  const sketch =
    shape.kind === 'mask' ? sketchMask(shape.rle) : shape.kind === 'polygon' ? sketchPolygon(shape.parts) : null;
  return sketch && { ...sketch, rle: { ...sketch.rle, counts: [...sketch.rle.counts] } };
}

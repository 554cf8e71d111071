/**
 * What small pictures show of the labels whose shapes are too large for a list of images. Asked for once the images in
 * sight have stayed a moment, some at a time and the first images' first; the oldest are forgotten. A sketch counts for the
 * version of its image's labels that it was made of, so that none is shown beside what has changed since.
 */
import type { Api } from '../api/client.svelte.ts';
import type { AnnotationSummary, LabelSketch } from '../../src-main/contract/model/annotation.ts';
import type { ImageSummary } from '../../src-main/contract/model/dataset.ts';
import type { AnnotationId, ProjectId } from '../../src-main/contract/model/ids.ts';

/** While the grid is moved nothing is asked. */
const restMs = 100;
const labelsARequest = 24;
/** More where more are in sight. */
const keptSketches = 3000;

type Sketch = NonNullable<LabelSketch['sketch']>;

/** Its list knows no more of it than the box. */
function hasBoxOnly({ kind, shape, bboxXyxy }: AnnotationSummary): boolean {
  return (kind === 'mask' || kind === 'polygon') && shape === undefined && bboxXyxy !== undefined;
}

interface Wish {
  annotationId: AnnotationId;
  version: number;
}

export class LabelSketches {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  /** Those that came last at the end. */
  readonly #kept = new Map<AnnotationId, LabelSketch>();
  #wanted: readonly Wish[] = [];
  /** Labels in sight whose shapes are large, those included that are there. */
  #inSight = 0;
  /** Pending while the grid has moved just now. */
  #rest: ReturnType<typeof setTimeout> | null = null;
  #isAsking = false;
  /** Counts what has arrived; read it to be told of news. */
  arrivals = $state(0);

  constructor(api: Api, projectId: ProjectId) {
    this.#api = api;
    this.#projectId = projectId;
  }

  /** Null while there is none, and where a box is all there is to see. */
  of({ annotationId }: AnnotationSummary, { labelVersion }: ImageSummary): Sketch | null {
    const known = this.#kept.get(annotationId);
    return known?.version === labelVersion ? known.sketch : null;
  }

  /** Whether it is known what there is to see of all labels of the image. */
  isComplete(image: ImageSummary): boolean {
    return image.annotations.every((label) => !hasBoxOnly(label) || this.#isKnown(label, image));
  }

  /** Asks for those of the labels of these images. The latest call is the only one that counts. */
  want(images: readonly ImageSummary[]): void {
    if (this.#rest !== null) clearTimeout(this.#rest);
    this.#rest = null;
    const wanted: Wish[] = [];
    this.#inSight = 0;
    for (const image of images) {
      for (const label of image.annotations) {
        if (!hasBoxOnly(label)) continue;
        this.#inSight += 1;
        if (this.#isKnown(label, image)) this.#touch(label);
        else wanted.push({ annotationId: label.annotationId, version: image.labelVersion });
      }
    }
    this.#wanted = wanted;
    if (wanted.length === 0) return;
    this.#rest = setTimeout(() => {
      this.#rest = null;
      void this.#ask();
    }, restMs);
  }

  #isKnown({ annotationId }: AnnotationSummary, { labelVersion }: ImageSummary): boolean {
    return this.#kept.get(annotationId)?.version === labelVersion;
  }

  #touch({ annotationId }: AnnotationSummary): void {
    const known = this.#kept.get(annotationId);
    if (known !== undefined) this.#keep(known);
  }

  #keep(sketch: LabelSketch): void {
    this.#kept.delete(sketch.annotationId);
    this.#kept.set(sketch.annotationId, sketch);
  }

  /** Until all is there that is wanted, an answer brings nothing of it, or the grid moves on. */
  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    while (this.#wanted.length > 0 && this.#rest === null) {
      const wanted = this.#wanted;
      const annotationIds = wanted.slice(0, labelsARequest).map(({ annotationId }) => annotationId);
      // Without them the boxes stay, and nothing else depends on it.
      const sketches = await this.#api
        .call('label.sketches', { projectId: this.#projectId, annotationIds })
        .catch((): LabelSketch[] => []);
      this.#take(sketches);
      const isSameWish = this.#wanted === wanted;
      this.#wanted = this.#wanted.filter(
        ({ annotationId, version }) => this.#kept.get(annotationId)?.version !== version,
      );
      if (isSameWish && this.#wanted.length === wanted.length) break;
    }
    this.#isAsking = false;
  }

  #take(sketches: readonly LabelSketch[]): void {
    if (sketches.length === 0) return;
    for (const sketch of sketches) this.#keep(sketch);
    const most = Math.max(keptSketches, 2 * this.#inSight);
    for (const annotationId of this.#kept.keys()) {
      if (this.#kept.size <= most) break;
      this.#kept.delete(annotationId);
    }
    this.arrivals += 1;
  }
}

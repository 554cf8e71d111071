/**
 * Large labels as small pictures show them: made by a worker process, and the latest of them kept. A sketch is known by its
 * label and the version of its image's labels, so that none is shown of what was before a change.
 */
import type { LabelSketch } from '../../contract/model/annotation.ts';
import type { AnnotationId } from '../../contract/model/ids.ts';
import { ByteCache } from '../byte-cache.ts';
import type { OpenProject } from '../open-projects.ts';
import type { WorkerPool } from '../workers/worker-pool.ts';
import { askLibrary } from './ask-library.ts';

const CACHE_BYTES = 16 * 1024 * 1024;
const NUMBER_BYTES = 8;
const OBJECT_BYTES = 200;

type Kept = ByteCache<LabelSketch>;

export class LabelSketches {
  readonly #workers: WorkerPool;
  /** They go with the project. */
  readonly #kept = new WeakMap<OpenProject, Kept>();

  constructor(workers: WorkerPool) {
    this.#workers = workers;
  }

  /** Those that are kept and those that can be made in a short time; see `label.sketches`. */
  async of(opened: OpenProject, annotationIds: readonly AnnotationId[]): Promise<LabelSketch[]> {
    const kept = this.#keptOf(opened);
    const labels = opened.store.annotations.shapeSizes(annotationIds);
    const known = labels.flatMap((label) => kept.find(keyOf(label)) ?? []);
    if (known.length === labels.length) return known;
    const have = new Set(known.map(({ annotationId }) => annotationId));
    const missing = labels.flatMap(({ annotationId }) => (have.has(annotationId) ? [] : annotationId));
    const made = await askLibrary(opened, this.#workers, 'sketches', { annotationIds: missing });
    for (const sketch of made) kept.keep(keyOf(sketch), sketch);
    return [...known, ...made];
  }

  #keptOf(opened: OpenProject): Kept {
    const known = this.#kept.get(opened) ?? new ByteCache<LabelSketch>(CACHE_BYTES, sizeOf);
    this.#kept.set(opened, known);
    return known;
  }
}

const keyOf = ({ annotationId, version }: Pick<LabelSketch, 'annotationId' | 'version'>): string =>
  `${annotationId} ${version}`;

const sizeOf = ({ sketch }: LabelSketch): number => OBJECT_BYTES + NUMBER_BYTES * (sketch?.rle.counts.length ?? 0);

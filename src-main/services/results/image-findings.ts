/**
 * What runs found on each image, brought into the database where queries can ask for it. Read from a run's predictions
 * when a query first speaks of it, and again when an epoch has made new ones.
 */
import { measureTogether, pixelCounts, type CellCounts } from '../../contract/model/segmentation-measures.ts';
import type { ImageId, RunId } from '../../contract/model/ids.ts';
import { usualDetectionSettings } from '../../contract/model/run-results.ts';
import type { Task } from '../../contract/model/run.ts';
import { isProblem, parseQuery, runsOf } from '../../contract/query/syntax.ts';
import type { ImageResult } from '../../store/image-result-repository.ts';
import type { HostPorts } from '../backend.ts';
import type { ImageView } from '../datasets/image-lists.ts';
import { yieldToEventLoop } from '../event-loop.ts';
import type { OpenProject } from '../open-projects.ts';
import { PredictionReader } from '../runs/predictions.ts';
import { runFolder } from '../runs/restore-runs.ts';
import { DetectionResults } from './detection-results.ts';
import { predictionsModified, resultPlace, TrainingDataCache, type ResultPlace } from './result-files.ts';
import { SegmentationResults } from './segmentation-results.ts';

const WRITTEN_AT_ONCE = 1000;

export class ImageFindings {
  readonly #classified = new PredictionReader();
  readonly #segmented = new SegmentationResults(new TrainingDataCache());
  readonly #detected: DetectionResults;
  /** By project and run: two views at once share one reading. */
  readonly #reading = new Map<string, Promise<void>>();

  constructor(launchTask: HostPorts['launchTask']) {
    this.#detected = new DetectionResults(launchTask);
  }

  readonly #read: Record<Task, (place: ResultPlace) => Promise<ImageResult[]>> = {
    classification: async ({ predictions }) => this.#classified.findings(predictions),
    detection: (place) => this.#findObjects(place),
    'instance-segmentation': (place) => this.#findObjects(place),
    pose: (place) => this.#findObjects(place),
    segmentation: async (place) => {
      const { pairs, imageIds, classes, firstCounted } = await this.#segmented.pixels(place, []);
      const counted = classes.map((_, ordinal) => ordinal).slice(firstCounted);
      const scores = pixelCounts(pairs, counted).map((image) =>
        measureTogether([image], 'macro', { measure: 'iou', zeroDivision: null }),
      );
      return fromCells(
        pairs,
        imageIds,
        Float64Array.from(scores, (score) => score ?? NaN),
        (ordinal) => ordinal >= firstCounted,
      );
    },
  };

  async #findObjects(place: ResultPlace): Promise<ImageResult[]> {
    const { cells, imageIds, scores, perCategory } = await this.#detected.measures(place, usualDetectionSettings);
    // Behind the last class stands the background, which is nothing that can be found.
    return fromCells(cells, imageIds, scores, (ordinal) => ordinal < perCategory.length);
  }

  /**
   * Makes sure that the database knows what the runs found that a view names. True where it learned something new.
   * Throws FoveaError `not-found` for a run without predictions; an unknown name is left to who compiles the query.
   */
  async prepare(opened: OpenProject, { filter, order }: ImageView): Promise<boolean> {
    const query = parseQuery(filter.query ?? '');
    const named = isProblem(query) ? [] : runsOf(query).map((name) => opened.store.images.findRun(name));
    const runIds = new Set([...named, order.runId ?? null].filter((runId) => runId !== null));
    let isNew = false;
    for (const runId of runIds) {
      const place = resultPlace(runFolder(opened, runId), null);
      const predictedMs = await predictionsModified(place.predictions);
      if (opened.store.imageResults.predictedMs(runId) === predictedMs) continue;
      await this.#share(`${opened.project.projectId} ${runId}`, () => this.#update(opened, runId, place, predictedMs));
      isNew = true;
    }
    return isNew;
  }

  #share(key: string, work: () => Promise<void>): Promise<void> {
    const known = this.#reading.get(key) ?? work().finally(() => this.#reading.delete(key));
    this.#reading.set(key, known);
    return known;
  }

  async #update({ store }: OpenProject, runId: RunId, place: ResultPlace, predictedMs: number): Promise<void> {
    const found = await this.#read[store.runs.config(runId).task](place);
    store.imageResults.begin(runId);
    for (let at = 0; at < found.length; at += WRITTEN_AT_ONCE) {
      store.imageResults.add(runId, found.slice(at, at + WRITTEN_AT_ONCE));
      await yieldToEventLoop();
    }
    store.imageResults.complete(runId, predictedMs);
  }
}

/** Counts by image from what was labelled one class and called another; `isFound` says which ordinals are classes. */
function fromCells(
  { starts, triples }: CellCounts,
  imageIds: Float64Array,
  scores: Float64Array,
  isFound: (ordinal: number) => boolean,
): ImageResult[] {
  return Array.from(imageIds, (imageId, image) => {
    const counts = { tp: 0, fp: 0, fn: 0 };
    let [all, differing] = [0, 0];
    for (let at = starts[image]! * 3; at < starts[image + 1]! * 3; at += 3) {
      const [labelled, called, count] = [triples[at]!, triples[at + 1]!, triples[at + 2]!];
      all += count;
      if (labelled === called) {
        if (isFound(labelled)) counts.tp += count;
        continue;
      }
      differing += count;
      if (isFound(called)) counts.fp += count;
      if (isFound(labelled)) counts.fn += count;
    }
    const score = scores[image]!;
    return {
      imageId: imageId as ImageId,
      score: Number.isNaN(score) ? null : score,
      disagreement: all === 0 ? null : differing / all,
      ...counts,
    };
  });
}

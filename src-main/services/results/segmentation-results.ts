/** The results of a segmentation: its pixels by class, and the masks of one image beside the truth. */
import { open } from 'node:fs/promises';
import { FoveaError } from '../../contract/errors.ts';
import type { ImageId } from '../../contract/model/ids.ts';
import type { ImageMasks, ImageScores, PixelResults } from '../../contract/model/run-results.ts';
import { measureTogether, pixelCounts } from '../../contract/model/segmentation-measures.ts';
import type { TrainedClass } from '../../contract/model/trained-classes.ts';
import { placementOf, toImage } from '../../engine/data/letterbox.ts';
import type { TrainingData } from '../../engine/data/training-data.ts';
import { readMaskPredictions, readPredictedMask } from '../../engine/train/mask-predictions-file.ts';
import { precisionOfBins } from '../../engine/metrics/precision-recall.ts';
import { runFiles } from '../../engine/train/run-folder.ts';
import { FileCache, predictionsModified, type ResultPlace, type TrainingDataCache } from './result-files.ts';

export class SegmentationResults {
  readonly #data: TrainingDataCache;
  readonly #files = new FileCache(readMaskPredictions);

  constructor(data: TrainingDataCache) {
    this.#data = data;
  }

  /** `classes`: of the run's network. Throws FoveaError `not-found` before the first evaluation. */
  async pixels(place: ResultPlace, classes: TrainedClass[]): Promise<PixelResults> {
    const { epoch, categoryCount, firstCounted, imageIds, pairs } = await this.#read(place);
    const { categories } = await this.#data.get(runFiles.data(place.folder));
    // The data set may have other classes by now: the run's own are those that it was trained with.
    const isSame = classes.length === categoryCount && classes.every(({ name }, i) => name === categories[i]);
    const own = Array.from({ length: categoryCount }, (_, ordinal): TrainedClass => {
      const name = categories[ordinal] ?? `class ${ordinal}`;
      return { name, categoryId: isSame ? classes[ordinal]!.categoryId : null };
    });
    return { epoch, classes: own, firstCounted, imageIds: Float64Array.from(imageIds), pairs };
  }

  /** Of each class, precision at recalls 0, 0.01 … 1 over all pixels; null in predictions from before it was counted. */
  async precisionAtRecall(place: ResultPlace): Promise<(number[] | null)[] | null> {
    const { categoryCount, firstCounted, sureness } = await this.#read(place);
    if (sureness === null) return null;
    const bins = sureness.all.length / categoryCount;
    return Array.from({ length: categoryCount }, (_, category) => {
      const of = (counts: Float64Array): Float64Array => counts.subarray(category * bins, (category + 1) * bins);
      return category < firstCounted ? null : precisionOfBins(of(sureness.all), of(sureness.right));
    });
  }

  /** Mean over the classes that an image shows or is said to show. */
  async scores(place: ResultPlace): Promise<ImageScores> {
    const { epoch, categoryCount, firstCounted, imageIds, pairs } = await this.#read(place);
    const counted = Array.from({ length: categoryCount }, (_, ordinal) => ordinal).slice(firstCounted);
    const scores = pixelCounts(pairs, counted).map((image) =>
      measureTogether([image], 'macro', { measure: 'iou', zeroDivision: null }),
    );
    return {
      epoch,
      meaning: 'mean IoU of the image',
      imageIds: Float64Array.from(imageIds),
      scores: Float64Array.from(scores, (score) => score ?? NaN),
      right: null,
    };
  }

  /** Throws FoveaError `not-found` for an image that the run was not measured by. */
  async masks(place: ResultPlace, imageId: ImageId): Promise<ImageMasks> {
    const { imageIds, height, width } = await this.#read(place);
    const index = Array.prototype.indexOf.call(imageIds, imageId);
    if (index < 0) throw new FoveaError('not-found', `The run was not measured by image ${imageId}.`, { imageId });
    const data = await this.#data.get(runFiles.data(place.folder));
    const { predicted, confidence } = await readPredictedMask(place.predictions, index);
    return {
      widthPx: width,
      heightPx: height,
      predicted,
      confidence,
      groundTruth: await readTruth(data, index),
      placement: toImage(placementOf(data, data.evaluation, index), [0, 0, width, height]),
    };
  }

  async #read({ predictions: file }: ResultPlace) {
    return this.#files.get(file, await predictionsModified(file));
  }
}

/** Null where the pack of masks is gone: it lies in a cache that a person may empty. */
async function readTruth({ packs, evaluation }: TrainingData, index: number): Promise<Uint8Array | null> {
  const pack = packs[evaluation.masks?.packs[index] ?? -1];
  const row = evaluation.masks?.rows[index];
  if (pack === undefined || row === undefined) return null;
  const bytes = pack.widthPx * pack.heightPx;
  try {
    const handle = await open(pack.file, 'r');
    try {
      const mask = new Uint8Array(bytes);
      const { bytesRead } = await handle.read(mask, 0, bytes, row * bytes);
      return bytesRead === bytes ? mask : null;
    } finally {
      await handle.close();
    }
  } catch {
    return null;
  }
}

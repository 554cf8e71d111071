/**
 * What a run's network says about the images of its evaluation split: filtered, ordered and paged, and as a confusion
 * matrix. The last files read are kept, because a list asks for page after page; a new epoch's file replaces its old one.
 */
import { FoveaError } from '../../contract/errors.ts';
import type { Calls } from '../../contract/ipc.ts';
import type { Category } from '../../contract/model/dataset.ts';
import type { CategoryId, ImageId } from '../../contract/model/ids.ts';
import type { ClassAnswers, ImageScores } from '../../contract/model/run-results.ts';
import type { ConfusionMatrix, Prediction, PredictionFilter } from '../../contract/model/run.ts';
import type { TrainedClass } from '../../contract/model/trained-classes.ts';
import { confusionCounts, predictedCategories, softmax } from '../../engine/metrics/classification.ts';
import { precisionAtRecalls } from '../../engine/metrics/precision-recall.ts';
import { readPredictions, type Predictions } from '../../engine/train/predictions-file.ts';
import type { ImageResult } from '../../store/image-result-repository.ts';
import { yieldToEventLoop } from '../event-loop.ts';
import { predictionsModified } from '../results/result-files.ts';

const filesKept = 2;

interface Answers extends Predictions {
  /** Category ordinal of each image. */
  readonly predicted: Int32Array;
  /** [N, C] */
  readonly probabilities: Float32Array;
}

export interface Page {
  offset: number;
  limit: number;
}

export class PredictionReader {
  /** By "<file>@<modification time>", the oldest first. */
  #kept = new Map<string, Answers>();
  #lastOrder: { answers: Answers; key: string; indices: Int32Array } | null = null;

  /** Throws FoveaError `not-found` before the first evaluation. */
  async list(
    file: string,
    categories: readonly Category[],
    filter: PredictionFilter,
    { offset, limit }: Page,
  ): Promise<Calls['run.predictions']['response']> {
    const answers = await this.#read(file);
    const ids = categoryIds(categories, answers);
    const matching = this.#order(answers, ids, filter);
    const items = Array.from(matching.subarray(offset, offset + limit), (index) => predictionAt(answers, ids, index));
    return { total: matching.length, epoch: answers.epoch, items };
  }

  /** Throws FoveaError `not-found` before the first evaluation. */
  async confusion(file: string, categories: readonly Category[]): Promise<ConfusionMatrix> {
    const answers = await this.#read(file);
    const counts = confusionCounts(answers.predicted, answers.labels, answers.categoryCount);
    const classes = inOrder(categories, answers).map(({ name, categoryId }) => ({ name, categoryId }));
    return { classes, unit: 'images', counts: counts.map((row) => [...row]) };
  }

  /** Throws FoveaError `not-found` before the first evaluation. */
  async scores(file: string): Promise<ImageScores> {
    const { epoch, imageIds, labels, predicted, probabilities, categoryCount } = await this.#read(file);
    return {
      epoch,
      meaning: 'probability of the true class',
      imageIds: Float64Array.from(imageIds),
      scores: Float64Array.from(labels, (label, index) => probabilities[index * categoryCount + label]!),
      right: Uint8Array.from(labels, (label, index) => Number(predicted[index] === label)),
    };
  }

  /** `classes`: in the order of the network's outputs. Throws FoveaError `not-found` before the first evaluation. */
  async answers(file: string, classes: readonly TrainedClass[]): Promise<ClassAnswers> {
    const { epoch, imageIds, labels, predicted, probabilities, categoryCount } = await this.#read(file);
    const count = labels.length;
    const triples = new Uint32Array(count * 3);
    for (let i = 0; i < count; i++) triples.set([labels[i]!, predicted[i]!, 1], i * 3);
    const precisionAtRecall: ClassAnswers['precisionAtRecall'] = [];
    for (let category = 0; category < categoryCount; category++) {
      const scores = Float32Array.from(labels, (_, i) => probabilities[i * categoryCount + category]!);
      const isPositive = Uint8Array.from(labels, (label) => Number(label === category));
      precisionAtRecall.push(precisionAtRecalls(scores, isPositive));
      await yieldToEventLoop();
    }
    return {
      epoch,
      classes: Array.from(precisionAtRecall, (_, i) => classes[i] ?? { name: `class ${i}`, categoryId: null }),
      unit: 'images',
      imageIds: Float64Array.from(imageIds),
      cells: { starts: Uint32Array.from({ length: count + 1 }, (_, i) => i), triples },
      sizes: null,
      precisionAtRecall,
    };
  }

  /**
   * Of each image. Its score is the probability of the labelled class, its disagreement how much surer the network is of
   * another. Throws FoveaError `not-found` before the first evaluation.
   */
  async findings(file: string): Promise<ImageResult[]> {
    const { imageIds, labels, predicted, probabilities, categoryCount } = await this.#read(file);
    return Array.from(imageIds, (imageId, index) => {
      const label = labels[index]!;
      const score = probabilities[index * categoryCount + label]!;
      const best = probabilities[index * categoryCount + predicted[index]!]!;
      const tp = Number(predicted[index] === label);
      return { imageId: imageId as ImageId, score, disagreement: best - score, tp, fp: 1 - tp, fn: 1 - tp };
    });
  }

  /** A list asks for page after page of the same order. */
  #order(answers: Answers, ids: readonly CategoryId[], filter: PredictionFilter): Int32Array {
    const key = JSON.stringify([filter, ids]);
    const last = this.#lastOrder;
    if (last?.answers === answers && last.key === key) return last.indices;
    const indices = orderedIndices(answers, ids, filter);
    this.#lastOrder = { answers, key, indices };
    return indices;
  }

  async #read(file: string): Promise<Answers> {
    const key = `${file}@${await predictionsModified(file)}`;
    const answers = this.#kept.get(key) ?? (await readAnswers(file));
    this.#kept.delete(key);
    this.#kept.set(key, answers);
    for (const oldest of [...this.#kept.keys()].slice(0, -filesKept)) this.#kept.delete(oldest);
    return answers;
  }
}

async function readAnswers(file: string): Promise<Answers> {
  const predictions = await readPredictions(file);
  const { logits, categoryCount } = predictions;
  const predicted = predictedCategories(logits, categoryCount);
  const probabilities = softmax(logits, categoryCount);
  await yieldToEventLoop();
  return { ...predictions, predicted, probabilities };
}

const categoryIds = (categories: readonly Category[], answers: Answers): CategoryId[] =>
  inOrder(categories, answers).map(({ categoryId }) => categoryId);

/** `categories`: those of the network, in its order. */
function inOrder(categories: readonly Category[], { categoryCount }: Answers): Category[] {
  if (categories.length !== categoryCount) {
    throw new FoveaError(
      'not-found',
      `The run's data set had ${categoryCount} classes, but has ${categories.length} now, or is deleted: its predictions cannot be shown.`,
      { expected: categoryCount, got: categories.length },
    );
  }
  return [...categories];
}

function orderedIndices(answers: Answers, ids: readonly CategoryId[], filter: PredictionFilter): Int32Array {
  const { labels, predicted, probabilities, categoryCount } = answers;
  const keys = new Float64Array(labels.length);
  let matching = 0;
  for (let index = 0; index < labels.length; index++) {
    const isRight = predicted[index] === labels[index];
    if (filter.outcome !== 'all' && (filter.outcome === 'right') !== isRight) continue;
    if (filter.groundTruthCategoryId !== null && ids[labels[index]!] !== filter.groundTruthCategoryId) continue;
    if (filter.predictedCategoryId !== null && ids[predicted[index]!] !== filter.predictedCategoryId) continue;
    const confidence = probabilities[index * categoryCount + predicted[index]!]!;
    keys[matching++] = sortKey(filter.order, isRight, confidence, index);
  }
  return indicesInOrder(keys.subarray(0, matching));
}

const ranks = 2 ** 24;
const indexLimit = 2 ** 26;

/**
 * Group, rank and index in one whole number below 2^53, because numbers sort ten times as fast as with a comparison. The
 * rank has the 24 bits of a probability's precision; the index keeps equals in the order of the data set.
 */
function sortKey(order: PredictionFilter['order'], isRight: boolean, confidence: number, index: number): number {
  if (order === 'dataset') return index;
  const group = order === 'wrong-first' && isRight ? 1 : 0;
  const rank = Math.round((order === 'wrong-first' ? 1 - confidence : confidence) * (ranks - 1));
  return (group * ranks + rank) * indexLimit + index;
}

function indicesInOrder(keys: Float64Array): Int32Array {
  keys.sort();
  const indices = new Int32Array(keys.length);
  for (let place = 0; place < keys.length; place++) indices[place] = keys[place]! % indexLimit;
  return indices;
}

function predictionAt(answers: Answers, ids: readonly CategoryId[], index: number): Prediction {
  const { imageIds, labels, predicted, probabilities, categoryCount } = answers;
  return {
    imageId: imageIds[index] as ImageId,
    groundTruthCategoryId: ids[labels[index]!]!,
    predictedCategoryId: ids[predicted[index]!]!,
    probabilities: [...probabilities.subarray(index * categoryCount, (index + 1) * categoryCount)],
  };
}

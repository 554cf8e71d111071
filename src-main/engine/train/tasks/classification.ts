/** One category an image. */
import { FoveaError } from '../../../contract/errors.ts';
import type { Builder } from '../../graph/builder.ts';
import type { Value } from '../../graph/types.ts';
import { classificationResult, meanCrossEntropy, predictedCategories, softmax } from '../../metrics/classification.ts';
import { classificationLoss } from '../../nn/losses/cross-entropy.ts';
import { writePredictions } from '../predictions-file.ts';
import {
  compareWholeNumbers,
  type Evaluation,
  type EvaluationOptions,
  type MeasuredBatch,
  type Measures,
  type Task,
  type TaskFacts,
} from './definition.ts';

/** How many of the batch's top scores are right, as a float32 scalar. */
export function countCorrect(g: Builder, logits: Value, labels: Value): Value {
  const predicted = g.op('ArgMax', [logits], { axis: 1, keepdims: 0 });
  return g.reduceSum(g.cast(g.op('Equal', [predicted, labels]), 'float32'), [0]);
}

export function classification({ config, categoryCount }: TaskFacts): Task {
  const { loss } = config;
  if (loss.kind !== 'cross-entropy')
    throw new FoveaError(
      'invalid-request',
      `The loss "${loss.kind}" is not one of classification. Use: cross-entropy.`,
    );
  return {
    outputCount: categoryCount,
    label: { dataType: 'int64', shape: [] },
    deciding: 'test/accuracy',
    openLabels: (split, _source, images) => {
      const all = BigInt64Array.from(split.labels, BigInt);
      return Promise.resolve({
        feed: (positions, asked) => {
          if (images.residentBytes) return Promise.resolve(all);
          const labels = new BigInt64Array(asked);
          for (let i = 0; i < positions.length; i++) labels[i] = all[positions[i]!]!;
          return Promise.resolve(labels);
        },
        close: () => Promise.resolve(),
      });
    },
    loss: (g, outputs, labels) => classificationLoss(g, outputs[0]!, labels, loss),
    counts: (g, outputs, labels) => ({ correct: countCorrect(g, outputs[0]!, labels) }),
    trainMeasures: ({ correct }, images) => ({ 'train/accuracy': correct![0]! / images }),
    evaluationResults: (_g, outputs) => ({ logits: outputs[0]! }),
    startEvaluation: (options) =>
      Promise.resolve(new ClassificationEvaluation(options, categoryCount, loss.softmaxBeforeLoss)),
    exported: {
      raw: (_g, outputs) => ({ logits: outputs[0]! }),
      decided: (g, outputs) => ({ category: g.op('ArgMax', [outputs[0]!], { axis: 1, keepdims: 0 }) }),
      compare: ({ logits }, { category }) =>
        compareWholeNumbers(predictedCategories(logits!.data as Float32Array, categoryCount), category!.data),
      say: ({ logits }) => ({
        kind: 'category',
        probabilities: [...softmax(logits!.data as Float32Array, categoryCount)],
      }),
    },
  };
}

/** Keeps the logits, which are the predictions. */
class ClassificationEvaluation implements Evaluation {
  private readonly options: EvaluationOptions;
  private readonly categoryCount: number;
  private readonly softmaxBeforeLoss: boolean;
  private readonly logits: Float32Array;

  constructor(options: EvaluationOptions, categoryCount: number, softmaxBeforeLoss: boolean) {
    this.options = options;
    this.categoryCount = categoryCount;
    this.softmaxBeforeLoss = softmaxBeforeLoss;
    this.logits = new Float32Array(options.split.imageIds.length * categoryCount);
  }

  add({ results, first, count }: MeasuredBatch): Promise<void> {
    const batch = results['logits']!.data as Float32Array;
    this.logits.set(batch.subarray(0, count * this.categoryCount), first * this.categoryCount);
    return Promise.resolve();
  }

  measures(): Measures {
    const { labels } = this.options.split;
    const { logits, categoryCount } = this;
    return {
      'test/loss': meanCrossEntropy(logits, labels, categoryCount, this.softmaxBeforeLoss) ?? 0,
      'test/accuracy': classificationResult(logits, labels, categoryCount).accuracy ?? 0,
    };
  }

  writePredictions(): Promise<void> {
    const { split, epoch, file } = this.options;
    return writePredictions(file, {
      epoch,
      categoryCount: this.categoryCount,
      imageIds: Float64Array.from(split.imageIds),
      labels: Int32Array.from(split.labels),
      logits: this.logits,
    });
  }

  discard(): Promise<void> {
    return Promise.resolve();
  }
}

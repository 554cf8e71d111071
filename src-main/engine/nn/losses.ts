/** Losses over logits. */
import type { LossConfig } from '../../contract/model/run.ts';
import type { Builder } from '../graph/builder.ts';
import { tensor, type Value } from '../graph/types.ts';

/**
 * Mean cross-entropy, −1/N · Σ log softmax(logits)[label]. logits: [N, C]; labels: int64 [N], 0-based; a scalar.
 * NOTE (differs from the formula): with `softmaxBeforeLoss` the softmax is applied twice, as some tutorials do.
 */
export function crossEntropy(g: Builder, logits: Value, labels: Value, config: LossConfig): Value {
  const [n, categories] = logits.shape as [number, number];
  const scores = config.softmaxBeforeLoss ? g.op('Softmax', [logits], { axis: 1 }) : logits;
  const logProbabilities = g.op('LogSoftmax', [scores], { axis: 1 });
  const columns = g.constant(
    tensor(
      'int64',
      [1, categories],
      Array.from({ length: categories }, (_, i) => i),
    ),
  );
  const oneHot = g.cast(g.op('Equal', [g.reshape(labels, [n, 1]), columns]), 'float32'); // [N, C]
  return g.scale(g.reduceSum(g.mul(logProbabilities, oneHot), [0, 1]), -1 / n);
}

/** How many of the batch's top scores are right, as a float32 scalar. */
export function countCorrect(g: Builder, logits: Value, labels: Value): Value {
  const predicted = g.op('ArgMax', [logits], { axis: 1, keepdims: 0 });
  return g.reduceSum(g.cast(g.op('Equal', [predicted, labels]), 'float32'), [0]);
}

/** The losses by name. A new one is a record in a file here, one line below, and its settings in the contract. */
import type { LossConfig, PixelLoss } from '../../../contract/model/loss.ts';
import type { Builder } from '../../graph/builder.ts';
import type { Value } from '../../graph/types.ts';
import { crossEntropy } from './cross-entropy.ts';
import { lossInputs, type ConfigOf, type LossDefinition } from './definition.ts';
import { focal } from './focal.ts';
import { lovasz } from './lovasz.ts';
import { dice, jaccard, tversky } from './overlap.ts';

const LOSSES = { 'cross-entropy': crossEntropy, dice, focal, jaccard, lovasz, tversky } as const satisfies {
  [K in PixelLoss['kind']]: LossDefinition<ConfigOf<K>>;
};

/** Σ weight · loss. logits: [N, C] or [N, C, H, W]; labels: int64 or int32 [N] or [N, H, W]; a scalar. */
export function sumOfLosses(
  g: Builder,
  logits: Value,
  labels: Value,
  terms: Extract<LossConfig, { kind: 'sum' }>['terms'],
): Value {
  const inputs = lossInputs(g, logits, labels);
  return terms
    .map(({ weight, loss }) => {
      const definition = LOSSES[loss.kind] as LossDefinition<PixelLoss>;
      return g.scale(
        g.scope(loss.kind, () => definition.build(inputs, loss)),
        weight,
      );
    })
    .reduce((sum, term) => g.add(sum, term));
}

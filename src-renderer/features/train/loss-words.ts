/** A loss in words. Pure. */
import { lossKinds } from '../../../src-main/contract/model/loss-kinds.ts';
import type { LossConfig } from '../../../src-main/contract/model/loss.ts';
import { formatPlain } from '../../ui/format-number.ts';

/** "Cross-entropy with class weights + 0.5 × Dice"; null where the loss's settings are all knobs. */
export function termsText(loss: LossConfig): string | null {
  if (loss.kind !== 'sum') return null;
  return loss.terms
    .map(({ weight, loss: term }) => {
      const weighted = term.kind === 'cross-entropy' && term.classWeights !== null ? ' with class weights' : '';
      return `${weight === 1 ? '' : `${formatPlain(weight)} × `}${lossKinds[term.kind].label}${weighted}`;
    })
    .join(' + ');
}

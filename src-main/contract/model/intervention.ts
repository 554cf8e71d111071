/**
 * What a person changes in a run while it trains. Each is recorded with the step from which it holds, so that a run which
 * goes on from an earlier checkpoint does the same again at the same step.
 */
import * as v from 'valibot';

export const intervention = v.variant('kind', [
  /** Every learning rate from now on times this. */
  v.object({ kind: v.literal('learning-rate'), factor: v.pipe(v.number(), v.finite(), v.gtValue(0)) }),
  /** The last phase gets so many epochs more (or fewer); beyond its planned end the rate stays as it was there. */
  v.object({
    kind: v.literal('epochs'),
    added: v.pipe(
      v.number(),
      v.integer(),
      v.check((added) => added !== 0, 'must not be 0'),
    ),
  }),
  /** The run ends here, as finished; what its best epoch has learned is what it is judged by. */
  v.object({ kind: v.literal('finish') }),
]);
export type Intervention = v.InferOutput<typeof intervention>;

export const recordedIntervention = v.object({
  /** Of the request, so that none is taken twice. */
  id: v.string(),
  time: v.string(),
  /** Steps done before it. */
  step: v.number(),
  /** Epochs done before it, fractional. */
  epoch: v.number(),
  change: intervention,
});
export type RecordedIntervention = v.InferOutput<typeof recordedIntervention>;

/** "learning rate × 0.1", "5 epochs more" */
export function interventionInWords(change: Intervention): string {
  switch (change.kind) {
    case 'learning-rate':
      return `learning rate × ${change.factor}`;
    case 'epochs': {
      const count = Math.abs(change.added);
      return `${count} ${count === 1 ? 'epoch' : 'epochs'} ${change.added > 0 ? 'more' : 'fewer'}`;
    }
    case 'finish':
      return 'stopped, the best is kept';
  }
}

export function addedEpochs(recorded: readonly Pick<RecordedIntervention, 'change'>[]): number {
  return recorded.reduce((sum, { change }) => sum + (change.kind === 'epochs' ? change.added : 0), 0);
}

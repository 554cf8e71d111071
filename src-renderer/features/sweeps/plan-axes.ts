/** Axes that are no single knob: what a plan starts from, and which of its layers are frozen. Pure. */
import type { RunConfig } from '../../../src-main/contract/model/run.ts';
import { sourceText } from '../../../src-main/contract/model/weights.ts';
import type { DraftAxis } from '../../state/sweep-axes.ts';

/** Only those that have two ends in this plan: weights to start from, layers that are frozen. */
export function planAxes({ weights, phases }: RunConfig): DraftAxis[] {
  const axes: DraftAxis[] = [];
  if (weights !== null) {
    axes.push({
      kind: 'options',
      id: 'weights',
      label: 'Starts from',
      options: [
        { id: 'scratch', label: 'scratch', changes: [{ path: 'weights', value: null }] },
        { id: 'plan', label: sourceText(weights), changes: [{ path: 'weights', value: { ...weights } }] },
      ],
      chosen: ['scratch', 'plan'],
    });
  }
  const frozen = phases.flatMap(({ freeze }, phase) => (freeze.length > 0 ? [{ freeze, phase }] : []));
  if (frozen.length > 0) {
    axes.push({
      kind: 'options',
      id: 'freeze',
      label: 'Freezing',
      options: [
        {
          id: 'none',
          label: 'nothing',
          changes: frozen.map(({ phase }) => ({ path: `phases.${phase}.freeze`, value: [] })),
        },
        { id: 'plan', label: 'as planned', changes: [] },
      ],
      chosen: ['none', 'plan'],
    });
  }
  return axes;
}

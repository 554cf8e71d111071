/** Loops. Autodiff runs inside a loop's body, never through the loop. */
import { ShapeError } from '../graph/errors.ts';
import type { Graph, TensorType } from '../graph/types.ts';
import { constantNumbers, type OpDefinition } from './definition.ts';

export interface LoopAttributes {
  body: Graph;
}

/**
 * inputs: trip count (int64 scalar), condition (bool scalar), carried values…; body inputs: iteration, condition,
 * carried…; body outputs: condition, carried…, one slice of each scan output. outputs: carried…, scans [trips, …].
 */
export const loopOp: OpDefinition<LoopAttributes> = {
  attributes: { body: 'required' },
  inferShape: ({ name, inputs, attributes: { body } }): TensorType[] => {
    const [trips] = constantNumbers(name, inputs[0], 'M');
    const carriedCount = body.inputs.length - 2;
    if (inputs.length - 2 !== carriedCount)
      throw new ShapeError(name, `${carriedCount} carried values`, String(inputs.length - 2));
    const [, ...produced] = body.outputs;
    return produced.map(({ shape, dataType }, i) =>
      i < carriedCount ? { shape, dataType } : { shape: [trips!, ...shape], dataType },
    );
  },
  gradient: 'not-differentiable',
};

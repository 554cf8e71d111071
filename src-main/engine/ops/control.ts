/** Loops and constants made at run time. Autodiff runs inside a loop's body, never through the loop. */
import { ShapeError } from '../graph/errors.ts';
import type { Graph, TensorType } from '../graph/types.ts';
import { constantNumbers, type OpDefinition } from './definition.ts';
import type { NoAttributes } from './elementwise.ts';

export interface LoopAttributes {
  body: Graph;
}

/**
 * inputs: trip count (int64 scalar), condition (bool scalar), carried values…; body inputs: iteration, condition,
 * carried…; body outputs: condition, carried…, one slice of each scan output. outputs: carried…, scans [trips, …].
 */
export const loopOp: OpDefinition<LoopAttributes> = {
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

/** float32 zeros. */
export const constantOfShapeOp: OpDefinition<NoAttributes> = {
  inferShape: ({ name, inputs: [shape] }) => [{ shape: constantNumbers(name, shape, 'shape'), dataType: 'float32' }],
  gradient: 'not-differentiable',
};

export interface ScatterElementsAttributes {
  axis: number;
  reduction: string;
}
export const scatterElementsOp: OpDefinition<ScatterElementsAttributes> = {
  inferShape: ({ inputs: [x] }) => [{ shape: x.shape, dataType: x.dataType }],
  gradient: 'not-differentiable',
};

/**
 * Layer normalisation; group and instance normalisation are the same over reshaped rows. onnxruntime's kernel holds its
 * digits where |μ| ≫ σ as well as PyTorch's does. Source: Ba et al. 2016; Wu & He 2018.
 */
import { invariant } from '../../contract/errors.ts';
import type { Builder } from '../graph/builder.ts';
import { sizeOf, type FloatAttribute, type Value } from '../graph/types.ts';
import { inputAt, normalAxis, type GradientContext, type OpDefinition, type ShapeContext } from './definition.ts';

export interface LayerNormAttributes {
  /** The first axis that is normalised over; the last one where absent. */
  axis?: number;
  /** 1e-5 where absent. */
  epsilon?: FloatAttribute;
}

const firstAxis = ({ name, inputs: [x], attributes: { axis = -1 } }: ShapeContext<LayerNormAttributes>): number =>
  normalAxis(name, axis, x.shape.length);

/** Σ a·b over each row of [rows, L], as [rows, 1]. */
function rowDots(g: Builder, a: Value, b: Value): Value {
  const [rows, length] = a.shape as [number, number];
  const asRow = (x: Value): Value => g.reshape(x, [rows, 1, length]);
  return g.reshape(g.fusedMatMul(asRow(a), asRow(b), { transB: true }), [rows, 1]);
}

/**
 * With x̂ = (x − μ)/σ, y = γ·x̂ + β and e = dy·γ: dγ = Σ dy·x̂ and dβ = Σ dy over the rows,
 * dx = (e − mean(e) − x̂·mean(e·x̂)) / σ.
 */
function gradient(context: GradientContext<LayerNormAttributes>): (Value | null)[] {
  const { g, name, inputs, outputs, attributes, gradOutput, gradOutputs, needs } = context;
  const [x, scale] = inputs;
  invariant(
    gradOutputs.slice(1).every((other) => other === null),
    `${name}: of LayerNormalization's outputs only y may lead to the loss`,
  );
  const [rows, length] = [x.shape.slice(0, firstAxis(context)), x.shape.slice(firstAxis(context))].map(sizeOf) as [
    number,
    number,
  ];
  const [, mean, inverse] = outputs[2]
    ? (outputs as readonly Value[])
    : g.ops('LayerNormalization', [x, scale], { ...attributes }, 3);
  const asRows = (value: Value): Value => g.reshape(value, [rows, sizeOf(value.shape) / rows]);
  const deviation = asRows(inverse!); // 1/σ, [rows, 1]
  const normal = g.mul(g.sub(asRows(x), asRows(mean!)), deviation); // x̂, [rows, L]
  const dy = asRows(gradOutput);
  const overRows = (value: Value): Value => g.reshape(g.reduceSum(value, [0]), scale.shape);
  const dScale = needs[1] ? overRows(g.mul(dy, normal)) : null;
  const dBias = inputAt(inputs, 2) && needs[2] ? overRows(dy) : null;
  if (!needs[0]) return [null, dScale, dBias];
  const e = g.mul(dy, g.reshape(scale, [1, length]));
  const slope = g.scale(rowDots(g, e, normal), 1 / length);
  const dx = g.mul(deviation, g.sub(g.sub(e, g.reduceMean(e, [1], true)), g.mul(normal, slope)));
  return [g.reshape(dx, x.shape), dScale, dBias];
}

/** inputs: x, γ and optionally β in the shape of the axes from `axis` on; outputs: y, mean and 1/σ with those axes as 1s. */
export const layerNormalizationOp: OpDefinition<LayerNormAttributes> = {
  attributes: { axis: 'optional', epsilon: 'optional' },
  inferShape: (context) => {
    const [x] = context.inputs;
    const kept = x.shape.map((d, axis) => (axis < firstAxis(context) ? d : 1));
    return [x.shape, kept, kept].map((shape) => ({ shape, dataType: x.dataType }));
  },
  gradient,
};

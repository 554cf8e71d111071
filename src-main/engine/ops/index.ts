/**
 * The op table: every operator the engine knows, complete by type. A new operator is one record in its family's file,
 * one line in `OpAttributes`, one in `OPS` and, where it has attributes, one in `ATTRIBUTES`; leaving one out does not
 * compile.
 */
import { FoveaError } from '../../contract/errors.ts';
import { UnsupportedAttributeError, UnsupportedOpError } from '../graph/errors.ts';
import { Builder, type OpRules } from '../graph/builder.ts';
import type { Attributes } from '../graph/types.ts';
import * as activation from './activation.ts';
import * as control from './control.ts';
import * as convolution from './convolution.ts';
import type { Inputs, OpDefinition } from './definition.ts';
import * as elementwise from './elementwise.ts';
import type { NoAttributes } from './elementwise.ts';
import * as matmul from './matmul.ts';
import * as normalisation from './normalisation.ts';
import * as pooling from './pooling.ts';
import * as reduction from './reduction.ts';
import * as shape from './shape.ts';

export interface OpAttributes {
  Abs: NoAttributes;
  Add: NoAttributes;
  ArgMax: reduction.ArgMaxAttributes;
  BatchNorm: normalisation.BatchNormAttributes;
  BitwiseAnd: NoAttributes;
  BitwiseXor: NoAttributes;
  Cast: shape.CastAttributes;
  ChannelDot: NoAttributes;
  ChannelSum: NoAttributes;
  Concat: shape.ConcatAttributes;
  ConstantOfShape: NoAttributes;
  Conv: convolution.ConvAttributes;
  ConvInputGradient: convolution.ConvGradientAttributes;
  ConvTranspose: convolution.ConvTransposeAttributes;
  ConvWeightGradient: convolution.ConvGradientAttributes;
  Div: NoAttributes;
  Equal: NoAttributes;
  Exp: NoAttributes;
  Expand: NoAttributes;
  Floor: NoAttributes;
  FusedMatMul: matmul.FusedMatMulAttributes;
  Gather: shape.GatherAttributes;
  GatherGradient: shape.GatherGradientAttributes;
  Gemm: matmul.GemmAttributes;
  Greater: NoAttributes;
  GreaterOrEqual: NoAttributes;
  Identity: NoAttributes;
  Less: NoAttributes;
  LessOrEqual: NoAttributes;
  Log: NoAttributes;
  LogSoftmax: activation.AxisAttributes;
  Loop: control.LoopAttributes;
  MatMul: NoAttributes;
  Max: NoAttributes;
  MaxPool: pooling.PoolAttributes;
  MaxPoolGradient: pooling.PoolAttributes;
  Min: NoAttributes;
  Mul: NoAttributes;
  Neg: NoAttributes;
  Pad: shape.PadAttributes;
  QuickGelu: { alpha: { float: number } };
  Reciprocal: NoAttributes;
  ReduceMax: reduction.ReduceAttributes;
  ReduceMean: reduction.ReduceAttributes;
  ReduceSum: reduction.ReduceAttributes;
  Relu: NoAttributes;
  Reshape: NoAttributes;
  ScatterElements: control.ScatterElementsAttributes;
  Sigmoid: NoAttributes;
  Sign: NoAttributes;
  Slice: NoAttributes;
  Softmax: activation.AxisAttributes;
  Split: shape.SplitAttributes;
  Sqrt: NoAttributes;
  Sub: NoAttributes;
  Sum: NoAttributes;
  Tanh: NoAttributes;
  Transpose: shape.TransposeAttributes;
  Where: NoAttributes;
}

export const OPS = {
  Abs: elementwise.absOp,
  Add: elementwise.addOp,
  ArgMax: reduction.argMaxOp,
  BatchNorm: normalisation.batchNormOp,
  BitwiseAnd: elementwise.bitwiseAndOp,
  BitwiseXor: elementwise.bitwiseXorOp,
  Cast: shape.castOp,
  ChannelDot: normalisation.channelDotOp,
  ChannelSum: convolution.channelSumOp,
  Concat: shape.concatOp,
  ConstantOfShape: control.constantOfShapeOp,
  Conv: convolution.convOp,
  ConvInputGradient: convolution.convInputGradientOp,
  ConvTranspose: convolution.convTransposeOp,
  ConvWeightGradient: convolution.convWeightGradientOp,
  Div: elementwise.divOp,
  Equal: elementwise.equalOp,
  Exp: elementwise.expOp,
  Expand: shape.expandOp,
  Floor: elementwise.floorOp,
  FusedMatMul: matmul.fusedMatMulOp,
  Gather: shape.gatherOp,
  GatherGradient: shape.gatherGradientOp,
  Gemm: matmul.gemmOp,
  Greater: elementwise.greaterOp,
  GreaterOrEqual: elementwise.greaterOrEqualOp,
  Identity: elementwise.identityOp,
  Less: elementwise.lessOp,
  LessOrEqual: elementwise.lessOrEqualOp,
  Log: elementwise.logOp,
  LogSoftmax: activation.logSoftmaxOp,
  Loop: control.loopOp,
  MatMul: matmul.matMulOp,
  Max: elementwise.maxOp,
  MaxPool: pooling.maxPoolOp,
  MaxPoolGradient: pooling.maxPoolGradientOp,
  Min: elementwise.minOp,
  Mul: elementwise.mulOp,
  Neg: elementwise.negOp,
  Pad: shape.padOp,
  QuickGelu: activation.quickGeluOp,
  Reciprocal: elementwise.reciprocalOp,
  ReduceMax: reduction.reduceMaxOp,
  ReduceMean: reduction.reduceMeanOp,
  ReduceSum: reduction.reduceSumOp,
  Relu: activation.reluOp,
  Reshape: shape.reshapeOp,
  ScatterElements: control.scatterElementsOp,
  Sigmoid: activation.sigmoidOp,
  Sign: elementwise.signOp,
  Slice: shape.sliceOp,
  Softmax: activation.softmaxOp,
  Split: shape.splitOp,
  Sqrt: elementwise.sqrtOp,
  Sub: elementwise.subOp,
  Sum: elementwise.sumOp,
  Tanh: activation.tanhOp,
  Transpose: shape.transposeOp,
  Where: elementwise.whereOp,
} as const satisfies { [K in keyof OpAttributes]: OpDefinition<OpAttributes[K]> };

type WithAttributes = {
  [K in keyof OpAttributes]: string extends keyof OpAttributes[K] ? never : K;
}[keyof OpAttributes];
type Presence<A> = { [K in keyof A]-?: undefined extends A[K] ? 'optional' : 'required' };

const sliding = { kernel_shape: 'required', strides: 'required', pads: 'required' } as const;
const convolving = { ...sliding, dilations: 'required', group: 'required' } as const;

/** What each operator's node may and must carry. Others have no attributes. */
const ATTRIBUTES: { [K in WithAttributes]: Presence<OpAttributes[K]> } = {
  ArgMax: { axis: 'required', keepdims: 'required' },
  BatchNorm: { epsilon: 'required' },
  Cast: { to: 'required' },
  Concat: { axis: 'required' },
  Conv: convolving,
  ConvInputGradient: { ...convolving, shape: 'required' },
  ConvTranspose: { ...convolving, output_padding: 'required' },
  ConvWeightGradient: { ...convolving, shape: 'required' },
  FusedMatMul: { transA: 'required', transB: 'required' },
  Gather: { axis: 'required' },
  GatherGradient: { axis: 'required', shape: 'required' },
  Gemm: { transA: 'optional', transB: 'optional', alpha: 'optional', beta: 'optional' },
  LogSoftmax: { axis: 'required' },
  Loop: { body: 'required' },
  MaxPool: sliding,
  MaxPoolGradient: sliding,
  Pad: { mode: 'optional' },
  QuickGelu: { alpha: 'required' },
  ReduceMax: { keepdims: 'required' },
  ReduceMean: { keepdims: 'required' },
  ReduceSum: { keepdims: 'required' },
  ScatterElements: { axis: 'required', reduction: 'required' },
  Softmax: { axis: 'required' },
  Split: { axis: 'required' },
  Transpose: { perm: 'required' },
};

export type OpType = keyof OpAttributes;
export const opTypes = Object.keys(OPS) as OpType[];

/** The record of an operator with its attributes as they lie in a node. Throws UnsupportedOpError. */
export function definitionOf(opType: string, domain: string, node: string): OpDefinition<Attributes> {
  const definition = Object.hasOwn(OPS, opType) ? (OPS as Record<string, OpDefinition<never>>)[opType] : undefined;
  if (!definition || (definition.domain ?? '') !== domain) throw new UnsupportedOpError(opType, domain, node, opTypes);
  return definition as unknown as OpDefinition<Attributes>;
}

/** Attributes that other programs write out at their default, which is how the engine's operators work anyway. */
const NEUTRAL: Attributes = {
  allowzero: 0,
  auto_pad: 'NOTSET',
  ceil_mode: 0,
  noop_with_empty_axes: 0,
  select_last_index: 0,
  storage_order: 0,
};

/** Throws UnsupportedAttributeError for one that is unknown, FoveaError `unsupported` for one that is missing. */
function checkAttributes(opType: string, attributes: Attributes, node: string): void {
  const known = (ATTRIBUTES as Record<string, Readonly<Record<string, string>> | undefined>)[opType] ?? {};
  for (const [attribute, value] of Object.entries(attributes)) {
    if (!Object.hasOwn(known, attribute) && NEUTRAL[attribute] !== value)
      throw new UnsupportedAttributeError(opType, attribute, node, Object.keys(known));
  }
  for (const [attribute, presence] of Object.entries(known)) {
    if (presence === 'required' && attributes[attribute] === undefined) {
      throw new FoveaError('unsupported', `${node}: ${opType} without the attribute "${attribute}" is not supported.`, {
        node,
        opType,
        attribute,
      });
    }
  }
}

export const opRules: OpRules = {
  inferOutputs: ({ name, opType, domain, inputs, attributes }, outputCount) => {
    const definition = definitionOf(opType, domain, name);
    checkAttributes(opType, attributes, name);
    return definition.inferShape({ name, inputs: inputs as unknown as Inputs, attributes, outputCount });
  },
};

/** A builder for a new main graph over the op table. */
export const newGraph = (name: string): Builder => new Builder(name, opRules);

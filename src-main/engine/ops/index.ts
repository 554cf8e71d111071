/**
 * The op table: every operator the engine knows. A new operator is one record in its family's file and one line here; a
 * record that says nothing of its attributes, its shape or its gradient does not compile.
 */
import { FoveaError } from '../../contract/errors.ts';
import { UnsupportedAttributeError, UnsupportedOpError } from '../graph/errors.ts';
import { Builder, type OpRules } from '../graph/builder.ts';
import type { Attributes } from '../graph/types.ts';
import * as activation from './activation.ts';
import * as blocked from './blocked.ts';
import * as control from './control.ts';
import * as convolution from './convolution.ts';
import type { AnyOpDefinition, Inputs, OpDefinition } from './definition.ts';
import * as elementwise from './elementwise.ts';
import * as layerNorm from './layer-norm.ts';
import * as matmul from './matmul.ts';
import * as normalisation from './normalisation.ts';
import * as phases from './phases.ts';
import * as pooling from './pooling.ts';
import * as reduction from './reduction.ts';
import * as resize from './resize.ts';
import * as selection from './selection.ts';
import * as shape from './shape.ts';

export const OPS = {
  Abs: elementwise.absOp,
  AdaptiveAveragePool: pooling.adaptiveAveragePoolOp,
  Add: elementwise.addOp,
  And: elementwise.andOp,
  ArgMax: reduction.argMaxOp,
  ArgMin: reduction.argMinOp,
  Atan: elementwise.atanOp,
  AveragePool: pooling.averagePoolOp,
  AveragePoolGradient: pooling.averagePoolGradientOp,
  BatchNorm: normalisation.batchNormOp,
  BitwiseAnd: elementwise.bitwiseAndOp,
  BitwiseXor: elementwise.bitwiseXorOp,
  Cast: shape.castOp,
  Ceil: elementwise.ceilOp,
  ChannelAffine: normalisation.channelAffineOp,
  ChannelDot: normalisation.channelDotOp,
  ChannelScale: normalisation.channelScaleOp,
  ChannelSum: convolution.channelSumOp,
  Clip: activation.clipOp,
  Concat: shape.concatOp,
  ConstantOfShape: selection.constantOfShapeOp,
  Conv: convolution.convOp,
  ConvInputGradient: convolution.convInputGradientOp,
  ConvTranspose: convolution.convTransposeOp,
  ConvWeightGradient: convolution.convWeightGradientOp,
  Cos: elementwise.cosOp,
  CumSum: reduction.cumSumOp,
  Div: elementwise.divOp,
  Elu: activation.eluOp,
  Equal: elementwise.equalOp,
  Erf: activation.erfOp,
  Exp: elementwise.expOp,
  Expand: shape.expandOp,
  FirstMax: elementwise.firstMaxOp,
  Floor: elementwise.floorOp,
  FusedConv: convolution.fusedConvOp,
  FusedMatMul: matmul.fusedMatMulOp,
  Gather: shape.gatherOp,
  GatherElements: selection.gatherElementsOp,
  GatherGradient: shape.gatherGradientOp,
  Gelu: activation.geluOp,
  Gemm: matmul.gemmOp,
  GlobalAveragePool: pooling.globalAveragePoolOp,
  Greater: elementwise.greaterOp,
  GreaterOrEqual: elementwise.greaterOrEqualOp,
  HardSigmoid: activation.hardSigmoidOp,
  HardSwish: activation.hardSwishOp,
  HardTanh: activation.hardTanhOp,
  Identity: elementwise.identityOp,
  ImageToPhases: phases.imageToPhasesOp,
  LayerNormalization: layerNorm.layerNormalizationOp,
  LeakyRelu: activation.leakyReluOp,
  Less: elementwise.lessOp,
  LessOrEqual: elementwise.lessOrEqualOp,
  Log: elementwise.logOp,
  LogSoftmax: activation.logSoftmaxOp,
  Loop: control.loopOp,
  MatMul: matmul.matMulOp,
  Max: elementwise.maxOp,
  MaxPool: pooling.maxPoolOp,
  MaxPoolGradient: pooling.maxPoolGradientOp,
  MaxUnpool: pooling.maxUnpoolOp,
  Min: elementwise.minOp,
  Mod: elementwise.modOp,
  Mul: elementwise.mulOp,
  Neg: elementwise.negOp,
  Not: elementwise.notOp,
  OneHot: selection.oneHotOp,
  Or: elementwise.orOp,
  Pad: shape.padOp,
  PhasesToImage: phases.phasesToImageOp,
  Pow: elementwise.powOp,
  QuickGelu: activation.quickGeluOp,
  Reciprocal: elementwise.reciprocalOp,
  ReduceMax: reduction.reduceMaxOp,
  ReduceMean: reduction.reduceMeanOp,
  ReduceMin: reduction.reduceMinOp,
  ReduceProd: reduction.reduceProdOp,
  ReduceSum: reduction.reduceSumOp,
  Relu: activation.reluOp,
  ReluGradient: activation.reluGradientOp,
  Reshape: shape.reshapeOp,
  Resize: resize.resizeOp,
  ResizeGradient: resize.resizeGradientOp,
  Round: elementwise.roundOp,
  ScatterElements: selection.scatterElementsOp,
  Sigmoid: activation.sigmoidOp,
  Sign: elementwise.signOp,
  Sin: elementwise.sinOp,
  Size: shape.sizeOp,
  Slice: shape.sliceOp,
  Softmax: activation.softmaxOp,
  Softplus: activation.softplusOp,
  Split: shape.splitOp,
  Sqrt: elementwise.sqrtOp,
  Squeeze: shape.squeezeOp,
  StopGradient: elementwise.stopGradientOp,
  Sub: elementwise.subOp,
  Sum: elementwise.sumOp,
  Tanh: activation.tanhOp,
  Tile: shape.tileOp,
  TopK: selection.topKOp,
  Transpose: shape.transposeOp,
  Unsqueeze: shape.unsqueezeOp,
  Where: elementwise.whereOp,
  'nchwc.Conv': blocked.blockedConvOp,
  'nchwc.ReorderInput': blocked.reorderInputOp,
  'nchwc.ReorderOutput': blocked.reorderOutputOp,
} as const satisfies Readonly<Record<string, AnyOpDefinition>>;

export type OpType = keyof typeof OPS;
export const opTypes = Object.keys(OPS) as OpType[];

/** The record of an operator with its attributes as they lie in a node. Throws UnsupportedOpError. */
export function definitionOf(opType: string, domain: string, node: string): OpDefinition<Attributes> {
  const key = domain === 'com.microsoft.nchwc' ? `nchwc.${opType}` : opType;
  const definition = Object.hasOwn(OPS, key) ? (OPS as Record<string, AnyOpDefinition>)[key] : undefined;
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
function checkAttributes(
  opType: string,
  known: AnyOpDefinition['attributes'],
  attributes: Attributes,
  node: string,
): void {
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
    checkAttributes(opType, definition.attributes, attributes, name);
    return definition.inferShape({ name, inputs: inputs as unknown as Inputs, attributes, outputCount });
  },
};

/** A builder for a new main graph over the op table. */
export const newGraph = (name: string): Builder => new Builder(name, opRules);

/**
 * The layers, one line each. Initial values, names and running-statistics rules follow PyTorch, so that its checkpoints
 * and numbers can be compared.
 */
import { gelu, hardSwish, relu, relu6, sigmoid, silu } from './activations.ts';
import { adaptiveAveragePool2d, averagePool2d, globalAveragePool } from './average-pool2d.ts';
import { batchNorm } from './batch-norm.ts';
import { add, concat, flatten, flattenSpace, multiply, sliceChannels } from './combine.ts';
import { conv2d } from './conv2d.ts';
import { convTranspose2d } from './conv-transpose2d.ts';
import type { LayerDefinition } from './definition.ts';
import { dfl } from './dfl.ts';
import { channelDropout, dropConnect, dropout } from './dropout.ts';
import { groupNorm, layerNorm } from './group-norm.ts';
import { linear } from './linear.ts';
import { maxPool2d } from './max-pool2d.ts';
import { upsample } from './upsample.ts';

export const LAYERS = {
  adaptiveAveragePool2d,
  add,
  averagePool2d,
  batchNorm,
  channelDropout,
  concat,
  conv2d,
  convTranspose2d,
  dfl,
  dropConnect,
  dropout,
  flatten,
  flattenSpace,
  gelu,
  globalAveragePool,
  groupNorm,
  hardSwish,
  layerNorm,
  linear,
  maxPool2d,
  multiply,
  relu,
  relu6,
  sigmoid,
  silu,
  sliceChannels,
  upsample,
} as const satisfies Record<string, LayerDefinition<never>>;

export type LayerKind = keyof typeof LAYERS;
/** The settings of each kind, as its record declares them. */
export type LayerSettings = {
  [K in LayerKind]: (typeof LAYERS)[K] extends LayerDefinition<infer S> ? S : never;
};

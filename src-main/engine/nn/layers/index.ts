/**
 * The layers, one line each. Initial values, names and running-statistics rules follow PyTorch, so that its checkpoints
 * and numbers can be compared.
 */
import { gelu, hardSwish, relu, relu6, sigmoid, silu } from './activations.ts';
import {
  adaptiveAveragePool2d,
  averagePool2d,
  globalAveragePool,
  type AdaptiveAveragePool2dSettings,
  type AveragePool2dSettings,
} from './average-pool2d.ts';
import { batchNorm, type BatchNormSettings } from './batch-norm.ts';
import {
  add,
  concat,
  flatten,
  flattenSpace,
  multiply,
  sliceChannels,
  type ConcatSettings,
  type SliceChannelsSettings,
} from './combine.ts';
import { conv2d, type Conv2dSettings } from './conv2d.ts';
import { convTranspose2d, type ConvTranspose2dSettings } from './conv-transpose2d.ts';
import type { LayerDefinition, NoSettings } from './definition.ts';
import { dfl, type DflSettings } from './dfl.ts';
import { channelDropout, dropConnect, dropout, type DropoutSettings } from './dropout.ts';
import { groupNorm, layerNorm, type GroupNormSettings, type LayerNormSettings } from './group-norm.ts';
import { linear, type LinearSettings } from './linear.ts';
import { maxPool2d, type MaxPool2dSettings } from './max-pool2d.ts';
import { upsample, type UpsampleSettings } from './upsample.ts';

export interface LayerSettings {
  adaptiveAveragePool2d: AdaptiveAveragePool2dSettings;
  add: NoSettings;
  averagePool2d: AveragePool2dSettings;
  batchNorm: BatchNormSettings;
  channelDropout: DropoutSettings;
  concat: ConcatSettings;
  conv2d: Conv2dSettings;
  convTranspose2d: ConvTranspose2dSettings;
  dfl: DflSettings;
  dropConnect: DropoutSettings;
  dropout: DropoutSettings;
  flatten: NoSettings;
  flattenSpace: NoSettings;
  gelu: NoSettings;
  globalAveragePool: NoSettings;
  groupNorm: GroupNormSettings;
  hardSwish: NoSettings;
  layerNorm: LayerNormSettings;
  linear: LinearSettings;
  maxPool2d: MaxPool2dSettings;
  multiply: NoSettings;
  relu: NoSettings;
  relu6: NoSettings;
  sigmoid: NoSettings;
  silu: NoSettings;
  sliceChannels: SliceChannelsSettings;
  upsample: UpsampleSettings;
}
export type LayerKind = keyof LayerSettings;

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
} as const satisfies { [K in LayerKind]: LayerDefinition<LayerSettings[K]> };

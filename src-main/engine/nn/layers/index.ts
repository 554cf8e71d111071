/**
 * The layers, one line each. Initial values, names and running-statistics rules follow PyTorch, so that its checkpoints
 * and numbers can be compared.
 */
import { batchNorm } from './batch-norm.ts';
import { conv2d, type Conv2dSettings } from './conv2d.ts';
import type { LayerDefinition } from './definition.ts';
import { linear, type LinearSettings } from './linear.ts';
import { maxPool2d, type MaxPool2dSettings } from './max-pool2d.ts';
import { dropout, flatten, relu, type DropoutSettings, type NoSettings } from './pointwise.ts';

export interface LayerSettings {
  conv2d: Conv2dSettings;
  maxPool2d: MaxPool2dSettings;
  relu: NoSettings;
  batchNorm: NoSettings;
  flatten: NoSettings;
  linear: LinearSettings;
  dropout: DropoutSettings;
}
export type LayerKind = keyof LayerSettings;

export const LAYERS = { conv2d, maxPool2d, relu, batchNorm, flatten, linear, dropout } as const satisfies {
  [K in LayerKind]: LayerDefinition<LayerSettings[K]>;
};

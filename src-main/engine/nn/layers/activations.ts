/** Activations: element by element, without weights. */
import type { Builder } from '../../graph/builder.ts';
import { float, type Value } from '../../graph/types.ts';
import { mapRows } from '../feature-map.ts';
import { unchanged, type LayerDefinition, type NoSettings } from './definition.ts';

const elementWise = (apply: (g: Builder, x: Value) => Value): LayerDefinition<NoSettings> => ({
  outputShape: unchanged,
  build: ({ g }, _path, _settings, x) => apply(g, x),
  buildFeatureMajor: ({ g }, _path, _settings, x) => mapRows(g, x, (rows) => apply(g, rows)),
});

export const relu = elementWise((g, x) => g.op('Relu', [x]));
// min(max(x, 0), 6)
export const relu6 = elementWise((g, x) => g.op('HardTanh', [x], { low: float(0), high: float(6) }, 'fovea'));
// x·σ(x), also called swish; onnxruntime has it as QuickGelu with α = 1
export const silu = elementWise((g, x) => g.op('QuickGelu', [x], { alpha: float(1) }, 'com.microsoft'));
// x·min(max(x + 3, 0), 6) / 6
export const hardSwish = elementWise((g, x) => g.op('HardSwish', [x]));
export const sigmoid = elementWise((g, x) => g.op('Sigmoid', [x]));
// x·Φ(x), with the exact normal distribution function
export const gelu = elementWise((g, x) => g.op('Gelu', [x], {}, 'com.microsoft'));

/** What the GUI and CLI need to know of a network and of every knob, without knowing any network by name. */
import * as v from 'valibot';
import { task } from './run.ts';

const knobValue = v.union([v.string(), v.number(), v.boolean(), v.null()]);
/** Of a setting that is a record of settings, which are knobs of their own. */
const recordValue = v.record(v.string(), v.number());

/** One setting with its default and a sentence that explains it. `path` addresses the value in a RunConfig. */
export const knob = v.object({
  /** JSON path in the RunConfig: "batchSize", "phases.0.learningRate", "model.options.batchNorm". */
  path: v.string(),
  label: v.string(),
  explanation: v.string(),
  group: v.picklist(['data', 'model', 'plan', 'advanced']),
  control: v.variant('kind', [
    v.object({ kind: v.literal('integer'), min: v.number(), max: v.number() }),
    v.object({ kind: v.literal('number'), min: v.number(), max: v.number() }),
    v.object({ kind: v.literal('boolean') }),
    v.object({ kind: v.literal('choice'), options: v.array(v.object({ value: v.string(), label: v.string() })) }),
    /** A number or null, which is off; switching it on takes `whenOn`. */
    v.object({
      kind: v.literal('optional-number'),
      min: v.number(),
      max: v.number(),
      whenOn: v.number(),
      /** Only whole numbers. */
      integer: v.optional(v.boolean()),
    }),
    /** A record whose fields are knobs of their own ("ema.decay"), or null, which is off; switching it on takes `whenOn`. */
    v.object({ kind: v.literal('optional'), whenOn: v.record(v.string(), v.number()) }),
  ]),
  /** Null is off. */
  defaultValue: v.union([knobValue, recordValue]),
  /** Defaults under other kinds of the record that the value is in: gamma where the schedule is "step". */
  defaultsByKind: v.optional(v.record(v.string(), knobValue)),
});
export type Knob = v.InferOutput<typeof knob>;

export const takesWholeNumbers = (control: Knob['control']): boolean =>
  control.kind === 'integer' || (control.kind === 'optional-number' && control.integer === true);

export const modelSummary = v.object({
  id: v.string(),
  label: v.string(),
  task,
  description: v.string(),
  /** Paper or specification the architecture is written from. */
  source: v.string(),
});
export type ModelSummary = v.InferOutput<typeof modelSummary>;

/** One line of the layer table. Shapes without the batch axis: [C, H, W] or [features]. */
export const layerRow = v.object({
  /** Module path: "conv1", "norm3", "fc2". */
  path: v.string(),
  kind: v.string(),
  /** "5×5, stride 1, padding 0", or empty. */
  settings: v.string(),
  /** Of each layer that it reads. */
  inputShapes: v.array(v.array(v.number())),
  outputShape: v.array(v.number()),
  /** The output-size formula filled in, "(32 − 5 + 2·0)/1 + 1 = 28", for layers that have one. */
  formula: v.nullable(v.string()),
  parameterCount: v.number(),
  /** Of those, the ones that training may change: not what is fixed by the architecture. */
  trainableCount: v.number(),
});
export type LayerRow = v.InferOutput<typeof layerRow>;

export const modelDescription = v.object({
  layers: v.array(layerRow),
  parameterCount: v.number(),
  /** Parameters that change when the given module paths are frozen. */
  trainableCount: v.number(),
});
export type ModelDescription = v.InferOutput<typeof modelDescription>;

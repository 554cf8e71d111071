/** What a run is planned with: networks, settings, presets, weights, and what the plan would come to. */
import * as v from 'valibot';
import { split } from '../model/dataset.ts';
import { memoryEstimate } from '../model/device.ts';
import { datasetId, presetId, runId } from '../model/ids.ts';
import { job } from '../model/job.ts';
import { labelStatistics } from '../model/label-statistics.ts';
import { knob, modelDescription, modelSummary } from '../model/model-spec.ts';
import type { PreviewBatch } from '../model/preview-batch.ts';
import { modelOptions, preset, runConfig } from '../model/run.ts';
import { timeEstimate } from '../model/sweep.ts';
import { catalogueState, provenance, weightsFile, weightsFit, weightsListing } from '../model/weights.ts';
import { inProject, isObject, name, nothing, path } from './fields.ts';

const previewBatch = v.nullable(v.custom<PreviewBatch>(isObject));

export const planCalls = {
  'model.list': { request: nothing, response: v.array(modelSummary) },
  'model.describe': {
    request: v.object({
      modelId: v.string(),
      options: modelOptions,
      inputShape: v.pipe(v.array(v.number()), v.length(3)),
      categoryCount: v.number(),
      freeze: v.array(v.string()),
    }),
    response: modelDescription,
  },
  /** Every setting of a run of this model, with default and explanation; the defaults together as a configuration. */
  'run.template': {
    request: v.object({ ...inProject, datasetId, modelId: v.string() }),
    response: v.object({ knobs: v.array(knob), config: runConfig }),
  },
  /** What the labels of a split are: which tasks they suit, and how often each class occurs. */
  'run.labels': { request: v.object({ ...inProject, datasetId, split }), response: labelStatistics },
  /** What would stop or spoil the run, before it starts. */
  'run.check': {
    request: v.object({ ...inProject, config: runConfig }),
    response: v.array(
      v.object({
        severity: v.picklist(['error', 'warning', 'note']),
        message: v.string(),
        /** The setting it is about, as its knob's path; absent where it is about the run as a whole. */
        path: v.optional(v.string()),
      }),
    ),
  },
  /**
   * The first training images of an epoch with their labels, as the run would make them. Null where another preview is
   * asked for meanwhile.
   */
  'run.previewBatch': {
    request: v.object({
      ...inProject,
      config: runConfig,
      count: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(64)),
      epoch: v.pipe(v.number(), v.integer(), v.minValue(0)),
    }),
    response: previewBatch,
  },
  /** The memory that the run will need, worked out from its training graph (a second for a large network). */
  'run.estimate': { request: v.object({ ...inProject, config: runConfig }), response: memoryEstimate },
  /** Makes a few steps of the run's training in a child process and says from them how long it will take. */
  'run.estimateTime': { request: v.object({ ...inProject, config: runConfig }), response: timeEstimate },
  /**
   * Measures how the plan's layers are computed fastest on this machine (a minute or more); runs that begin from then on do so.
   * Throws `busy` while a run trains here.
   */
  'tuning.start': { request: v.object({ ...inProject, config: runConfig }), response: job },
  'tuning.get': { request: nothing, response: v.object({ isMeasured: v.boolean() }) },
  /** Runs that begin from then on compute their layers as on any machine; those that go on keep to what they began with. */
  'tuning.forget': { request: nothing, response: nothing },
  /** Published weights for a network (those that suit it, and all others), and which of them are here. */
  'weights.catalogue': {
    request: v.object({ model: runConfig.entries.model }),
    response: v.array(catalogueState),
  },
  /** Into the person's own folder for weights, checked by the publisher's hash. Resumes a partial download. */
  'weights.download': { request: v.object({ ...inProject, id: v.string() }), response: job },
  /** Deletes a downloaded file; runs that were started from it keep what they learned. */
  'weights.remove': { request: v.object({ id: v.string() }), response: nothing },
  /** What a weights file holds. Executes nothing of it. */
  'weights.inspect': { request: v.object({ path }), response: weightsListing },
  /** What of the weights fits the network; null from scratch, or where the network cannot be planned yet. */
  'weights.fit': {
    request: v.object({ ...inProject, config: runConfig }),
    response: v.nullable(v.object({ file: weightsFile, fit: weightsFit })),
  },
  /** What runs started from, in the order asked; null for those that have not begun, or of which it is not recorded. */
  'weights.ofRuns': {
    request: v.object({ ...inProject, runIds: v.pipe(v.array(runId), v.maxLength(100)) }),
    response: v.array(v.nullable(provenance)),
  },
  'preset.list': { request: v.object(inProject), response: v.array(preset) },
  /** Replaces the one of that name. */
  'preset.save': { request: v.object({ ...inProject, name, config: runConfig }), response: preset },
  'preset.delete': { request: v.object({ ...inProject, presetId }), response: nothing },
} as const;

/**
 * What a run can train on: which devices this machine has, what stands in the way of the others, and what a check of a
 * device found. `device` itself (the ids) belongs to a run's configuration.
 */
import * as v from 'valibot';
import { device } from './run.ts';

export const deviceInfo = v.object({
  id: device,
  label: v.string(),
  /** A run can be started on it. Before it was probed this is what the installed files suggest. */
  available: v.boolean(),
  /** Whether a session was really made on it; until then nobody knows. */
  probed: v.boolean(),
  /** Why it is not available and what would mend it, in plain words; null where it is. */
  reason: v.nullable(v.string()),
  /** What the provider itself said, word for word; null where it said nothing or was not asked. */
  providerError: v.nullable(v.string()),
});
export type DeviceInfo = v.InferOutput<typeof deviceInfo>;

/** One comparison with the CPU. */
const parityRow = v.object({
  /** "LeNet-5, one training step", "Conv 3×3, gradients". */
  name: v.string(),
  /** Largest |device − CPU| over the largest |CPU|; null where it did not run. */
  error: v.nullable(v.number()),
  tolerance: v.number(),
  passed: v.boolean(),
  /** Why it did not run, in the provider's words; null where it did. */
  note: v.nullable(v.string()),
});
export type ParityRow = v.InferOutput<typeof parityRow>;

const speedRow = v.object({
  name: v.string(),
  unit: v.picklist(['images/s', 'GFLOP/s']),
  /** Null where it did not run. */
  value: v.nullable(v.number()),
  /** The CPU's, measured in the same check. */
  cpuValue: v.nullable(v.number()),
});
export type SpeedRow = v.InferOutput<typeof speedRow>;

export const deviceReport = v.object({
  /** ISO 8601. */
  checkedAt: v.string(),
  /** "onnxruntime 1.30.0"; a report of another version says little. */
  runtime: v.string(),
  parity: v.array(parityRow),
  speed: v.array(speedRow),
  /** 'good': right and fast; 'slow': right, but the CPU is faster; 'wrong': its numbers differ from the CPU's. */
  verdict: v.picklist(['good', 'slow', 'wrong']),
  /** One or two sentences for the person. */
  advice: v.string(),
});
export type DeviceReport = v.InferOutput<typeof deviceReport>;

/** A check in progress or the last one of its device. */
export const deviceCheck = v.object({
  device,
  state: v.picklist(['running', 'done', 'failed', 'cancelled']),
  /** What is being done now, in words ("comparing Conv 3×3"). */
  step: v.string(),
  done: v.number(),
  total: v.number(),
  /** Set where `state` is 'done'. */
  report: v.nullable(deviceReport),
  /** In plain words, where `state` is 'failed'. */
  error: v.nullable(v.string()),
});
export type DeviceCheck = v.InferOutput<typeof deviceCheck>;

export const deviceChecks = v.object({
  /** At most one of each device. */
  checks: v.array(deviceCheck),
  /** The device to train on, as far as the checks tell, and why. */
  recommended: device,
  why: v.string(),
});
export type DeviceChecks = v.InferOutput<typeof deviceChecks>;

/** How much memory a run will need at its peak, before it starts. */
export const memoryEstimate = v.object({
  peakBytes: v.number(),
  /** What the device has: the machine's memory, or less where its limits say so. Null where it cannot be known (GPUs). */
  machineBytes: v.nullable(v.number()),
  /** Of that, free now. */
  freeBytes: v.nullable(v.number()),
  /** True where the peak is below what the machine has with a margin; null where that is not known. */
  fits: v.nullable(v.boolean()),
  /** What the peak is made of, largest first: "Activations and gradients", "Images", … */
  parts: v.array(v.object({ label: v.string(), bytes: v.number() })),
  /** Null where it fits as it is, or where nothing helps. */
  suggestion: v.nullable(
    v.object({
      /** Micro-batches per optimiser step: put it into the configuration's `accumulation`. */
      accumulation: v.number(),
      /** And this into `batchSize`, which counts the images of one micro-batch. */
      batchSize: v.number(),
      peakBytes: v.number(),
      sentence: v.string(),
    }),
  ),
  /** One sentence to show beside the numbers. */
  summary: v.string(),
});
export type MemoryEstimate = v.InferOutput<typeof memoryEstimate>;

/**
 * Typed messages between the store's owner and its children: the process that trains (one process, one run), and the
 * process that does one task with the engine for the app, because the app itself never loads onnxruntime.
 */
import type { ErrorData } from '../contract/errors.ts';
import type { DeviceReport } from '../contract/model/device.ts';
import type { StepTuning } from '../contract/model/step-tuning.ts';
import type { Device, RunConfig, RunProgress } from '../contract/model/run.ts';
import type { DetectionMeasures } from '../contract/model/run-results.ts';
import type { Dump, DumpRequest, ProfileRequest, StepProfile } from '../engine/train/engine-tools.ts';
import type { MeasureRequest } from '../engine/train/measure-detections.ts';
import type { ExportAnswer, ExportRequest } from '../engine/train/export-model.ts';
import type { InsideAnswer, InsideRequest } from '../engine/train/look-inside.ts';
import type { MemoryNeed, MemoryQuestion } from '../engine/train/memory-estimate.ts';
import type { PredictAnswer, PredictRequest } from '../engine/train/predict.ts';
import type { TimeQuestion } from '../engine/train/time-steps.ts';
import type { DeviceProbe } from '../engine/runtime/probe.ts';
import type { RunEvent } from '../engine/train/run-events.ts';

export interface TrainJob {
  /** The run's folder; the process writes only there. */
  folder: string;
  config: RunConfig;
  /** Go on from checkpoints/last.safetensors if it is there. */
  resume: boolean;
  /** The file of what was measured on this machine; absent where the rules decide. */
  tuning?: string;
}

export type TrainerCommand = { kind: 'train'; job: TrainJob } | { kind: 'cancel' };

/** The last one is `finished`, `cancelled` or `failed`; a process that ends without any of them died. */
export type TrainerEvent = { kind: 'ready' } | { kind: 'progress'; progress: Omit<RunProgress, 'runId'> } | RunEvent;

/** What a task is given and what it answers with. */
export interface EngineTasks {
  'probe-device': { request: { device: Device }; answer: DeviceProbe };
  'check-device': { request: { device: Device }; answer: DeviceReport };
  'dump-graph': { request: DumpRequest; answer: Dump };
  'profile-step': { request: ProfileRequest; answer: StepProfile };
  predict: { request: PredictRequest; answer: PredictAnswer };
  'export-model': { request: ExportRequest; answer: ExportAnswer };
  /** Answers with milliseconds. */
  'time-steps': { request: TimeQuestion; answer: number };
  'tune-run': { request: TimeQuestion; answer: StepTuning };
  'estimate-memory': { request: MemoryQuestion; answer: MemoryNeed };
  'look-inside': { request: InsideRequest; answer: InsideAnswer };
  'measure-detections': { request: MeasureRequest; answer: DetectionMeasures };
}
export type EngineTaskName = keyof EngineTasks;
export type EngineTask = { [N in EngineTaskName]: { name: N; request: EngineTasks[N]['request'] } }[EngineTaskName];

/** A process does one task and ends; who no longer wants the answer kills it. */
export type TaskCommand = { kind: 'do'; task: EngineTask };
export type TaskEvent =
  | { kind: 'ready' }
  /** `step` in words; `total` may grow. */
  | { kind: 'progress'; step: string; done: number; total: number }
  | { kind: 'done'; answer: EngineTasks[EngineTaskName]['answer'] }
  | { kind: 'failed'; error: ErrorData };

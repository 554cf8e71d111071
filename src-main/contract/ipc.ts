/**
 * The bridge, as one map: every call and every event with the schemas of what travels. Preload, handler tables, the
 * WebSocket host and the renderer's client all derive from it; a missing handler does not compile, and a request that
 * does not fit its schema is refused before any handler sees it.
 */
import * as v from 'valibot';
import { appCalls } from './calls/app.ts';
import { datasetCalls } from './calls/datasets.ts';
import { labelCalls } from './calls/labels.ts';
import { planCalls } from './calls/plans.ts';
import { predictionCalls } from './calls/predictions.ts';
import { resultCalls } from './calls/results.ts';
import { runCalls } from './calls/runs.ts';
import { sweepCalls } from './calls/sweeps.ts';
import { gestureId, imageChange, undoState, untoldImages } from './model/annotation-edit.ts';
import { deviceCheck } from './model/device.ts';
import { projectId, runId, sweepId } from './model/ids.ts';
import { job } from './model/job.ts';
import { settings } from './model/project.ts';
import { logLine, runProgress, runQueue, runSummary, timedPoint } from './model/run.ts';
import { sweep } from './model/sweep.ts';

export const calls = {
  ...appCalls,
  ...datasetCalls,
  ...labelCalls,
  ...planCalls,
  ...predictionCalls,
  ...resultCalls,
  ...runCalls,
  ...sweepCalls,
} as const;

export const events = {
  'job.changed': job,
  'dataset.changed': v.object({ projectId }),
  /** Labels or review states changed: by this window, another one, or a service. A change of very many says so in steps. */
  'annotation.changed': v.object({
    projectId,
    gestureId,
    images: v.array(imageChange),
    untold: untoldImages,
    undoState,
  }),
  'run.changed': v.object({ projectId, summary: runSummary }),
  'run.removed': v.object({ projectId, runId }),
  'run.queueChanged': runQueue,
  'sweep.changed': v.object({ projectId, sweep }),
  'sweep.removed': v.object({ projectId, sweepId }),
  'run.progress': v.object({ projectId, progress: runProgress }),
  'run.points': v.object({ projectId, runId, points: v.array(timedPoint) }),
  'run.log': v.object({ projectId, runId, lines: v.array(logLine) }),
  'device.checkChanged': deviceCheck,
  /** A file of the catalogue has come or gone. */
  'weights.changed': v.object({ id: v.string() }),
  'settings.changed': settings,
} as const;

export type CallName = keyof typeof calls;
export type EventName = keyof typeof events;
export type Calls = {
  [C in CallName]: {
    request: v.InferOutput<(typeof calls)[C]['request']>;
    response: v.InferOutput<(typeof calls)[C]['response']>;
  };
};
export type Events = { [E in EventName]: v.InferOutput<(typeof events)[E]> };
export type Handlers = { [C in CallName]: (request: Calls[C]['request']) => Promise<Calls[C]['response']> };
export type Emit = <E extends EventName>(event: E, payload: Events[E]) => void;

export const callNames = Object.keys(calls) as CallName[];
export const eventNames = Object.keys(events) as EventName[];

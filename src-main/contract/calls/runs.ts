/** Runs: their start, queue and life, and what they leave. */
import * as v from 'valibot';
import { datasetId, projectId, runId } from '../model/ids.ts';
import { intervention } from '../model/intervention.ts';
import { exportForm, exportedModel } from '../model/run-export.ts';
import { checkpointName, runConfig, runDetail, runQueue, runSummary } from '../model/run.ts';
import { inProject, inRun, name, nothing, path, tag } from './fields.ts';

export const runCalls = {
  'run.start': { request: v.object({ ...inProject, config: runConfig, name: v.nullable(name) }), response: runSummary },
  'run.cancel': { request: v.object(inRun), response: nothing },
  /** Changes a run while it trains; it takes effect a moment later, and `run.changed` tells of it. Throws `busy` for others. */
  'run.intervene': { request: v.object({ ...inRun, change: intervention }), response: nothing },
  /** Goes on from the last checkpoint. */
  'run.resume': { request: v.object(inRun), response: runSummary },
  /** Writes the network as a checkpoint has it into a file, in a child process, and says how it compares with the app's own. */
  'run.export': {
    request: v.object({ ...inRun, checkpoint: checkpointName, form: exportForm, file: path, overwrite: v.boolean() }),
    response: exportedModel,
  },
  /** Writes what people know of a run from other tools into a new folder below `folder`, and gives its path; `leftOut` says what could not be made. */
  'run.artifacts': {
    request: v.object({ ...inRun, folder: path }),
    response: v.object({ folder: v.string(), leftOut: v.array(v.string()) }),
  },
  /** A run that another tool has trained (args.yaml, results.csv), to be compared; `datasetId`: what it was trained on. */
  'run.openForeign': { request: v.object({ ...inProject, datasetId, folder: path }), response: runSummary },
  'run.rename': { request: v.object({ ...inRun, name }), response: runSummary },
  /** What is not named stays as it is. A tag that is there twice is kept once. */
  'run.organise': {
    request: v.object({
      ...inRun,
      changes: v.partial(
        v.object({
          tags: v.pipe(v.array(tag), v.maxLength(50)),
          notes: v.pipe(v.string(), v.maxLength(20_000)),
          pinned: v.boolean(),
          archived: v.boolean(),
        }),
      ),
    }),
    response: runSummary,
  },
  /** Out of all lists and into the trash, from which `run.restore` and `trash.restore` bring it back. */
  'run.delete': { request: v.object(inRun), response: nothing },
  'run.restore': { request: v.object(inRun), response: runSummary },
  'run.queue': { request: nothing, response: runQueue },
  /** Before another waiting run; at the end where that is null or no longer waits. No-op where the run itself does not wait. */
  'run.moveInQueue': {
    request: v.object({ ...inRun, before: v.nullable(v.object({ projectId, runId })) }),
    response: runQueue,
  },
  /** Before runs of a lower one, behind those of its own; one that does not wait keeps it for later. */
  'run.setPriority': {
    request: v.object({ ...inRun, priority: v.pipe(v.number(), v.integer(), v.minValue(-1), v.maxValue(1)) }),
    response: runSummary,
  },
  /** Lets no waiting run begin; those that train go on. */
  'run.pauseQueue': { request: v.object({ paused: v.boolean() }), response: runQueue },
  'run.list': { request: v.object(inProject), response: v.array(runSummary) },
  'run.get': { request: v.object(inRun), response: runDetail },
} as const;

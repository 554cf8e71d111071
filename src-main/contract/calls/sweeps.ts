/** Sweeps, here or as a job array of Slurm. */
import * as v from 'valibot';
import { projectId, sweepId } from '../model/ids.ts';
import { slurmSettings, slurmState, sweep, sweepPlan, sweepPreview } from '../model/sweep.ts';
import { inProject, name, nothing } from './fields.ts';

const inSweep = { projectId, sweepId };

export const sweepCalls = {
  /** What a sweep would come to: its trials, and what is wrong with them. Throws `bad-input` for a plan that cannot be. */
  'sweep.preview': { request: v.object({ ...inProject, plan: sweepPlan }), response: sweepPreview },
  /** Makes all its runs and gives them to the queue, or to Slurm as a job array. */
  'sweep.start': { request: v.object({ ...inProject, name, plan: sweepPlan }), response: sweep },
  /** Newest first. */
  'sweep.list': { request: v.object(inProject), response: v.array(sweep) },
  'sweep.get': { request: v.object(inSweep), response: sweep },
  'sweep.rename': { request: v.object({ ...inSweep, name }), response: sweep },
  /** Its waiting and training runs; each keeps a checkpoint where it has one. */
  'sweep.cancel': { request: v.object(inSweep), response: nothing },
  /** Everything of it that is not finished and can go on; what trains or waits is left alone. */
  'sweep.resume': { request: v.object(inSweep), response: sweep },
  /** With its runs, and as these restorable until the project is opened the next time. Throws `busy` while one trains. */
  'sweep.delete': { request: v.object(inSweep), response: nothing },
  'sweep.restore': { request: v.object(inSweep), response: sweep },
  /** Whether jobs can be given to Slurm from here. */
  'slurm.state': { request: nothing, response: slurmState },
  /** The script that sbatch would be given for so many runs. */
  'slurm.script': {
    request: v.object({ ...inProject, name, runs: v.number(), settings: slurmSettings }),
    response: v.object({ script: v.string() }),
  },
} as const;

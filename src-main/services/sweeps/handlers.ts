/** The calls about sweeps and Slurm: a sweep makes its runs, gives them to the queue or to Slurm, and acts on all of them. */
import { FoveaError } from '../../contract/errors.ts';
import type { Calls, Handlers } from '../../contract/ipc.ts';
import type { ProjectId, RunId, SweepId } from '../../contract/model/ids.ts';
import type { Sweep, SweepPlan, SweepPreview } from '../../contract/model/sweep.ts';
import type { ServiceContext } from '../context.ts';
import { recordRunVersion } from '../library/record-version.ts';
import type { OpenProject } from '../open-projects.ts';
import type { Finding } from '../runs/findings.ts';
import type { RunStarter } from '../runs/handlers.ts';
import { refuseInProgress } from '../runs/refusals.ts';
import { slurmState } from '../slurm/slurm-client.ts';
import { planTrials, type PlannedTrial } from './sweep-trials.ts';

type SweepCalls = Extract<keyof Handlers, `sweep.${string}` | `slurm.${string}`>;
type InSweep = { projectId: ProjectId; sweepId: SweepId };

const longestName = 200;

export function createSweepHandlers(context: ServiceContext, runs: RunStarter): Pick<Handlers, SweepCalls> {
  const { projects, emit, workers } = context;

  const told = (opened: OpenProject, sweepId: SweepId): Sweep => {
    const sweep = opened.store.sweeps.get(sweepId);
    emit('sweep.changed', { projectId: opened.project.projectId, sweep });
    return sweep;
  };
  const tellRuns = ({ store, project }: OpenProject, runIds: readonly RunId[]): void => {
    for (const runId of runIds) emit('run.changed', { projectId: project.projectId, summary: store.runs.get(runId) });
  };
  const runsOf = ({ store }: OpenProject, sweepId: SweepId): RunId[] =>
    store.sweeps.get(sweepId).runs.map(({ runId }) => runId);

  async function start({ projectId, name, plan }: Calls['sweep.start']['request']): Promise<Sweep> {
    const opened = projects.get(projectId);
    runs.refuseWhileClosing();
    const { trials } = planTrials(plan);
    await refuseWrongTrials(opened, plan, trials);
    const sweepId = await addSweep(opened, name, plan, trials);
    const runIds = runsOf(opened, sweepId);
    if (plan.slurm !== null) runs.slurm.submit(opened, name, runIds, plan.slurm);
    else for (const runId of runIds) runs.enqueue(opened, runId);
    void recordVersions(opened, runIds, plan);
    tellRuns(opened, runIds);
    return told(opened, sweepId);
  }

  /** All of them or none. */
  async function addSweep(opened: OpenProject, name: string, plan: SweepPlan, trials: readonly PlannedTrial[]) {
    const createdAt = new Date().toISOString();
    const sweepId = opened.store.sweeps.insert({ name, plan, trials: trials.map(({ trial }) => trial), createdAt });
    const made: RunId[] = [];
    try {
      for (const [trial, { config }] of trials.entries()) {
        const runName = nameOf(name, plan, trials[trial]!);
        const { priority } = plan;
        made.push(await runs.add(opened, { config, name: runName, priority, sweep: { sweepId, trial } }));
      }
      return sweepId;
    } catch (error) {
      for (const runId of made) await runs.remove(opened, runId);
      opened.store.sweeps.delete(sweepId);
      throw error;
    }
  }

  /** The same data for all of them, so one after the other: the first makes what the others find. */
  async function recordVersions(opened: OpenProject, runIds: readonly RunId[], { base }: SweepPlan): Promise<void> {
    for (const runId of runIds) await recordRunVersion(opened, workers, runId, base.data.datasetId);
  }

  async function refuseWrongTrials(opened: OpenProject, plan: SweepPlan, trials: readonly PlannedTrial[]) {
    const { findings } = await lookAt(opened, plan, trials);
    const errors = findings.filter(({ severity }) => severity === 'error');
    if (errors.length > 0) throw new FoveaError('bad-input', errors.map(({ message }) => message).join(' '));
    if (plan.slurm === null) return;
    const { available, reason } = await slurmState();
    if (!available) throw new FoveaError('unsupported', reason ?? 'Slurm cannot be reached.');
  }

  /** One trial of each combination stands for all its seeds. */
  async function lookAt(opened: OpenProject, plan: SweepPlan, trials: readonly PlannedTrial[]) {
    const [seed] = plan.seeds;
    const found = new Map<string, SweepPreview['findings'][number]>();
    const counts = new Map();
    for (const { config, trial } of trials) {
      if (trial.seed !== seed) continue;
      for (const finding of await runs.findings(opened, config, counts)) {
        if (plan.slurm !== null && isAboutThisMachine(finding)) continue;
        const { severity, message } = finding;
        const before = found.get(message)?.runs ?? 0;
        found.set(message, { severity, message, runs: before + plan.seeds.length });
      }
    }
    return { findings: [...found.values()] };
  }

  return {
    'sweep.preview': async ({ projectId, plan }) => {
      const opened = projects.get(projectId);
      const { trials, duplicates } = planTrials(plan);
      return { trials: trials.map(({ trial }) => trial), duplicates, ...(await lookAt(opened, plan, trials)) };
    },
    'sweep.start': start,
    'sweep.list': async ({ projectId }) => projects.get(projectId).store.sweeps.list(),
    'sweep.get': async ({ projectId, sweepId }) => projects.get(projectId).store.sweeps.get(sweepId),
    'sweep.rename': async ({ projectId, sweepId, name }) => {
      const opened = projects.get(projectId);
      opened.store.sweeps.rename(sweepId, name);
      return told(opened, sweepId);
    },
    'sweep.cancel': async ({ projectId, sweepId }) => {
      const opened = projects.get(projectId);
      // The last ones first, so that none begins because another made room.
      await runs.cancel(opened, runsOf(opened, sweepId).toReversed());
      return {};
    },
    'sweep.resume': async (request) => resume(request),
    'sweep.delete': async ({ projectId, sweepId }) => {
      const opened = projects.get(projectId);
      const runIds = runsOf(opened, sweepId);
      for (const runId of runIds) {
        refuseInProgress(opened, runId, 'Cancel the sweep first.');
        await runs.settled(opened, runId);
      }
      opened.store.sweeps.trash(sweepId, new Date().toISOString());
      for (const runId of runIds) emit('run.removed', { projectId, runId });
      emit('sweep.removed', { projectId, sweepId });
      return {};
    },
    'sweep.restore': async ({ projectId, sweepId }) => {
      const opened = projects.get(projectId);
      opened.store.sweeps.restore(sweepId);
      tellRuns(opened, runsOf(opened, sweepId));
      return told(opened, sweepId);
    },
    'slurm.state': slurmState,
    'slurm.script': async ({ projectId, name, runs: count, settings }) => ({
      script: runs.slurm.script(projects.get(projectId), name, count, settings),
    }),
  };

  async function resume({ projectId, sweepId }: InSweep): Promise<Sweep> {
    const opened = projects.get(projectId);
    runs.refuseWhileClosing();
    const { plan, name } = opened.store.sweeps.get(sweepId);
    const stopped = runsOf(opened, sweepId).filter((runId) => {
      const { status, resumable } = opened.store.runs.get(runId);
      return resumable && status !== 'queued' && status !== 'running' && status !== 'finished';
    });
    if (stopped.length === 0)
      throw new FoveaError(
        'busy',
        `Nothing of “${name}” can go on: its runs are finished, train, or have no checkpoint.`,
      );
    if (plan.slurm !== null) runs.slurm.submit(opened, name, stopped, plan.slurm);
    else for (const runId of stopped) await runs.resume(opened, runId);
    return told(opened, sweepId);
  }
}

/** What the nodes have is not known here. */
const isAboutThisMachine = ({ path }: Finding): boolean => path === 'device' || path === 'precision';

/** "Kernels: batch norm on, dropout 0.5, seed 2" */
function nameOf(sweep: string, plan: SweepPlan, { trial }: PlannedTrial): string {
  const parts = trial.values.map(({ label }, axis) => `${plan.axes[axis]!.label.toLowerCase()} ${label}`);
  if (plan.seeds.length > 1) parts.push(`seed ${trial.seed}`);
  const whole = parts.length === 0 ? sweep : `${sweep}: ${parts.join(', ')}`;
  return whole.length <= longestName ? whole : `${whole.slice(0, longestName - 1)}…`;
}

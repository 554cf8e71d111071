/**
 * A sweep as a job array of a real Slurm: submitted, followed while it trains, one of its jobs killed in the middle and
 * gone on with from its checkpoint. Only where Debian's slurm-wlm is installed; elsewhere slurm.test.ts has a fake one.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunId } from '../../src-main/contract/model/ids.ts';
import { usualSlurmSettings, type SweepPlan } from '../../src-main/contract/model/sweep.ts';
import { nodePorts } from '../../src-main/hosts/node-process.ts';
import { createRunHandlers, type RunServices } from '../../src-main/services/runs/handlers.ts';
import { createSweepHandlers } from '../../src-main/services/sweeps/handlers.ts';
import {
  createRunProject,
  runContext,
  testConfig,
  until,
  type Emitted,
  type RunProject,
} from '../helpers/run-project.ts';
import { startSlurm, whyNoSlurm, type SlurmCluster } from '../helpers/slurm-cluster.ts';

const missing = whyNoSlurm();
if (missing !== null) console.log(`Slurm is not tried for real: ${missing}.`);

let folder: string;
let cluster: SlurmCluster;
let project: RunProject;
let services: RunServices;
let sweeps: ReturnType<typeof createSweepHandlers>;
let emitted: Emitted[];
let made: ReturnType<typeof runContext>;

beforeAll(async () => {
  if (missing !== null) return;
  folder = await mkdtemp(join(tmpdir(), 'fovea-slurm-'));
  cluster = await startSlurm(join(folder, 'cluster'));
  process.env['SLURM_CONF'] = cluster.environment.SLURM_CONF;
  made = runContext(nodePorts().launchTrainer);
  Object.assign(made.context.ports, { cliCommand: nodePorts().cliCommand });
  emitted = made.emitted;
  services = createRunHandlers(made.context);
  sweeps = createSweepHandlers(made.context, services.starter);
  project = await createRunProject(made.context.projects);
}, 120_000);

afterAll(async () => {
  if (missing !== null) return;
  await services.close();
  await made.context.workers.close();
  await cluster.stop();
  delete process.env['SLURM_CONF'];
  await project.dispose();
  await rm(folder, { recursive: true, force: true });
});

const slurm = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { env: { ...process.env, ...cluster.environment }, encoding: 'utf8' });
const inProject = () => ({ projectId: project.opened.project.projectId });
const runOf = (runId: RunId) => project.opened.store.runs.get(runId);
const folderOf = (runId: RunId): string => join(project.opened.folder, project.opened.store.runs.folder(runId));
/** As where the power fails: nothing of the job gets to say anything. */
function killProcessesOf(job: string): void {
  const number = slurm('squeue', '--noheader', '--array', '--format=%A', `--jobs=${job}`).trim();
  const [, ...rows] = slurm('scontrol', 'listpids', number).trim().split('\n');
  for (const row of rows) {
    const pid = Number(row.trim().split(/\s+/)[0]);
    if (pid > 0) process.kill(pid, 'SIGKILL');
  }
}
const epochs = 60;

const plan = (): SweepPlan => ({
  version: 1,
  base: testConfig(project.datasetId, epochs),
  axes: [
    {
      kind: 'choices',
      label: 'Batch norm',
      choices: [false, true].map((value) => ({
        label: value ? 'on' : 'off',
        changes: [{ path: 'model.options.batchNorm', value }],
      })),
    },
  ],
  search: { kind: 'grid' },
  seeds: [1, 2],
  slurm: { ...usualSlurmSettings, partition: 'test', cpus: 1, atOnce: 2 },
  priority: 0,
});

test.skipIf(missing !== null)(
  'four runs are trained as a job array; the one that is killed is interrupted, and goes on from its checkpoint',
  async () => {
    expect(await sweeps['slurm.state']({})).toMatchObject({ available: true, partitions: ['test'] });
    const sweep = await sweeps['sweep.start']({ ...inProject(), name: 'Norm', plan: plan() });
    const runIds = sweep.runs.map(({ runId }) => runId);
    expect(runIds.map((runId) => runOf(runId).status)).toEqual(['queued', 'queued', 'queued', 'queued']);

    const victim = runIds[0]!;
    await until('it has a checkpoint', () => runOf(victim).resumable && runOf(victim).epochsDone > 2, 120_000);
    const job = runOf(victim).slurmJob!;
    expect(job).toMatch(/^\d+_0$/);
    const doneBefore = runOf(victim).epochsDone;
    killProcessesOf(job);
    await until('its end is seen', () => runOf(victim).status === 'interrupted', 60_000);
    const interrupted = runOf(victim);
    expect(interrupted.reason).toMatch(/^Slurm job \d+_0 ended as (FAILED|CANCELLED) before the run did\.$/);
    expect(interrupted.resumable).toBe(true);
    expect(interrupted.epochsDone).toBeLessThan(epochs);

    await services.handlers['run.resume']({ ...inProject(), runId: victim });
    const all = () => runIds.every((runId) => runOf(runId).status === 'finished');
    await until('all are finished', all, 240_000);
    const resumed = runOf(victim);
    expect(resumed.slurmJob).not.toBe(job);
    expect(resumed.resumedEpochs.length).toBe(1);
    expect(resumed.resumedEpochs[0]).toBeGreaterThanOrEqual(doneBefore);

    for (const runId of runIds) {
      expect(runOf(runId)).toMatchObject({ epochsDone: epochs, reason: null, parameterCount: expect.any(Number) });
      const [accuracy] = project.opened.store.runs.series(runId, ['test/accuracy']);
      expect(Array.from(accuracy!.epochs)).toEqual(Array.from({ length: epochs }, (_, epoch) => epoch + 1));
      expect(existsSync(join(folderOf(runId), 'checkpoints', 'best.safetensors'))).toBe(true);
    }
    // It was told live, and not only once it was over.
    const told = emitted.flatMap((each) => (each.event === 'run.points' ? [each.payload.runId] : []));
    expect(new Set(told)).toEqual(new Set(runIds));
    expect(emitted.some(({ event }) => event === 'run.progress')).toBe(true);
    const script = readFileSync(join(project.opened.folder, 'slurm', 'latest.sh'), 'utf8');
    expect(script).toContain('--array=0-0');
  },
  420_000,
);

test.skipIf(missing !== null)(
  'a sweep that is cancelled leaves no job, and its runs can go on',
  async () => {
    const long = plan();
    long.base.phases[0]!.epochs = 5000;
    const sweep = await sweeps['sweep.start']({ ...inProject(), name: 'Long', plan: long });
    const runIds = sweep.runs.map(({ runId }) => runId);
    await until('one trains', () => runIds.some((runId) => runOf(runId).epochsDone > 0), 120_000);
    const [array] = runOf(runIds[0]!).slurmJob!.split('_');
    await sweeps['sweep.cancel']({ ...inProject(), sweepId: sweep.sweepId });
    await until('all are cancelled', () => runIds.every((runId) => runOf(runId).status === 'cancelled'), 120_000);
    expect(runIds.map((runId) => runOf(runId).resumable)).toEqual([true, true, true, true]);
    await until(
      'Slurm has none of them',
      () => !/PENDING|RUNNING|COMPLETING/.test(slurm('squeue', '--array', '--jobs', array!)),
      60_000,
    );
  },
  420_000,
);

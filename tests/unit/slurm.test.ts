/** Slurm through commands that are made up: what it is asked, and what becomes of what it answers. */
import { appendFile, chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunId } from '../../src-main/contract/model/ids.ts';
import { usualSlurmSettings, type SweepPlan } from '../../src-main/contract/model/sweep.ts';
import { encodeEventLine, type RunEvent } from '../../src-main/engine/train/run-events.ts';
import { createRunHandlers, type RunServices } from '../../src-main/services/runs/handlers.ts';
import { sbatchScript } from '../../src-main/services/slurm/sbatch-script.ts';
import { createSweepHandlers } from '../../src-main/services/sweeps/handlers.ts';
import { errorOf, rejectionOf } from '../helpers/errors.ts';
import {
  createRunProject,
  runContext,
  testConfig,
  until,
  type Emitted,
  type RunProject,
} from '../helpers/run-project.ts';

/** Each keeps what it was asked in `calls`, and answers with the file of its name. */
const fake = (folder: string, name: string): string => `#!/bin/bash
echo "${name} $*" >> '${folder}/calls'
if [ "${name}" = sbatch ] && [ ! -t 0 ]; then cat > '${folder}/script'; fi
[ -f '${folder}/${name}.fails' ] && { cat '${folder}/${name}.fails' >&2; exit 1; }
cat '${folder}/${name}.says' 2>/dev/null
exit 0
`;

let folder: string;
let path: string | undefined;
let project: RunProject;
let services: RunServices;
let sweeps: ReturnType<typeof createSweepHandlers>;
let emitted: Emitted[];
let made: ReturnType<typeof runContext>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-fake-slurm-'));
  const bin = join(folder, 'bin');
  await mkdir(bin);
  for (const name of ['sbatch', 'squeue', 'sacct', 'scontrol', 'scancel', 'sinfo']) {
    await writeFile(join(bin, name), fake(folder, name));
    await chmod(join(bin, name), 0o755);
  }
  await says('sbatch', '7\n');
  await says('sinfo', 'gpu\ncpu\n');
  path = process.env['PATH'];
  process.env['PATH'] = `${bin}:${path}`;
  made = runContext(() => {
    throw new Error('nothing trains here');
  });
  emitted = made.emitted;
  services = createRunHandlers(made.context, { slurmPollMs: 50 });
  sweeps = createSweepHandlers(made.context, services.starter);
  project = await createRunProject(made.context.projects);
});
afterEach(async () => {
  await services.close();
  process.env['PATH'] = path;
  await made.context.workers.close();
  await project.dispose();
  await rm(folder, { recursive: true });
});

const says = (name: string, text: string): Promise<void> => writeFile(join(folder, `${name}.says`), text);
const fails = (name: string, text: string): Promise<void> => writeFile(join(folder, `${name}.fails`), text);
const calls = async (): Promise<string> => readFile(join(folder, 'calls'), 'utf8').catch(() => '');
const inProject = () => ({ projectId: project.opened.project.projectId });
const runOf = (runId: RunId) => project.opened.store.runs.get(runId);
const folderOf = (runId: RunId): string => join(project.opened.folder, project.opened.store.runs.folder(runId));
const record = (runId: RunId, ...events: RunEvent[]): Promise<void> =>
  appendFile(
    join(folderOf(runId), 'events.jsonl'),
    events.map((event) => encodeEventLine({ time: new Date().toISOString(), event })).join(''),
  );
const plan = (): SweepPlan => ({
  version: 1,
  base: testConfig(project.datasetId),
  axes: [],
  search: { kind: 'grid' },
  seeds: [1, 2],
  slurm: usualSlurmSettings,
  priority: 0,
});
async function submitted() {
  const sweep = await sweeps['sweep.start']({ ...inProject(), name: 'Two', plan: plan() });
  const [first, second] = sweep.runs.map(({ runId }) => runId);
  await until('they are submitted', () => runOf(second!).slurmJob !== null);
  return { sweep, first: first!, second: second! };
}

describe('the script', () => {
  const job = {
    name: 'A sweep, with words',
    folders: ['/p/runs/a', "/p/it's/b"],
    logFolder: '/p/slurm',
    command: ['/n o/node', 'm.ts'],
  };

  test('is a job array that runs the command line on one folder each', () => {
    const settings = {
      ...usualSlurmSettings,
      partition: 'gpu',
      timeLimit: '2:00:00',
      gpus: 1,
      atOnce: 3,
      options: '--account=x\n\n#SBATCH --qos=low',
    };
    expect(sbatchScript({ ...job, settings })).toBe(`#!/bin/bash
#SBATCH --job-name=A-sweep-with-words
#SBATCH --array=0-1%3
#SBATCH --output=/p/slurm/%A_%a.log
#SBATCH --partition=gpu
#SBATCH --time=2:00:00
#SBATCH --cpus-per-task=2
#SBATCH --gpus=1
#SBATCH --account=x
#SBATCH --qos=low

# One run a task. A run that was interrupted goes on from its checkpoint.
folders=(
  '/p/runs/a'
  '/p/it'\\''s/b'
)
exec '/n o/node' 'm.ts' train-folder "\${folders[$SLURM_ARRAY_TASK_ID]}"
`);
  });

  test('takes no option that is none', () => {
    const settings = { ...usualSlurmSettings, options: 'rm -rf /' };
    expect(errorOf(() => sbatchScript({ ...job, settings })).message).toContain('“rm -rf /” is no option of sbatch');
  });
});

test('whether Slurm is there is said, and why not', async () => {
  await says('sbatch', 'slurm-wlm 22.05.8\n');
  expect(await sweeps['slurm.state']({})).toEqual({
    available: true,
    version: 'slurm-wlm 22.05.8',
    partitions: ['gpu', 'cpu'],
    reason: null,
  });
  await fails('sinfo', 'sinfo: error: Unable to contact slurm controller (connect failure)\n');
  expect(await sweeps['slurm.state']({})).toMatchObject({
    available: false,
    reason: "Slurm's sinfo says: Unable to contact slurm controller (connect failure).",
  });
  process.env['PATH'] = '/nowhere';
  expect(await sweeps['slurm.state']({})).toMatchObject({
    available: false,
    reason: expect.stringContaining('There is no Slurm on this machine'),
  });
  expect((await rejectionOf(sweeps['sweep.start']({ ...inProject(), name: 'Two', plan: plan() }))).code).toBe(
    'unsupported',
  );
});

describe('a sweep', () => {
  test('is prepared, submitted on hold, noted in its runs and then released', async () => {
    const { first, second } = await submitted();
    await until('it is released', () => emitted.length > 0);
    await expect.poll(calls).toContain('scontrol release 7');
    expect(await calls()).toContain('sbatch --parsable --hold');
    expect([runOf(first).slurmJob, runOf(second).slurmJob]).toEqual(['7_0', '7_1']);
    const script = await readFile(join(folder, 'script'), 'utf8');
    expect(script).toContain(`  '${folderOf(first)}'\n  '${folderOf(second)}'\n`);
    expect(await readFile(join(folderOf(second), 'events.jsonl'), 'utf8')).toContain('Given to Slurm as job 7_1.');
    expect(await readFile(join(folderOf(first), 'data.json'), 'utf8')).toContain('"categories"');
  });

  test('is followed through the records of its runs', async () => {
    const { first, second } = await submitted();
    await says('squeue', '0|RUNNING|None\n1|PENDING|Resources\n');
    await record(
      first,
      { kind: 'started', parameterCount: 62_006, epochsDone: 0 },
      { kind: 'points', points: [{ series: 'step/loss', step: 2, epoch: 0.5, value: 2 }] },
      { kind: 'points', points: [{ series: 'test/accuracy', step: 4, epoch: 1, value: 0.5 }] },
      { kind: 'checkpoint', epoch: 1, best: true },
    );
    await until('it trains', () => runOf(first).epochsDone === 1);
    expect(runOf(first)).toMatchObject({ status: 'running', parameterCount: 62_006, latest: { 'test/accuracy': 0.5 } });
    expect(runOf(second).status).toBe('queued');
    await record(first, { kind: 'finished', epochsDone: 2 });
    await until('it is finished', () => runOf(first).status === 'finished');
  });

  test('whose job ends without a word is interrupted, and goes on as a job of its own', async () => {
    const { first } = await submitted();
    await says('squeue', '0|RUNNING|None\n1|RUNNING|None\n');
    await record(
      first,
      { kind: 'started', parameterCount: 1, epochsDone: 0 },
      { kind: 'checkpoint', epoch: 1, best: true },
    );
    await writeFile(join(folderOf(first), 'checkpoints', 'last.safetensors'), 'x');
    await until('it trains', () => runOf(first).status === 'running');
    await says('squeue', '0|NODE_FAIL|NodeDown\n1|RUNNING|None\n');
    await until('its end is seen', () => runOf(first).status === 'interrupted');
    expect(runOf(first)).toMatchObject({
      reason: 'Slurm job 7_0 ended as NODE_FAIL before the run did.',
      resumable: true,
    });
    // The last word of the first attempt came late; it says nothing of the second one.
    await record(first, { kind: 'cancelled', epochsDone: 1 });
    await says('sbatch', '8;cluster\n');
    await says('squeue', '0|PENDING|Priority\n');
    await services.handlers['run.resume']({ ...inProject(), runId: first });
    await until('it is submitted again', () => runOf(first).slurmJob === '8_0');
    expect(runOf(first).status).toBe('queued');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(runOf(first).status).toBe('queued');
    await record(first, { kind: 'started', parameterCount: 1, epochsDone: 1 });
    await until('it goes on', () => runOf(first).status === 'running');
    expect(runOf(first).resumedEpochs).toEqual([1]);
  });

  test('that Slurm knows only from its accounts, or not at all, has an end all the same', async () => {
    const { first, second } = await submitted();
    await fails('squeue', 'slurm_load_jobs error: Invalid job id specified\n');
    await says('sacct', '7_0|TIMEOUT\n7_1|CANCELLED by 1000\n');
    await until('both have ended', () => [first, second].every((runId) => runOf(runId).status === 'interrupted'));
    expect(runOf(first).reason).toBe('Slurm job 7_0 ended as TIMEOUT before the run did.');
    expect(runOf(second).reason).toBe('Slurm job 7_1 ended as CANCELLED before the run did.');
  });

  test('is cancelled with one call for all its tasks', async () => {
    const { sweep, first, second } = await submitted();
    await says('squeue', '0|RUNNING|None\n1|PENDING|None\n');
    await sweeps['sweep.cancel']({ ...inProject(), sweepId: sweep.sweepId });
    expect(await calls()).toContain('scancel 7_1 7_0');
    await says('squeue', '0|CANCELLED|None\n1|CANCELLED|None\n');
    await until('both are cancelled', () => [first, second].every((runId) => runOf(runId).status === 'cancelled'));
    expect([runOf(first).reason, runOf(first).resumable]).toEqual([null, true]);
  });

  test('that sbatch refuses says so in its runs, which can go on', async () => {
    await fails('sbatch', 'sbatch: error: invalid partition specified: gpu\n');
    // What is looked at before must not fail.
    await writeFile(
      join(folder, 'bin', 'sbatch'),
      `#!/bin/bash\n[ "$1" = --version ] && { echo slurm; exit 0; }\ncat '${folder}/sbatch.fails' >&2\nexit 1\n`,
    );
    const sweep = await sweeps['sweep.start']({ ...inProject(), name: 'Two', plan: plan() });
    const [{ runId }] = sweep.runs as [(typeof sweep.runs)[number]];
    await until('it is refused', () => runOf(runId).status === 'interrupted');
    expect(runOf(runId)).toMatchObject({
      reason: "It could not be given to Slurm: Slurm's sbatch says: invalid partition specified: gpu.",
      resumable: true,
    });
  });

  test('goes on while Fovea is closed, and is found again when the project is opened', async () => {
    const { first } = await submitted();
    await says('squeue', '0|RUNNING|None\n1|RUNNING|None\n');
    await until('it trains', () => runOf(first).status === 'running');
    await services.close();
    const { folder: place } = project.opened;
    project.projects.closeAll();
    await appendFile(
      join(place, 'runs', 'lenet5-1', 'events.jsonl'),
      [
        { kind: 'started', parameterCount: 1, epochsDone: 0 } as const,
        { kind: 'points', points: [{ series: 'test/accuracy', step: 4, epoch: 1, value: 0.25 }] } as RunEvent,
        { kind: 'finished', epochsDone: 2 } as const,
      ]
        .map((event) => encodeEventLine({ time: new Date().toISOString(), event }))
        .join(''),
    );
    const opened = await made.context.projects.open(place);
    Object.assign(project, { opened });
    services = createRunHandlers(made.context, { slurmPollMs: 50 });
    const again = await made.context.projects.open(place);
    expect(again.store.runs.get(first).status).toBe('running');
    services.starter.slurm.attach(again);
    await until('its end is read', () => again.store.runs.get(first).status === 'finished');
    expect(again.store.runs.get(first).latest['test/accuracy']).toBe(0.25);
  });
});

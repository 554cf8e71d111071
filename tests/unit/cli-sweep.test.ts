/** The command line: sweeps, and the run of a folder that a scheduler starts. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Calls, Handlers } from '../../src-main/contract/ipc.ts';
import { usualSlurmSettings } from '../../src-main/contract/model/sweep.ts';
import { runTemplate } from '../../src-main/services/runs/run-template.ts';
import { sample } from '../helpers/fake-backend.ts';
import {
  backend,
  cli,
  folder,
  interrupt,
  projectId,
  requestsOf,
  stderr,
  stdout,
  trainers,
  until,
} from '../helpers/cli-session.ts';

const run = { ...sample.run, sweepId: sample.sweep.sweepId, status: 'finished' as const };
const template: Partial<Handlers> = {
  'run.template': async () => runTemplate('lenet5', sample.dataset, []),
  'run.list': async () => [run],
};
const planOf = (): Calls['sweep.start']['request']['plan'] =>
  (requestsOf('sweep.preview')[0] as Calls['sweep.preview']['request']).plan;

describe('sweep start', () => {
  it('reads axes as settings are read: kinds bring their records, ranges are for chance', async () => {
    const axes = [
      'batchSize=16,32',
      'phases.0.optimiser.kind=adam,sgd',
      'phases.0.learningRate=1e-4..0.1:log',
      'ema.decay=0.9',
    ];
    const args = ['sweep', 'start', '--name', 'Mine', ...axes.flatMap((axis) => ['--axis', axis])];
    const more = ['--random', '5', '--search-seed', '3', '--seeds', '1,2', '--priority', '1'];
    expect(await cli([...args, ...more], { handlers: template })).toBe(0);
    const { axes: read, search, seeds, priority, slurm } = planOf();
    expect({ search, seeds, priority, slurm }).toEqual({
      search: { kind: 'random', combinations: 5, seed: 3 },
      seeds: [1, 2],
      priority: 1,
      slurm: null,
    });
    expect(read.map(({ label }) => label)).toEqual(['Batch size', 'Optimiser', 'Learning rate', 'EMA decay']);
    expect(read[0]).toMatchObject({ choices: [{ label: '16', changes: [{ path: 'batchSize', value: 16 }] }, {}] });
    expect(read[1]).toMatchObject({
      choices: [{}, { changes: [{ path: 'phases.0.optimiser', value: { kind: 'sgd', momentum: 0.9 } }] }],
    });
    expect(read[2]).toMatchObject({ kind: 'range', low: 1e-4, high: 0.1, scale: 'log', integer: false });
    expect(read[3]).toMatchObject({
      choices: [{ changes: [{ path: 'ema', value: { decay: 0.9, warmupSteps: 2000 } }] }],
    });
    expect(requestsOf('sweep.start')).toMatchObject([{ projectId, name: 'Mine' }]);
    expect(stderr).toContain('1 run: 1 combination with 1 seed.');
    expect(stdout).toContain('Dropout  runs  Test accuracy (higher is better)');
  });

  it('says what it would come to, and starts nothing, where it is only tried', async () => {
    expect(await cli(['sweep', 'start', '--axis', 'batchSize=1,2', '--dry-run'], { handlers: template })).toBe(0);
    expect(stderr).toContain('About 2 min for a run like the plan');
    expect(requestsOf('sweep.start')).toEqual([]);
  });

  it('asks Slurm for what it is told, and leaves once the jobs are submitted', async () => {
    const waiting = { ...run, status: 'queued' as const, slurmJob: null };
    const slurmSweep = { ...sample.sweep, plan: { ...sample.sweep.plan, slurm: usualSlurmSettings } };
    const handlers: Partial<Handlers> = {
      ...template,
      'run.list': async () => [waiting],
      'sweep.start': async () => slurmSweep,
      'sweep.get': async () => slurmSweep,
    };
    const args = ['sweep', 'start', '--slurm', '--partition', 'gpu', '--gpus', '1', '--sbatch=--account=x', '--detach'];
    const result = cli(args, { handlers });
    await until(() => requestsOf('run.list').length > 0);
    backend.emit('run.changed', { projectId, summary: { ...waiting, slurmJob: '7_0' } });
    expect(await result).toBe(0);
    expect(planOf().slurm).toEqual({ ...usualSlurmSettings, partition: 'gpu', gpus: 1, options: '--account=x' });
  });

  it('does not leave what trains on this machine', async () => {
    expect(await cli(['sweep', 'start', '--detach'], { handlers: template })).toBe(2);
    expect(stderr).toContain('--detach needs --slurm');
  });

  it('cancels the whole on Ctrl-C', async () => {
    const training = { ...run, status: 'running' as const };
    const result = cli(['sweep', 'start'], { handlers: { ...template, 'run.list': async () => [training] } });
    await until(() => requestsOf('run.list').length > 0);
    interrupt();
    await until(() => requestsOf('sweep.cancel').length > 0);
    backend.emit('run.changed', { projectId, summary: { ...training, status: 'cancelled' } });
    expect(await result).toBe(1);
    expect(stderr).toContain('cancelled: first');
  });
});

describe('a sweep', () => {
  it('is listed, shown as a table or JSON, cancelled, gone on with and deleted', async () => {
    expect(await cli(['sweep', 'list'], { handlers: template })).toBe(0);
    expect(stdout).toContain('Dropout  Dropout  1 of 1 finished');
    expect(await cli(['sweep', 'show', 'Dropout', '--json'], { handlers: template })).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ metric: 'test/accuracy', rows: [{ combination: 0, measured: 1 }] });
    for (const command of ['cancel', 'resume', 'delete'] as const) {
      expect(await cli(['sweep', command, '1'], { handlers: template }), command).toBe(0);
      expect(requestsOf(`sweep.${command}`)).toEqual([{ projectId, sweepId: 1 }]);
    }
    expect(await cli(['sweep', 'show', 'nothing'], { handlers: template })).toBe(1);
    expect(stderr).toContain('There is no sweep "nothing" in this project. There are: 1 Dropout.');
  });
});

describe('train-folder', () => {
  const runFolder = (): string => join(folder, 'run');
  const prepare = (): void => {
    mkdirSync(join(runFolder(), 'checkpoints'), { recursive: true });
    writeFileSync(join(runFolder(), 'config.json'), JSON.stringify(sample.config));
  };

  it('trains the run of a folder to its end, and goes on from its checkpoint', async () => {
    prepare();
    writeFileSync(join(runFolder(), 'checkpoints', 'last.safetensors'), 'x');
    const result = cli(['train-folder', runFolder()]);
    await until(() => trainers.launched.length === 1);
    const [trainer] = trainers.launched;
    trainer!.say({ kind: 'ready' });
    expect(trainer!.commands).toEqual([
      { kind: 'train', job: { folder: runFolder(), config: sample.config, resume: true } },
    ]);
    trainer!.say(
      { kind: 'log', lines: [{ time: '', level: 'info', text: 'Epoch 1' }] },
      { kind: 'finished', epochsDone: 3 },
    );
    trainer!.exit(0);
    expect(await result).toBe(0);
    expect(stderr).toBe('Epoch 1\n');
  });

  it('saves a checkpoint when it is asked to stop', async () => {
    prepare();
    const result = cli(['train-folder', runFolder()]);
    await until(() => trainers.launched.length === 1);
    const [trainer] = trainers.launched;
    trainer!.say({ kind: 'ready' });
    interrupt();
    await until(() => trainer!.commands.length === 2);
    expect(trainer!.commands[1]).toEqual({ kind: 'cancel' });
    trainer!.say({ kind: 'cancelled', epochsDone: 1 });
    trainer!.exit(0);
    expect(await result).toBe(130);
  });

  it('says why it ended otherwise', async () => {
    prepare();
    const result = cli(['train-folder', runFolder()]);
    await until(() => trainers.launched.length === 1);
    trainers.launched[0]!.exit(null, 'SIGKILL');
    expect(await result).toBe(1);
    expect(stderr).toContain('The training process');
    expect(await cli(['train-folder', join(folder, 'nowhere')])).toBe(1);
    expect(stderr).toContain('is no folder of a run');
  });
});

/** The command line: runs that are started, watched, cancelled and gone on with. */
import { adam } from '../helpers/run-config.ts';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Handlers } from '../../src-main/contract/ipc.ts';
import type { DatasetId, RunId } from '../../src-main/contract/model/ids.ts';
import type { Job } from '../../src-main/contract/model/job.ts';
import type { Knob } from '../../src-main/contract/model/model-spec.ts';
import type { RunConfig, RunProgress, RunSummary } from '../../src-main/contract/model/run.ts';
import { runTemplate } from '../../src-main/services/runs/run-template.ts';
import { sample } from '../helpers/fake-backend.ts';
import {
  aborted,
  backend,
  cli,
  folder,
  interrupt,
  projectId,
  requestsOf,
  running,
  stderr,
  stdout,
  until,
  watching,
  published,
} from '../helpers/cli-session.ts';

describe('train', () => {
  const progress: RunProgress = {
    runId: running.runId,
    activity: 'training',
    epoch: 2,
    epochsTotal: 3,
    step: 120,
    stepsPerEpoch: 782,
    imagesPerSecond: 12_345.6,
    secondsLeft: 250,
  };
  const live: Partial<Handlers> = {
    'run.get': async () => ({
      summary: running,
      config: sample.config,
      classes: [],
      classesDoubt: null,
      folder: '/runs/first',
    }),
  };

  it('starts a run from the template with a file and settings on top', async () => {
    const file = join(folder, 'config.json');
    writeFileSync(file, JSON.stringify({ batchSize: 128, model: { options: { batchNorm: true } } }));
    const settings = [
      'phases.0.learningRate=0.01',
      'model.options.dropout=0.5',
      'phases.0.freeze=["conv1"]',
      'batchSize=32',
    ];
    const args = [
      'train',
      '-d',
      'Tiny',
      '--config',
      file,
      '--name',
      'mine',
      ...settings.flatMap((each) => ['--set', each]),
    ];
    expect(await cli(args)).toBe(0);
    expect(requestsOf('run.template')).toEqual([{ projectId, datasetId: 1, modelId: 'lenet5' }]);
    const [phase] = sample.config.phases;
    const config = {
      ...sample.config,
      batchSize: 32,
      model: { id: 'lenet5', options: { batchNorm: true, dropout: 0.5 } },
      phases: [{ ...phase, learningRate: 0.01, freeze: ['conv1'] }],
    };
    expect(requestsOf('run.check')).toEqual([{ projectId, config }]);
    expect(requestsOf('run.start')).toEqual([{ projectId, config, name: 'mine' }]);
  });

  it.each([
    ['scratch', null],
    ['ours', { source: 'catalogue', id: 'ours' }],
    ['run:7', { source: 'run', runId: 7, checkpoint: 'best' }],
    ['run:7:last', { source: 'run', runId: 7, checkpoint: 'last' }],
    ['/models/net.pth', { source: 'file', path: '/models/net.pth', sha256: 'a'.repeat(64) }],
  ])('starts from weights: %s', async (wanted, weights) => {
    const handlers: Partial<Handlers> = { 'weights.catalogue': async () => [published] };
    expect(await cli(['train', '--weights', wanted], { handlers })).toBe(0);
    expect(requestsOf('run.start')).toEqual([{ projectId, config: { ...sample.config, weights }, name: null }]);
  });

  it('knows the checkpoints of a run', async () => {
    expect(await cli(['train', '--weights', 'run:7:first'])).toBe(2);
    expect(stderr).toContain('the checkpoint is "best" or "last"');
  });

  it('takes the only data set without being told', async () => {
    expect(await cli(['train'])).toBe(0);
    expect(requestsOf('run.start')).toEqual([{ projectId, config: sample.config, name: null }]);
  });

  it('asks which data set where there are several', async () => {
    const other = { ...sample.dataset, datasetId: 2 as DatasetId, name: 'Other' };
    expect(await cli(['train'], { handlers: { 'dataset.list': async () => [sample.dataset, other] } })).toBe(2);
    expect(stderr).toBe('fovea: Say which data set with --dataset. There are: 1 Tiny, 2 Other.\n');
  });

  it('can choose another kind of optimiser by one word: the knobs know the rest', async () => {
    const knob = (path: string, defaultValue: number | boolean): Knob => ({
      path: `phases.0.optimiser.${path}`,
      label: path,
      explanation: '',
      group: 'plan',
      control: { kind: 'boolean' },
      defaultValue,
    });
    const knobs = [knob('momentum', 0.9), knob('nesterov', false), knob('beta1', 0.5)];
    const handlers = { 'run.template': async () => ({ config: sample.config, knobs }) };
    const settings = ['--set', 'phases.0.optimiser.kind=sgd', '--set', 'phases.0.optimiser.nesterov=true'];
    expect(await cli(['train', ...settings], { handlers })).toBe(0);
    const optimiser = { kind: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0 };
    expect(requestsOf('run.start')).toMatchObject([{ config: { phases: [{ optimiser }] } }]);
    await cli(['train'], { handlers });
    expect(requestsOf('run.start')).toEqual([{ projectId, config: sample.config, name: null }]);
  });

  describe('with the knobs of the service', () => {
    const template = runTemplate('lenet5', sample.dataset, []);
    const handlers = { 'run.template': async () => template };
    const started = async (...args: string[]): Promise<RunConfig> => {
      expect(await cli(['train', ...args], { handlers })).toBe(0);
      return (requestsOf('run.start').at(-1) as { config: RunConfig }).config;
    };
    const set = (...settings: string[]): string[] => settings.flatMap((setting) => ['--set', setting]);
    const file = (document: unknown): string[] => {
      const path = join(folder, 'settings.json');
      writeFileSync(path, JSON.stringify(document));
      return ['--config', path];
    };

    it('a kind brings its own defaults, and keeps what was chosen', async () => {
      const adamw = await started(...set('phases.0.optimiser.kind=adamw', 'phases.0.schedule.kind=step'));
      expect(adamw.phases[0]).toMatchObject({
        optimiser: { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
        schedule: { kind: 'step', everyEpochs: 10, gamma: 0.1 },
      });
      const phases = [{ ...template.config.phases[0], optimiser: { ...adam, weightDecay: 0.3 } }];
      const rmsprop = await started(...file({ phases }), ...set('phases.0.optimiser.kind=rmsprop'));
      expect(rmsprop.phases[0]!.optimiser).toMatchObject({ kind: 'rmsprop', momentum: 0, weightDecay: 0.3 });
    });

    it('what can be off is switched on with a word, a number or one of its parts', async () => {
      expect(template.config).toMatchObject({ ema: null, phases: [{ clipNorm: null }] });
      expect(await started(...set('ema=on', 'phases.0.clipNorm=on'))).toMatchObject({
        ema: { decay: 0.999, warmupSteps: 2000 },
        phases: [{ clipNorm: 1 }],
      });
      expect(await started(...set('ema.decay=0.9', 'phases.0.clipNorm=2.5'))).toMatchObject({
        ema: { decay: 0.9, warmupSteps: 2000 },
        phases: [{ clipNorm: 2.5 }],
      });
      const off = await started(...file({ ema: { decay: 0.5, warmupSteps: 1 } }), ...set('ema=off'));
      expect(off.ema).toBeNull();
    });

    it('a file may give several phases and only what is special about them', async () => {
      const phases = [
        { epochs: 2, optimiser: { kind: 'sgd' } },
        { learningRate: 1e-4, freeze: ['conv1'] },
      ];
      const config = await started(...file({ phases }), ...set('phases.1.schedule.kind=cosine'));
      const [usual] = template.config.phases;
      expect(config.phases).toEqual([
        { ...usual, epochs: 2, optimiser: { kind: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0 } },
        { ...usual, learningRate: 1e-4, freeze: ['conv1'], schedule: { kind: 'cosine', finalFactor: 0.01 } },
      ]);
    });

    it('a file of version 1 means what it meant', async () => {
      const [{ warmup, decayAll, clipNorm, ...phase }] = template.config.phases as [RunConfig['phases'][number]];
      const config = await started(...file({ version: 1, batchSize: 7, phases: [phase] }));
      expect([warmup.epochs, decayAll, clipNorm]).toEqual([0, false, null]);
      expect(config).toEqual({
        ...template.config,
        batchSize: 7,
        phases: [{ ...template.config.phases[0], decayAll: true }],
      });
    });
  });

  it('shows progress and the log on stderr, and the result on stdout', async () => {
    const result = cli(['train', '--json'], { handlers: live, isTTY: true });
    await watching();
    const { runId } = running;
    backend.emit('run.progress', { projectId, progress });
    expect(stderr).toContain('training  epoch 2/3  step 120/782  12,346 images/s  4 min left');
    const lines = [{ time: '', level: 'warning' as const, text: 'the loss is NaN' }];
    backend.emit('run.log', { projectId, runId, lines });
    backend.emit('run.log', {
      projectId,
      runId: 99 as RunId,
      lines: [{ time: '', level: 'info', text: 'of another run' }],
    });
    expect(stderr).toContain('\r\x1b[Kwarning: the loss is NaN\n');
    expect(stderr).not.toContain('of another run');
    backend.emit('run.changed', { projectId, summary: { ...sample.run, runId: 99 as RunId } });
    expect(stdout).toBe('');
    backend.emit('run.changed', { projectId, summary: sample.run });
    expect(await result).toBe(0);
    expect(JSON.parse(stdout)).toEqual(sample.run);
    expect(backend.subscriberCount()).toBe(0);
    expect(backend.closed).toBe(true);
  });

  it('keeps the terminal’s control codes out of a log file', async () => {
    const result = cli(['train'], { handlers: live });
    await watching();
    backend.emit('run.progress', { projectId, progress });
    backend.emit('run.changed', { projectId, summary: sample.run });
    await result;
    expect(stderr).not.toContain('\x1b');
  });

  it('cancels by Ctrl-C so that the run can go on, and leaves at once the second time', async () => {
    const result = cli(['train'], { handlers: live });
    await watching();
    interrupt();
    await until(() => requestsOf('run.cancel').length > 0);
    expect(requestsOf('run.cancel')).toEqual([{ projectId, runId: 7 }]);
    expect(aborted).toBe(false);
    interrupt();
    expect(aborted).toBe(true);
    backend.emit('run.changed', { projectId, summary: { ...sample.run, status: 'cancelled', epochsDone: 1 } });
    expect(await result).toBe(130);
    expect(stdout).toContain('Run 7 "first" cancelled after 1 of 3 epochs.\nGo on with: fovea train --resume 7\n');
  });

  it('goes on with a run', async () => {
    expect(await cli(['train', '--resume', 'first'])).toBe(0);
    expect(requestsOf('run.resume')).toEqual([{ projectId, runId: 7 }]);
    expect(requestsOf('run.start')).toEqual([]);
    for (const [option, value] of Object.entries({
      '--dataset': 'Tiny',
      '--set': 'seed=2',
      '--name': 'x',
      '--model': 'x',
    })) {
      expect(await cli(['train', '--resume', 'first', option, value]), option).toBe(2);
    }
  });

  it('ends with 1 where the run failed, and says why', async () => {
    const failed: RunSummary = { ...sample.run, status: 'failed', reason: 'out of memory', resumable: false };
    const handlers = {
      'run.get': async () => ({ summary: failed, config: sample.config, classes: [], classesDoubt: null, folder: '' }),
    };
    expect(await cli(['train'], { handlers })).toBe(1);
    expect(stdout).toContain('Run 7 "first" failed after 3 of 3 epochs: out of memory\n');
  });

  it('does not start what the check refuses, and passes its warnings on', async () => {
    const findings = [
      { severity: 'warning' as const, message: 'The batch is larger than the data set.' },
      { severity: 'error' as const, message: 'There are no test images.' },
    ];
    expect(await cli(['train'], { handlers: { 'run.check': async () => findings } })).toBe(2);
    expect(stderr).toContain('warning: The batch is larger than the data set.\nerror: There are no test images.\n');
    expect(requestsOf('run.start')).toEqual([]);
  });

  it.each([
    ['batchsize=32', '--set batchsize: there is no such setting'],
    ['phases.1.epochs=2', '--set phases.1.epochs: there is no such setting'],
    ['__proto__.x=1', '--set __proto__.x: there is no such setting'],
    ['batchSize', '--set batchSize: expected path=value'],
    ['batchSize=many', 'run.check: config.batchSize: expected number, got "many"'],
    ['batchSize=0', 'run.check: config.batchSize: expected >=1, got 0'],
  ])('refuses --set %s', async (setting, message) => {
    expect(await cli(['train', '--set', setting])).toBe(2);
    expect(stderr).toContain(message);
    expect(requestsOf('run.start')).toEqual([]);
  });

  it.each([
    ['[1]', 'it holds no JSON object'],
    ['{', 'JSON'],
  ])('refuses a configuration file with %s', async (text, reason) => {
    const file = join(folder, 'config.json');
    writeFileSync(file, text);
    expect(await cli(['train', '--config', file])).toBe(1);
    expect(stderr).toContain(`The configuration ${file} cannot be used`);
    expect(stderr).toContain(reason);
  });

  it('writes the report of a comparison, in the format of its name, and overwrites none unasked', async () => {
    const file = join(folder, 'report.md');
    expect(await cli(['compare', 'first', 'first', '--report', file])).toBe(0);
    expect(requestsOf('run.report')).toEqual([{ projectId, runIds: [7, 7], format: 'markdown' }]);
    expect(readFileSync(file, 'utf8')).toBe('<!doctype html>');
    expect(await cli(['compare', 'first', 'first', '--report', file])).toBe(1);
    expect(stderr).toContain(`${file} is there already. Overwrite it with --force.`);
    expect(await cli(['compare', 'first', 'first', '--report', file, '--force'])).toBe(0);
  });

  it('trains what a preset says, whatever the case of its name, on the data set that is asked for', async () => {
    const other = { ...sample.dataset, datasetId: 2 as DatasetId, name: 'Other' };
    const handlers = { 'dataset.list': async () => [sample.dataset, other] };
    expect(await cli(['train', '--preset', 'Usual'], { handlers })).toBe(0);
    expect(requestsOf('run.start')).toMatchObject([{ config: sample.config }]);
    expect(await cli(['train', '--preset', 'usual', '-d', 'Other', '--set', 'seed=5'], { handlers })).toBe(0);
    const data = { ...sample.config.data, datasetId: 2 };
    expect(requestsOf('run.start')).toMatchObject([{ config: { ...sample.config, data, seed: 5 } }]);
    expect(await cli(['train', '--preset', 'unknown'])).toBe(1);
    expect(stderr).toContain('There is no preset "unknown". There are: usual.');
  });

  it('takes the document of another project: its data set makes room for the only one here, its model stays', async () => {
    const file = join(folder, 'config.json');
    const foreign = {
      ...sample.config,
      data: { ...sample.config.data, datasetId: 41 },
      model: { id: 'other', options: {} },
    };
    writeFileSync(file, JSON.stringify(foreign));
    expect(await cli(['train', '--config', file])).toBe(0);
    expect(requestsOf('run.template')).toEqual([{ projectId, datasetId: 1, modelId: 'other' }]);
    expect(requestsOf('run.start')).toMatchObject([{ config: { data: { datasetId: 1 }, model: { id: 'other' } } }]);
    await cli(['train', '--config', file, '-m', 'lenet5']);
    expect(requestsOf('run.start')).toMatchObject([{ config: { model: sample.config.model } }]);
  });

  it('prints the document of a run so that it can be trained again, and keeps it as a preset', async () => {
    expect(await cli(['config', 'first'])).toBe(0);
    expect(JSON.parse(stdout)).toEqual(sample.config);
    expect(await cli(['preset', 'save', 'chapter', 'first'])).toBe(0);
    expect(requestsOf('preset.save')).toEqual([{ projectId, name: 'chapter', config: sample.config }]);
    expect(await cli(['preset', 'list'])).toBe(0);
    expect(stdout).toBe('preset  model   epochs\nusual   lenet5       3\n');
  });

  it('lists what can be set', async () => {
    expect(await cli(['train', '--list-settings'])).toBe(0);
    expect(stdout).toMatch(/^setting +default +what it does\nbatchSize +64 +Images per step\.\n$/);
    expect(requestsOf('run.start')).toEqual([]);
  });
});

describe('a run that does not fit into memory', () => {
  const summary = 'About 9.0 GB at its peak, which is more than this machine can give.';
  const smaller = { batchSize: 16, accumulation: 4, peakBytes: 3e9, sentence: '' };
  const withSuggestion = (suggestion: typeof smaller | null): Partial<Handlers> => ({
    'run.start': async () => sample.run,
    'run.get': async () => ({
      summary: sample.run,
      config: sample.config,
      classes: [],
      classesDoubt: null,
      folder: '/run',
    }),
    'run.estimate': async () => ({
      ...{ peakBytes: 9e9, machineBytes: 8e9, freeBytes: 6e9, fits: false, parts: [] },
      ...{ suggestion, summary },
    }),
  });

  it('is started all the same where nothing helps, with a warning', async () => {
    expect(await cli(['train'], { handlers: withSuggestion(null) })).toBe(0);
    expect(stderr).toContain(`warning: ${summary}\n`);
    expect(requestsOf('run.start')).toHaveLength(1);
  });

  it('takes micro-batches that fit, and says so', async () => {
    expect(await cli(['train'], { handlers: withSuggestion(smaller) })).toBe(0);
    expect(stderr).toContain('The run takes batchSize=16 and accumulation=4; --whole-batches keeps 64.\n');
    expect(requestsOf('run.start')).toMatchObject([{ config: { batchSize: 16, accumulation: 4 } }]);
  });

  it('keeps its batches whole where that is asked for', async () => {
    expect(await cli(['train', '--whole-batches'], { handlers: withSuggestion(smaller) })).toBe(0);
    expect(requestsOf('run.start')).toMatchObject([{ config: { batchSize: 64, accumulation: 1 } }]);
  });
});

describe('tune', () => {
  const job = { ...sample.job, kind: 'tuning', unit: 'timings', state: 'running', tuning: null } as const;
  const ending = (end: Partial<Job>): { handlers: Partial<Handlers> } => ({
    handlers: { 'tuning.start': async () => job, 'job.list': async () => [{ ...job, ...end }] },
  });

  it('measures the layers of the run that the options describe, and says what it gained', async () => {
    const done = ending({ state: 'done', tuning: { gain: { beforeMs: 200, afterMs: 180 }, measured: 40 } });
    expect(await cli(['tune', '-d', 'Tiny', '--set', 'batchSize=32'], done)).toBe(0);
    expect(requestsOf('tuning.start')).toEqual([{ projectId, config: { ...sample.config, batchSize: 32 } }]);
    expect(stdout).toBe('A step now takes 10.0 % less: 180 ms instead of 200 ms.\n');
  });

  it('says where it was cancelled or failed', async () => {
    expect(await cli(['tune', '-d', 'Tiny'], ending({ state: 'cancelled' }))).toBe(130);
    expect(stderr).toContain('nothing was kept');
    const failed = ending({ state: 'failed', error: { code: 'busy', message: 'A run trains.' } });
    expect(await cli(['tune', '-d', 'Tiny'], failed)).toBe(1);
    expect(stderr).toContain('A run trains.');
  });

  it('forgets', async () => {
    expect(await cli(['tune', '--forget'])).toBe(0);
    expect(requestsOf('tuning.forget')).toEqual([{}]);
    expect(requestsOf('tuning.start')).toEqual([]);
  });
});

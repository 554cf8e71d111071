/** The command line against a fake backend: what it asks for, what it prints where, and how it ends. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FoveaError } from '../../src-main/contract/errors.ts';
import type { CallName, Handlers } from '../../src-main/contract/ipc.ts';
import type { DatasetId, RunId } from '../../src-main/contract/model/ids.ts';
import type { Knob } from '../../src-main/contract/model/model-spec.ts';
import type { Job } from '../../src-main/contract/model/job.ts';
import type { RunConfig, RunProgress, RunSummary } from '../../src-main/contract/model/run.ts';
import type { CatalogueState } from '../../src-main/contract/model/weights.ts';
import { runCli } from '../../src-main/hosts/cli/program.ts';
import { runTemplate } from '../../src-main/services/runs/run-template.ts';
import { fakeTasks, type FakeTasks } from '../helpers/devices.ts';
import { createFakeBackend, sample, type FakeBackend } from '../helpers/fake-backend.ts';
import { adam } from '../helpers/training-run.ts';

const { projectId } = sample.project;
const running: RunSummary = { ...sample.run, status: 'running', epochsDone: 0 };

let folder: string;
let backend: FakeBackend;
let stdout: string;
let stderr: string;
let interrupt: () => void;
let aborted: boolean;
let tasks: FakeTasks;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fovea-cli-'));
  mkdirSync(join(folder, 'project', 'inside'), { recursive: true });
  writeFileSync(join(folder, 'project', 'project.sqlite'), '');
  aborted = false;
  tasks = fakeTasks((_task, child) => child.exit(0));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Setting {
  handlers?: Partial<Handlers>;
  cwd?: string;
  isTTY?: boolean;
}

function cli(args: string[], { handlers = {}, cwd = join(folder, 'project'), isTTY = false }: Setting = {}) {
  backend = createFakeBackend(handlers);
  stdout = '';
  stderr = '';
  const io = {
    stdout: { write: (text: string) => void (stdout += text) },
    stderr: { write: (text: string) => void (stderr += text), isTTY },
    cwd,
    onInterrupt: (listener: () => void) => {
      interrupt = listener;
      return () => (interrupt = () => {});
    },
    abort: () => void (aborted = true),
  };
  return runCli(args, io, { openBackend: () => backend, launchTask: tasks.launch });
}

const requestsOf = (name: CallName) =>
  backend.requests.filter((each) => each.name === name).map(({ request }) => request);
const until = (condition: () => boolean) => vi.waitUntil(condition, { interval: 1 });
/** The command listens for the end of a run once it has looked at it. */
const watching = () => until(() => requestsOf('run.get').length > 0);

describe('projects', () => {
  it('are made in the folder where the person is', async () => {
    expect(await cli(['project', 'create', 'Mine'], { cwd: folder })).toBe(0);
    expect(requestsOf('project.create')).toEqual([{ name: 'Mine', parentFolder: folder }]);
    expect(stdout).toBe('Sample: /projects/sample\n');
  });

  it('are listed, as text or as JSON', async () => {
    expect(await cli(['project', 'list'])).toBe(0);
    expect(stdout).toBe('project  images  runs  folder\nSample      120     1  /projects/sample\n');
    await cli(['project', 'list', '--json']);
    expect(JSON.parse(stdout)).toMatchObject([{ name: 'Sample', imageCount: 120 }]);
  });

  it.each([
    ['the folder around', [], 'project/inside', 'project'],
    ['a relative path', ['-p', 'project'], '.', 'project'],
  ])('are found by %s', async (_what, options, cwd, expected) => {
    expect(await cli(['datasets', ...options], { cwd: join(folder, cwd) })).toBe(0);
    expect(requestsOf('project.open')).toEqual([{ path: join(folder, expected) }]);
  });

  it('are found by the name of a recent one', async () => {
    expect(await cli(['datasets', '-p', 'Sample'], { cwd: folder })).toBe(0);
    expect(requestsOf('project.open')).toEqual([{ path: '/projects/sample' }]);
  });

  it('that are not there are named, with what there is', async () => {
    expect(await cli(['datasets', '-p', 'Nothing'], { cwd: folder })).toBe(1);
    expect(stderr).toContain(`There is no project at ${join(folder, 'Nothing')}, and no recent one named "Nothing"`);
    expect(stderr).toContain('Recent projects: Sample.');
    expect(await cli(['datasets'], { cwd: folder })).toBe(2);
    expect(stderr).toContain('is not inside a project. Say which one with --project');
  });
});

describe('import', () => {
  const done: Job = { ...sample.job, state: 'done', datasetId: 1 as DatasetId };
  const ended = (job: Job): Partial<Handlers> => ({ 'job.list': async () => [job] });

  it('looks first, imports with the suggested name, and prints the data set', async () => {
    expect(await cli(['import', 'tiny', '--json'], { handlers: ended(done) })).toBe(0);
    const path = join(folder, 'project', 'tiny');
    expect(requestsOf('dataset.inspect')).toEqual([{ path }]);
    expect(requestsOf('dataset.import')).toEqual([{ projectId, path, format: 'cifar10', name: 'Tiny' }]);
    expect(JSON.parse(stdout)).toEqual([sample.dataset]);
  });

  it('shows live on a terminal how far it is', async () => {
    const result = cli(['import', 'tiny'], { isTTY: true });
    await until(() => requestsOf('job.list').length > 0);
    backend.emit('job.changed', { ...sample.job, done: 60, ratePerSecond: 2000, secondsLeft: 90 });
    expect(stderr).toContain('reading data_batch_1.bin  60 of 120  2,000/s  2 min left');
    backend.emit('job.changed', done);
    expect(await result).toBe(0);
    expect(stderr.endsWith('\r\x1b[K')).toBe(true);
    expect(backend.subscriberCount()).toBe(0);
  });

  it('says why it failed', async () => {
    const error = { code: 'bad-input', message: 'data_batch_2.bin: truncated at byte 3072' };
    expect(await cli(['import', 'tiny'], { handlers: ended({ ...sample.job, state: 'failed', error }) })).toBe(1);
    expect(stderr).toContain('data_batch_2.bin: truncated at byte 3072');
    expect(stdout).toBe('');
  });

  it('copies files and takes the format that was asked for', async () => {
    expect(await cli(['import', 'tiny', '--copy', '--format', 'yolo'], { handlers: ended(done) })).toBe(0);
    expect(requestsOf('dataset.inspect')).toMatchObject([{ format: 'yolo' }]);
    expect(requestsOf('dataset.import')).toMatchObject([{ format: 'yolo', copyFiles: true }]);
    expect(stderr).toContain('cifar10: 120 images, 2 classes, 120 labels (classification)');
  });

  it('writes a data set for other tools and says what is lost', async () => {
    const args = ['export-dataset', 'Tiny', '--format', 'coco', '-o', 'out'];
    expect(await cli(args, { handlers: ended(done) })).toBe(0);
    const scope = { filter: { splits: [], categoryIds: [] }, labelledOnly: false };
    const request = { projectId, datasetId: sample.dataset.datasetId, format: 'coco', ...scope };
    expect(requestsOf('dataset.export')).toEqual([{ ...request, folder: join(folder, 'project', 'out') }]);
    expect(stderr).toContain('Lost: 120 labels lose their attributes.');
    expect(stdout).toContain('120 images and 120 labels are in ');
  });

  it('refuses what has no known format, with the reasons found', async () => {
    const report = await createFakeBackend().handlers['dataset.inspect']({ path: 'x' });
    const failures = [{ source: 'notes.txt', reason: 'is no data set' }];
    const handlers = { 'dataset.inspect': async () => ({ ...report, format: null, failures }) };
    expect(await cli(['import', 'tiny'], { handlers })).toBe(1);
    expect(stderr).toContain('notes.txt: is no data set');
    expect(requestsOf('dataset.import')).toEqual([]);
  });

  it('is cancelled by Ctrl-C', async () => {
    const result = cli(['import', 'tiny']);
    await until(() => requestsOf('job.list').length > 0);
    interrupt();
    await until(() => requestsOf('job.cancel').length > 0);
    expect(requestsOf('job.cancel')).toEqual([{ jobId: sample.job.jobId }]);
    backend.emit('job.changed', { ...sample.job, state: 'cancelled' });
    expect(await result).toBe(130);
    expect(aborted).toBe(false);
  });

  it('downloads CIFAR-10 too, and nothing else', async () => {
    expect(await cli(['download', 'cifar10'], { handlers: ended(done) })).toBe(0);
    expect(requestsOf('dataset.download')).toEqual([{ projectId, source: 'cifar10' }]);
    expect(await cli(['download', 'imagenet'])).toBe(2);
  });

  it('draws a sample set, the usual one unless told', async () => {
    expect(await cli(['sample'], { handlers: ended(done) })).toBe(0);
    const args = ['sample', '--world', 'countryside', '--train', '7', '--val', '3', '--seed', '5'];
    expect(await cli(args, { handlers: ended(done) })).toBe(0);
    const set = { world: 'countryside', trainImages: 7, valImages: 3, seed: 5 };
    expect(requestsOf('dataset.importSample')).toEqual([{ projectId, set }]);
    expect(await cli(['sample', '--world', 'moon'])).toBe(2);
  });
});

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
    'run.get': async () => ({ summary: running, config: sample.config, folder: '/runs/first' }),
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
    const handlers = { 'run.get': async () => ({ summary: failed, config: sample.config, folder: '' }) };
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

describe('reports', () => {
  it('lists runs', async () => {
    expect(await cli(['runs'])).toBe(0);
    const [header, row] = stdout.split('\n');
    expect(header?.split(/ {2,}/)).toEqual([
      'id',
      'run',
      'status',
      'model',
      'data set',
      'epochs',
      'metric',
      'last',
      'best',
      'time',
    ]);
    expect(row?.trim().split(/ {2,}/)).toEqual([
      '7',
      'first',
      'finished',
      'lenet5',
      'Tiny',
      '3/3',
      'Test accuracy',
      '0.6000',
      '0.6125',
      '1 min',
    ]);
  });

  it('evaluates a run: metrics, wrong images, confusion by class name', async () => {
    expect(await cli(['evaluate', '7'])).toBe(0);
    expect(stdout).toMatch(/Test accuracy +0\.6000 +0\.6125 +2\n/);
    expect(stdout).toContain('Epoch 3: 8 of 20 images are wrong.');
    expect(stdout).toMatch(/cat +7 +3 +0\.700\ndog +5 +5 +0\.500\n/);
    await cli(['evaluate', 'first', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      epoch: 3,
      images: 20,
      wrong: 8,
      confusion: {
        counts: [
          [7, 3],
          [5, 5],
        ],
      },
    });
  });

  it('shows no recall for a class without images', async () => {
    const confusion = {
      classes: [
        { name: 'cat', categoryId: null },
        { name: 'dog', categoryId: null },
      ],
      unit: 'images' as const,
      counts: [
        [0, 0],
        [0, 4],
      ],
    };
    await cli(['evaluate', '7'], { handlers: { 'run.confusion': async () => confusion } });
    expect(stdout).toMatch(/cat +0 +0 +–\ndog +0 +4 +1\.000\n/);
  });

  it('compares runs with the difference from the first', async () => {
    const second = { ...sample.run, runId: 8 as RunId, name: 'second' };
    expect(await cli(['compare', 'first', '8'], { handlers: { 'run.list': async () => [sample.run, second] } })).toBe(
      0,
    );
    expect(requestsOf('run.compare')).toEqual([{ projectId, runIds: [7, 8] }]);
    expect(stdout).toMatch(/Test accuracy, final +0\.6000 +0\.6500 +\+0\.05000\n/);
    expect(stdout).toMatch(/Batch norm +off +on\n/);
    expect(await cli(['compare', 'first'])).toBe(2);
  });

  it.each([
    ['9', 1, 'There is no run "9" in this project. There are: 7 first.'],
    ['same', 2, 'Several runs are named "same". Give the number: 1, 2.'],
  ])('says which run "%s" could be', async (wanted, exitCode, message) => {
    const same = [1, 2].map((id) => ({ ...sample.run, runId: id as RunId, name: 'same' }));
    const handlers: Partial<Handlers> = wanted === 'same' ? { 'run.list': async () => same } : {};
    expect(await cli(['evaluate', wanted], { handlers })).toBe(exitCode);
    expect(stderr).toContain(message);
  });
});

describe('export', () => {
  const answered = (file: string) => ({
    file,
    sizeBytes: 12_345,
    check: { images: 4, worst: 2e-7, tolerance: 1e-4, decisions: 0, different: 0, ok: true },
  });
  const handler = () => vi.fn<Handlers['run.export']>(async ({ file }) => answered(file));

  it('writes the best checkpoint as the kind of file that its name says', async () => {
    const exportRun = handler();
    expect(await cli(['export', '7', '-o', '../out.onnx'], { handlers: { 'run.export': exportRun } })).toBe(0);
    const file = join(folder, 'out.onnx');
    expect(exportRun).toHaveBeenCalledWith({
      projectId,
      runId: 7,
      checkpoint: 'best',
      form: { format: 'onnx', decisions: false, batchSize: 1 },
      file,
      overwrite: false,
    });
    expect(stdout).toContain(`${file} (13 kB)`);
    expect(stdout).toContain("Checked on 4 images against the app's own results: off by 2.0e-7 of the largest number.");
  });

  it('exports weights in half precision, and a model with decisions', async () => {
    const exportRun = handler();
    const handlers = { 'run.export': exportRun };
    await cli(['export', '7', '--checkpoint', 'last', '-o', 'w.safetensors', '--half', '--force'], { handlers });
    await cli(['export', '7', '-o', 'w.onnx', '--decisions'], { handlers });
    expect(exportRun.mock.calls.map(([{ checkpoint, form, overwrite }]) => [checkpoint, form, overwrite])).toEqual([
      ['last', { format: 'safetensors', precision: 'float16' }, true],
      ['best', { format: 'onnx', decisions: true, batchSize: 1 }, false],
    ]);
  });

  it('says what to do where a file is in the way, and refuses what does not go together', async () => {
    const inTheWay: Partial<Handlers> = {
      'run.export': async () => {
        throw new FoveaError('already-exists', 'It is there already.');
      },
    };
    expect(await cli(['export', '7', '-o', 'a.onnx'], { handlers: inTheWay })).toBe(1);
    expect(stderr).toContain('It is there already. Overwrite it with --force.');
    expect(await cli(['export', '7', '-o', 'a.onnx', '--half'])).toBe(2);
    expect(await cli(['export', '7', '--checkpoint', 'first', '-o', 'a.onnx'])).toBe(2);
    expect(await cli(['export', '7'])).toBe(2);
  });
});

describe('predict', () => {
  const said = {
    ...{ run: 'first', checkpoint: 'best', epoch: 3, task: 'detection', classes: ['car', 'sign'] },
    images: [
      {
        ...{ file: '/p/a.jpg', widthPx: 8, heightPx: 8 },
        said: { kind: 'boxes', boxes: [1, 0, 1].map((category) => ({ category, score: 0.5, bboxXyxy: [0, 0, 4, 4] })) },
      },
      { file: '/p/b.jpg', widthPx: 8, heightPx: 8, said: { kind: 'boxes', boxes: [] } },
    ],
    failures: [{ file: '/p/c.jpg', reason: 'The file is empty.' }],
  };

  it('has files and folders looked at, and says what was said of them', async () => {
    const output = join(folder, 'said.json');
    const predictRun = vi.fn<Handlers['run.predict']>(async () => {
      writeFileSync(output, JSON.stringify(said));
      return { ...sample.job, state: 'done' };
    });
    const args = ['predict', '7', '../photos', '/p/x.jpg', '--confidence', '0.4', '-o', '../said.json'];
    expect(await cli(args, { handlers: { 'run.predict': predictRun } })).toBe(0);
    expect(predictRun).toHaveBeenCalledWith({
      ...{ projectId, runId: 7, checkpoint: 'best', scoreThreshold: 0.4, output, overwrite: false },
      paths: [join(folder, 'photos'), '/p/x.jpg'],
    });
    expect(stdout).toBe(`/p/a.jpg: sign × 2, car × 1\n/p/b.jpg: nothing\n${output}\n`);
    expect(stderr).toContain('Left out: /p/c.jpg: The file is empty.');
  });

  it('ends as its job ends, and refuses a confidence that is none', async () => {
    const failing: Partial<Handlers> = {
      'run.predict': async () => ({ ...sample.job, state: 'failed', error: { code: 'io', message: 'No room.' } }),
    };
    expect(await cli(['predict', '7', 'a.jpg', '-o', 'a.json'], { handlers: failing })).toBe(1);
    expect(stderr).toContain('No room.');
    expect(await cli(['predict', '7', 'a.jpg', '-o', 'a.json', '--confidence', '2'])).toBe(2);
    expect(await cli(['predict', '7', '-o', 'a.json'])).toBe(2);
  });
});

it('artifacts go into a folder that is counted up', async () => {
  const write = vi.fn<Handlers['run.artifacts']>(async () => ({ folder: '/runs/detect/first2' }));
  expect(await cli(['artifacts', '7', '-o', '/runs'], { handlers: { 'run.artifacts': write } })).toBe(0);
  expect(write).toHaveBeenCalledWith({ projectId, runId: 7, folder: '/runs' });
  expect(stdout).toBe('/runs/detect/first2\n');
});

describe('the command itself', () => {
  it('opens no backend for help, for the version and for a wrong command', async () => {
    for (const [args, exitCode] of [
      [['--help'], 0],
      [['--version'], 0],
      [['destroy'], 2],
      [['train', '--colour', 'red'], 2],
    ] as const) {
      const open = vi.fn(() => createFakeBackend());
      const io = {
        stdout: { write: () => {} },
        stderr: { write: () => {} },
        cwd: '/',
        onInterrupt: () => () => {},
        abort: () => {},
      };
      expect(await runCli(args, io, { openBackend: open, launchTask: tasks.launch }), args.join(' ')).toBe(exitCode);
      expect(open).not.toHaveBeenCalled();
    }
  });

  it('closes the backend also after an error, and prints the error in one line', async () => {
    const handlers = { 'run.list': () => Promise.reject(new FoveaError('io', 'The disk is full.')) };
    expect(await cli(['runs'], { handlers })).toBe(1);
    expect(stderr).toBe('fovea: The disk is full.\n');
    expect(backend.closed).toBe(true);
  });
});

it('warns before a run that does not fit into memory, and starts it all the same', async () => {
  const handlers: Partial<Handlers> = {
    'run.start': async () => sample.run,
    'run.get': async () => ({ summary: sample.run, config: sample.config, folder: '/run' }),
    'run.estimate': async () => ({
      peakBytes: 9e9,
      machineBytes: 8e9,
      freeBytes: 6e9,
      fits: false,
      parts: [],
      suggestion: null,
      summary: 'About 9.0 GB at its peak, which is more than this machine can give.',
    }),
  };
  expect(await cli(['train'], { handlers })).toBe(0);
  expect(stderr).toContain('warning: About 9.0 GB at its peak, which is more than this machine can give.\n');
  expect(requestsOf('run.start')).toHaveLength(1);
});

describe('the engine’s tools', () => {
  it('write a graph as a file and as text, without a backend', async () => {
    tasks = fakeTasks((task, child) => {
      child.say({ kind: 'done', answer: { model: Uint8Array.of(8, 9), text: `graph ${task.name}` } });
      child.exit(0);
    });
    const output = join(folder, 'step.onnx');
    expect(await cli(['dump-graph', 'yolov8n', '--batch', '2', '--size', '64', '--stage', 'built', '-o', output])).toBe(
      0,
    );
    expect(tasks.started).toEqual([
      { name: 'dump-graph', request: { network: 'yolov8n', batchSize: 2, side: 64, stage: 'built' } },
    ]);
    expect([...readFileSync(output)]).toEqual([8, 9]);
    expect(readFileSync(join(folder, 'step.txt'), 'utf8')).toBe('graph dump-graph\n');
    expect(stdout).toBe(`${output}\n${join(folder, 'step.txt')}\n`);
    expect(backend.requests).toEqual([]);
  });

  it('print where the time of a step goes', async () => {
    const layers = [
      { name: 'conv1', milliseconds: 3, nodes: 2 },
      { name: 'fc1 (gradient)', milliseconds: 1, nodes: 4 },
    ];
    tasks = fakeTasks((_, child) => {
      child.say({
        kind: 'done',
        answer: { stepMs: 4, layers, opTypes: [{ name: 'Conv', milliseconds: 4, nodes: 6 }] },
      });
      child.exit(0);
    });
    expect(await cli(['profile', 'lenet5', '--steps', '3'])).toBe(0);
    expect(tasks.started).toEqual([
      { name: 'profile-step', request: { network: 'lenet5', batchSize: null, side: null, device: 'cpu', steps: 3 } },
    ]);
    expect(stdout).toMatch(/4\.00 ms in nodes a step/);
    expect(stdout).toMatch(/conv1 +3\.000 +75\.0 % +2/);
    expect(stdout).toMatch(/fc1 \(gradient\) +1\.000 +25\.0 % +4/);
  });

  it('say in one line what is wrong', async () => {
    tasks = fakeTasks((_, child) => {
      child.say({ kind: 'failed', error: { code: 'not-found', message: 'There is no network "x".', context: {} } });
      child.exit(0);
    });
    expect(await cli(['profile', 'x'])).toBe(1);
    expect(stderr).toBe('fovea: There is no network "x".\n');
    expect(await cli(['profile', 'lenet5', '--steps', '0'])).toBe(2);
  });
});

it('lists the devices, and what to install for those that do not work', async () => {
  const handlers: Partial<Handlers> = {
    'device.list': async () => [
      { id: 'cpu', label: 'CPU', available: true, probed: true, reason: null, providerError: null },
      {
        id: 'webgpu',
        label: 'GPU',
        available: false,
        probed: true,
        reason: 'Install it.',
        providerError: 'No adapter',
      },
    ],
  };
  expect(await cli(['devices'], { handlers })).toBe(0);
  expect(requestsOf('device.list')).toEqual([{ probe: true }]);
  expect(stdout).toMatch(/cpu +CPU +works/);
  expect(stdout).toContain('webgpu: Install it.\n  It says: No adapter\n');
});

const published: CatalogueState = {
  id: 'ours',
  label: 'Our weights',
  publisher: 'us',
  trainedOn: 'nothing',
  url: 'https://example.org/ours.pth',
  fileName: 'ours.pth',
  sizeBytes: 2_000_000,
  sha256Prefix: '01234567',
  licence: { name: 'AGPL-3.0', consequence: 'What follows from it.', restrictive: true },
  padding: 'symmetric',
  scaling: 'imagenet',
  normEpsilon: null,
  networks: ['lenet5'],
  path: null,
  suits: true,
};

describe('weights', () => {
  it('are listed with their licences', async () => {
    expect(await cli(['weights', 'list'], { handlers: { 'weights.catalogue': async () => [published] } })).toBe(0);
    expect(stdout).toMatch(/ours +Our weights +us +2 MB +AGPL-3\.0/);
  });

  it('are downloaded after what follows from their licence was said', async () => {
    const here = { ...published, path: '/weights/ours.pth' };
    const done: Job = { ...sample.job, state: 'done' };
    const handlers: Partial<Handlers> = {
      'weights.catalogue': async () => [here],
      'weights.download': async () => done,
      'job.list': async () => [done],
    };
    expect(await cli(['weights', 'download', 'ours'], { handlers })).toBe(0);
    expect(stderr).toContain('Our weights by us, 2 MB, AGPL-3.0.\nWhat follows from it.\n');
    expect(stdout).toBe('/weights/ours.pth\n');
    expect(await cli(['weights', 'download', 'theirs'], { handlers })).toBe(1);
    expect(stderr).toContain('There are no weights "theirs" in the catalogue.');
  });

  it('are looked into', async () => {
    expect(await cli(['weights', 'inspect', '/models/net.pth'])).toBe(0);
    expect(requestsOf('weights.inspect')).toEqual([{ path: '/models/net.pth' }]);
    expect(stdout).toContain('1 tensors with 450 numbers');
    expect(stdout).toMatch(/conv1\.weight +float32 +6 × 3 × 5 × 5/);
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Handlers } from '../../../src-main/contract/ipc.ts';
import type { DatasetId, PresetId } from '../../../src-main/contract/model/ids.ts';
import type { Knob } from '../../../src-main/contract/model/model-spec.ts';
import type { Preset, Task } from '../../../src-main/contract/model/run.ts';
import { recipes } from '../../../src-renderer/state/phases.ts';
import { PresetList } from '../../../src-renderer/state/preset-list.svelte.ts';
import { TrainForm } from '../../../src-renderer/state/train-form.svelte.ts';
import { createFakeApi } from './fake-api.ts';
import { createFakeBackend, sample } from '../../helpers/fake-backend.ts';

const { dataset, config } = sample;

const knob = (path: string, control: Knob['control'], defaultValue: Knob['defaultValue']): Knob => ({
  path,
  label: `label of ${path}`,
  explanation: '',
  group: 'plan',
  control,
  defaultValue,
});
const epochs = knob('phases.0.epochs', { kind: 'integer', min: 1, max: 100 }, 3);
const optimiser = knob('phases.0.optimiser.kind', { kind: 'choice', options: [] }, 'adam');
const momentum = knob('phases.0.optimiser.momentum', { kind: 'number', min: 0, max: 1 }, 0.8);
const batchNorm = knob('model.options.batchNorm', { kind: 'boolean' }, false);
const knobs = [epochs, optimiser, momentum, batchNorm];

function newForm(backend: ReturnType<typeof createFakeBackend>): TrainForm {
  const api = createFakeApi(backend);
  const { projectId } = sample.project;
  return new TrainForm(api, projectId, new PresetList(api, projectId));
}

async function open(overrides: Partial<Handlers> = {}) {
  const backend = createFakeBackend({ 'run.template': async () => ({ knobs, config }), ...overrides });
  const form = newForm(backend);
  await form.choose(dataset, 'lenet5');
  await vi.advanceTimersByTimeAsync(1000);
  const asked = (name: string) => backend.requests.filter((request) => request.name === name);
  return { form, asked, backend };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('TrainForm', () => {
  it('begins with the defaults, checked and described', async () => {
    const { form, asked } = await open();
    expect(form.config).toEqual(config);
    expect(form.changedPaths).toEqual([]);
    expect(form.blockedBecause).toBeNull();
    expect(form.description?.parameterCount).toBe(62_006);
    expect(asked('model.describe')[0]?.request).toEqual({
      modelId: 'lenet5',
      options: config.model.options,
      inputShape: [3, 32, 32],
      categoryCount: 2,
      freeze: [],
    });
  });

  it('shows knobs that mean something for the chosen variant, and brings their defaults along', async () => {
    const { form } = await open();
    expect(form.shownKnobs).not.toContain(momentum);
    form.set(optimiser.path, 'sgd');
    expect(form.shownKnobs).toContain(momentum);
    expect(form.value(momentum.path)).toBe(0.8);
    expect(form.changedPaths).toEqual([optimiser.path]);
    form.reset(optimiser);
    expect(form.config).toEqual(config);
  });

  describe('of data that were just chosen', () => {
    const model = (id: string, task: Task) => ({ id, label: id, task, description: '', source: '' });
    const models = [model('lenet5', 'classification'), model('unet', 'segmentation'), model('yolov8', 'detection')];
    const preset = (id: number, modelId: string, task: Task, datasetId = dataset.datasetId): Preset => ({
      presetId: id as PresetId,
      name: `preset ${id}`,
      config: { ...config, task, model: { id: modelId, options: {} }, seed: id, data: { ...config.data, datasetId } },
      createdAt: '2026-01-02T03:04:05.000Z',
    });
    const beginning = (presets: () => Promise<Preset[]>, templateRead = () => Promise.resolve()) => {
      const backend = createFakeBackend({
        'run.template': async ({ modelId }) => {
          await templateRead();
          return { knobs, config: { ...config, model: { id: modelId, options: {} } } };
        },
        'run.labels': async () => ({
          ...{ images: 1, imageArea: 1024, classes: [] },
          kinds: [{ kind: 'mask' as const, count: 9 }],
        }),
        'preset.list': presets,
      });
      const form = newForm(backend);
      return { form, choose: () => form.chooseData(dataset, models) };
    };
    const begun = async (presets: () => Promise<Preset[]>) => {
      const { form, choose } = beginning(presets);
      return { form, used: await choose() };
    };

    it('begins as the preset that was kept last for them and can be learned from their labels', async () => {
      const { form, used } = await begun(async () => [
        preset(3, 'yolov8', 'detection'),
        preset(2, 'yolov8', 'detection'),
        preset(4, 'lenet5', 'classification'),
        preset(5, 'yolov8', 'detection', 99 as DatasetId),
        preset(6, 'gone', 'detection'),
      ]);
      expect([used?.name, form.modelId, form.config?.seed]).toEqual(['preset 3', 'yolov8', 3]);
      form.resetAll();
      expect([form.modelId, form.config?.seed]).toEqual(['yolov8', config.seed]);
    });

    it('begins with the model that the labels fit best where no preset is for them, or none can be read', async () => {
      const elsewhere = await begun(async () => [preset(5, 'yolov8', 'detection', 99 as DatasetId)]);
      const unread = await begun(() => Promise.reject(new Error('locked')));
      for (const { form, used } of [elsewhere, unread]) expect([used, form.modelId]).toEqual([null, 'unet']);
    });

    it('begins as the preset where the list of data sets changes while it is being read', async () => {
      const template = Promise.withResolvers<void>();
      const { form, choose } = beginning(
        async () => [preset(3, 'yolov8', 'detection')],
        () => template.promise,
      );
      const first = choose();
      await vi.waitFor(() => expect(form.modelId).toBe('yolov8'));
      const second = choose();
      template.resolve();
      expect(await first).toBeNull();
      expect((await second)?.name).toBe('preset 3');
      expect(form.config?.seed).toBe(3);
    });

    it('keeps a model that they suit, preset or not', async () => {
      const datasetId = 99 as DatasetId;
      const { form } = await begun(async () => [preset(5, 'yolov8', 'detection', datasetId)]);
      form.set(epochs.path, 31);
      expect(await form.chooseData({ ...dataset, datasetId }, models)).toBeNull();
      expect(form.config).toMatchObject({ model: { id: 'unet' }, phases: [{ epochs: 31 }], data: { datasetId } });
    });
  });

  it('goes on with the plan where the data set has been split anew, on the splits that are usual now', async () => {
    const template = { knobs, config };
    const { form } = await open({ 'run.template': async () => template });
    form.set(epochs.path, 9);
    form.setFreeze(0, ['conv1']);
    await form.renew({ ...dataset });
    expect(form.canUndo).toBe(true); // nothing was different
    template.config = { ...config, data: { ...config.data, evaluationSplit: 'val' } };
    const splitCounts = { ...dataset.splitCounts, val: 10, test: 0 };
    await form.renew({ ...dataset, splitCounts });
    expect(form.dataset?.splitCounts).toEqual(splitCounts);
    expect(form.config?.data.evaluationSplit).toBe('val');
    expect(form.phases).toMatchObject([{ epochs: 9, freeze: ['conv1'] }]);
  });

  it('keeps what is changed while the data set is read anew', async () => {
    const { form } = await open();
    const renewing = form.renew({ ...dataset, splitCounts: { ...dataset.splitCounts, val: 10 } });
    form.set(epochs.path, 12);
    await renewing;
    expect(form.value(epochs.path)).toBe(12);
  });

  it('takes a configuration from elsewhere for its own data, as one step that can be undone', async () => {
    const { form } = await open();
    const from = { ...config, seed: 77, data: { ...config.data, datasetId: 99 as DatasetId } };
    const back = await form.take({ ...from, phases: [...from.phases, ...from.phases] });
    expect(form.config).toMatchObject({ seed: 77, data: { datasetId: dataset.datasetId } });
    expect(form.phaseKeys.length).toBe(2);
    form.undo();
    expect(form.config).toEqual(config);
    form.redo();
    await back?.();
    expect(form.config).toEqual(config);
  });

  it('takes one of another model with its own settings to choose from, and gives the old one back', async () => {
    const { form, asked } = await open();
    form.set(epochs.path, 9);
    const back = await form.take({ ...config, model: { id: 'resnet18', options: {} } });
    expect([form.modelId, form.config?.model.id]).toEqual(['resnet18', 'resnet18']);
    expect(asked('run.template').at(-1)?.request).toMatchObject({ modelId: 'resnet18' });
    await back?.();
    expect([form.modelId, form.value(epochs.path)]).toEqual(['lenet5', 9]);
  });

  it('says of one whose model could not be had that it was not taken', async () => {
    const { form } = await open({
      'run.template': async ({ modelId }) => {
        if (modelId === 'gone') throw new Error('not found');
        return { knobs, config };
      },
    });
    expect(await form.take({ ...config, model: { id: 'gone', options: {} } })).toBeNull();
    expect(form.error).toMatchObject({ message: 'not found' });
    expect(form.config).toEqual(config);
  });

  it('asks once when the plan rests, not at every key', async () => {
    const { form, asked } = await open();
    const before = asked('run.check').length;
    for (const value of [4, 40, 41]) form.set(epochs.path, value);
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked('run.check').length).toBe(before + 1);
    expect(asked('run.check').at(-1)?.request).toMatchObject({ config: { phases: [{ epochs: 41 }] } });
  });

  it('cannot start while a field holds a text that is no value', async () => {
    const { form } = await open();
    const field = {};
    form.report(field, 'Epochs: Enter a whole number.');
    expect(form.incomplete).toBe(true);
    expect(form.blockedBecause).toBe('Epochs: Enter a whole number.');
    form.report(field, null);
    expect(form.blockedBecause).toBeNull();
  });

  it('puts findings beside their settings, the others with the data, and lets only errors block', async () => {
    const { form } = await open({
      'run.check': async () => [
        { severity: 'warning', message: 'Long.', path: epochs.path },
        { severity: 'error', message: 'No images.', path: 'data.trainSplit' },
      ],
    });
    expect(form.checksAt(epochs.path).map((check) => check.message)).toEqual(['Long.']);
    expect(form.generalChecks.map((check) => check.message)).toEqual(['No images.']);
    expect(form.blockedBecause).toBe('No images.');
  });

  it('starts from weights, makes twins that differ in them alone, and keeps them with the model', async () => {
    const finding = { severity: 'note' as const, message: 'All tensors will be loaded.', path: 'weights' };
    const { form } = await open({ 'run.check': async () => [finding] });
    const weights = { source: 'catalogue', id: 'ours' } as const;
    form.setWeights(weights);
    const [scratch, pretrained] = form.weightTwins();
    expect(pretrained).toEqual({ ...scratch, weights });
    expect(scratch.weights).toBeNull();
    await vi.advanceTimersByTimeAsync(1000);
    expect(form.checksAt('weights')).toEqual([finding]);
    expect(form.generalChecks).toEqual([]);
    await form.choose(dataset, 'lenet5');
    expect(form.config?.weights).toEqual(weights);
    form.setWeights(null);
    form.undo();
    expect(form.config?.weights).toEqual(weights);
    await form.choose(dataset, 'resnet18');
    expect(form.config?.weights).toBeNull();
  });

  it('makes twins that differ in the switch alone', async () => {
    const { form } = await open();
    form.set(epochs.path, 9);
    const [off, on] = form.twins(batchNorm.path);
    expect([off.model.options['batchNorm'], on.model.options['batchNorm']]).toEqual([false, true]);
    expect({ ...on, model: off.model }).toEqual(off);
    expect(off.phases[0]!.epochs).toBe(9);
  });

  it('keeps changed values for another data set of the same model, and takes all of them from a cloned run', async () => {
    const { form } = await open();
    form.set(epochs.path, 9);
    await form.choose({ ...dataset, datasetId: 2 as DatasetId }, 'lenet5');
    expect(form.value(epochs.path)).toBe(9);
    await form.choose(dataset, 'lenet5', { ...config, seed: 77 });
    expect(form.config).toEqual({ ...config, seed: 77 });
  });

  it('keeps the phases for another data set, and forgets them for another model', async () => {
    const { form } = await open();
    form.addPhase();
    await form.choose({ ...dataset, datasetId: 2 as DatasetId }, 'lenet5');
    expect(form.phases).toHaveLength(2);
    await form.choose(dataset, 'another');
    expect(form.phases).toHaveLength(1);
  });

  it('drops an answer about a plan that has changed since', async () => {
    const answers: ((messages: string[]) => void)[] = [];
    const { form } = await open({
      'run.check': () =>
        new Promise((resolve) =>
          answers.push((messages) => resolve(messages.map((message) => ({ severity: 'error' as const, message })))),
        ),
    });
    form.set(epochs.path, 5);
    await vi.advanceTimersByTimeAsync(1000);
    answers[1]!(['about the new plan']);
    answers[0]!(['about the old plan']);
    await vi.advanceTimersByTimeAsync(0);
    expect(form.checks?.map((check) => check.message)).toEqual(['about the new plan']);
  });
});

describe('phases of a plan', () => {
  it('have the knobs of the first, each under its own path and with its own defaults', async () => {
    const { form } = await open();
    form.addPhase();
    form.set('phases.1.optimiser.kind', 'sgd');
    expect(form.value('phases.1.optimiser.momentum')).toBe(0.8);
    expect(form.knobsOfPhase(1).map(({ path }) => path)).toEqual([
      'phases.1.epochs',
      'phases.1.optimiser.kind',
      'phases.1.optimiser.momentum',
    ]);
    expect(form.knobsOfRun).toEqual([batchNorm]);
    expect(form.nameOf(form.knobsOfPhase(1)[0]!)).toBe('Phase 2: label of phases.0.epochs');
    expect(form.changeCount).toBe(1);
  });

  it('are added after the last, opened, moved with their keys, duplicated and removed', async () => {
    const { form } = await open();
    form.set(epochs.path, 1);
    form.addPhase();
    form.set('phases.1.epochs', 2);
    const [first, second] = form.phaseKeys;
    expect(form.openPhase).toBe(second);
    form.movePhase(0, 1);
    expect(form.phases.map((phase) => phase.epochs)).toEqual([2, 1]);
    expect(form.phaseKeys).toEqual([second, first]);
    form.duplicatePhase(0);
    expect(form.phases.map((phase) => phase.epochs)).toEqual([2, 2, 1]);
    expect(new Set(form.phaseKeys).size).toBe(3);
    form.removePhase(1);
    form.removePhase(1);
    expect(form.phases.map((phase) => phase.epochs)).toEqual([2]);
    form.removePhase(0);
    expect(form.phases).toHaveLength(1);
  });

  it('are undone and redone step by step, a number that is typed as one step', async () => {
    const { form } = await open();
    for (const value of [4, 40]) form.set(epochs.path, value, epochs.path);
    form.endGesture();
    form.set(epochs.path, 41, epochs.path);
    form.addPhase();
    form.undo();
    expect(form.phases).toHaveLength(1);
    form.undo();
    expect(form.value(epochs.path)).toBe(40);
    form.undo();
    expect(form.config).toEqual(config);
    expect(form.canUndo).toBe(false);
    for (let step = 0; step < 3; step++) form.redo();
    expect(form.phases.map((phase) => phase.epochs)).toEqual([41, 41]);
    expect(form.phaseKeys).toHaveLength(2);
    expect(form.canRedo).toBe(false);
  });

  it('go back to one with the defaults, which can be undone too', async () => {
    const { form } = await open();
    form.addPhase();
    form.setFreeze(0, ['conv1']);
    form.resetAll();
    expect(form.config).toEqual(config);
    form.undo();
    expect(form.phases[0]!.freeze).toEqual(['conv1']);
  });

  it('follow a recipe with the same epochs in all', async () => {
    const { form } = await open();
    form.set(epochs.path, 20);
    form.follow(recipes.find(({ label }) => label === 'Freeze, then unfreeze')!);
    expect(form.phases.map((phase) => phase.epochs)).toEqual([5, 15]);
    expect(form.phases[1]!.freeze).toEqual([]);
    expect(form.openPhase).toBe(form.phaseKeys[0]);
  });

  it('show the heaviest finding about each, and keep those about freezing from the general ones', async () => {
    const { form } = await open({
      'run.check': async () => [
        { severity: 'error', message: 'No layer.', path: 'phases.1.freeze' },
        { severity: 'note', message: 'Long.', path: 'phases.0.epochs' },
      ],
    });
    form.addPhase();
    expect(form.worstOfPhase(1)?.message).toBe('No layer.');
    expect(form.worstOfPhase(0)).toBeNull();
    expect(form.generalChecks).toEqual([]);
  });
});

describe('what the services are asked', () => {
  it('about memory only when something that needs memory is different', async () => {
    const { form, asked } = await open();
    expect(asked('run.estimate')).toHaveLength(1);
    form.set(epochs.path, 9);
    await vi.advanceTimersByTimeAsync(2000);
    expect(asked('run.estimate')).toHaveLength(1);
    form.setMicroBatches(16, 4);
    expect(form.config).toMatchObject({ batchSize: 16, accumulation: 4 });
    await vi.advanceTimersByTimeAsync(2000);
    expect(asked('run.estimate')).toHaveLength(2);
    expect(form.memory.answer?.peakBytes).toBe(4e8);
  });

  it('and where the memory is too small, that is among the findings, but stops nobody', async () => {
    const { backend } = await open();
    const estimate = await backend.handlers['run.estimate']({ projectId: sample.project.projectId, config });
    const { form } = await open({ 'run.estimate': async () => ({ ...estimate, fits: false }) });
    expect(form.generalChecks.map(({ severity }) => severity)).toEqual(['warning']);
    expect(form.blockedBecause).toBeNull();
  });

  it('and where micro-batches fit, the plan takes them, once', async () => {
    const { backend } = await open();
    const estimate = await backend.handlers['run.estimate']({ projectId: sample.project.projectId, config });
    const suggestion = { batchSize: 16, accumulation: 4, peakBytes: 3e9, sentence: '' };
    const { form } = await open({
      'run.estimate': async ({ config: { batchSize } }) =>
        batchSize > 16 ? { ...estimate, fits: false, peakBytes: 9e9, suggestion } : { ...estimate, fits: true },
    });
    const whole = { batchSize: 64, accumulation: 1 };
    expect(form.config).toMatchObject({ batchSize: 16, accumulation: 4 });
    expect(form.fitted).toEqual({ planned: whole, chosen: { batchSize: 16, accumulation: 4 }, neededBytes: 9e9 });
    form.takeWholeBatches();
    await vi.advanceTimersByTimeAsync(2000);
    expect(form.config).toMatchObject(whole);
    expect(form.fitted).toBeNull();
    expect(form.memory.answer?.suggestion).toEqual(suggestion);
    form.undo();
    expect(form.fitted).not.toBeNull();
    form.undo();
    form.undo();
    await vi.advanceTimersByTimeAsync(2000);
    expect(form.config).toEqual(config);
    // Another network is another plan.
    form.set(batchNorm.path, true);
    await vi.advanceTimersByTimeAsync(2000);
    expect(form.config).toMatchObject({ batchSize: 16, accumulation: 4 });
  });

  it('about the layers of another encoder, of which as much is frozen, in one step', async () => {
    const names = (batchNorm: unknown) => (batchNorm === true ? ['stem', 'blocks', 'end'] : ['a', 'b', 'c']);
    const { form } = await open({
      'model.describe': async ({ options }) => ({
        ...{ parameterCount: 3, trainableCount: 3 },
        layers: names(options['batchNorm']).map((name) => ({
          ...{ path: `encoder.${name}`, kind: 'conv2d', settings: '', inputShapes: [], outputShape: [], formula: null },
          ...{ parameterCount: 1, trainableCount: 1 },
        })),
      }),
    });
    form.setFreeze(0, ['encoder.a', 'encoder.b']);
    form.set(batchNorm.path, true);
    form.endGesture();
    await vi.advanceTimersByTimeAsync(1000);
    expect(form.phases[0]?.freeze).toEqual(['encoder.stem', 'encoder.blocks']);
    form.undo();
    expect(form.value(batchNorm.path)).toBe(false);
    expect(form.phases[0]?.freeze).toEqual(['encoder.a', 'encoder.b']);
  });

  it('about the layers only when the network is different, with nothing frozen', async () => {
    const { form, asked } = await open();
    form.setFreeze(0, ['conv1']);
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked('model.describe')).toHaveLength(1);
    form.set(batchNorm.path, true);
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked('model.describe').map(({ request }) => (request as { freeze: string[] }).freeze)).toEqual([[], []]);
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Handlers } from '../../../src-main/contract/ipc.ts';
import type { DatasetId } from '../../../src-main/contract/model/ids.ts';
import type { Knob } from '../../../src-main/contract/model/model-spec.ts';
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

async function open(overrides: Partial<Handlers> = {}) {
  const backend = createFakeBackend({ 'run.template': async () => ({ knobs, config }), ...overrides });
  const form = new TrainForm(createFakeApi(backend), sample.project.projectId);
  await form.choose(dataset, 'lenet5');
  await vi.advanceTimersByTimeAsync(1000);
  const asked = (name: string) => backend.requests.filter((request) => request.name === name);
  return { form, asked };
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

  it('asks once when the plan rests, not at every key', async () => {
    const { form, asked } = await open();
    const before = asked('run.check').length;
    for (const value of [4, 40, 41]) form.set(epochs.path, value);
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked('run.check').length).toBe(before + 1);
    expect(asked('run.check').at(-1)?.request).toMatchObject({ config: { phases: [{ epochs: 41 }] } });
  });

  it('cannot start while a text is no value, and names the setting', async () => {
    const { form } = await open();
    form.setProblem(epochs.path, 'Enter a whole number.');
    expect(form.blockedBecause).toBe('label of phases.0.epochs: Enter a whole number.');
    form.reset(epochs);
    expect(form.blockedBecause).toBeNull();
  });

  it('forgets what is wrong with a setting that the plan no longer has', async () => {
    const { form } = await open();
    form.set(optimiser.path, 'sgd');
    form.setProblem(momentum.path, 'At most 1.');
    expect(form.incomplete).toBe(true);
    form.set(optimiser.path, 'adam');
    expect(form.incomplete).toBe(false);
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

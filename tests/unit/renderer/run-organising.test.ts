/** The queue, presets and the search for runs, as state without a screen. */
import { describe, expect, it } from 'vitest';
import type { PresetId, ProjectId, RunId } from '../../../src-main/contract/model/ids.ts';
import type { RunSummary } from '../../../src-main/contract/model/run.ts';
import { sortRuns } from '../../../src-renderer/features/runs/run-sort.ts';
import { differencesText } from '../../../src-renderer/features/train/knob-text.ts';
import { settingsOf } from '../../../src-renderer/state/config-differences.ts';
import { PresetList } from '../../../src-renderer/state/preset-list.svelte.ts';
import { RunQueueState } from '../../../src-renderer/state/run-queue.svelte.ts';
import { findRuns, tagsOf } from '../../../src-renderer/state/run-search.ts';
import { fileNameOf } from '../../../src-renderer/ui/files.ts';
import { createFakeBackend, sample } from '../../helpers/fake-backend.ts';
import { createFakeApi } from './fake-api.ts';

const { projectId } = sample.project;
const elsewhere = crypto.randomUUID() as ProjectId;
const settled = () => new Promise<void>((resolve) => setTimeout(resolve));
const waits = (runId: number, of: ProjectId = projectId) => ({ projectId: of, runId: runId as RunId });

describe('the queue', () => {
  async function open() {
    const backend = createFakeBackend({
      'run.queue': async () => ({ paused: false, waiting: [waits(1), waits(9, elsewhere), waits(2), waits(3)] }),
      'run.pauseQueue': async ({ paused }) => ({ paused, waiting: [waits(1)] }),
    });
    const queue = new RunQueueState(createFakeApi(backend), projectId);
    const stop = queue.follow();
    await settled();
    return { backend, queue, stop };
  }

  it('shows the runs of its project in their order, and follows what is told', async () => {
    const { backend, queue, stop } = await open();
    expect(queue.waiting).toEqual([1, 2, 3]);
    backend.emit('run.queueChanged', { paused: true, waiting: [waits(3)] });
    expect([queue.waiting, queue.paused]).toEqual([[3], true]);
    stop();
    expect(backend.subscriberCount()).toBe(0);
  });

  it('puts a run before the one that will follow it, or at the end', async () => {
    const { backend, queue } = await open();
    const before = () => (backend.requests.at(-1)?.request as { before: unknown }).before;
    await queue.move(3 as RunId, 0);
    expect(before()).toEqual(waits(1));
    backend.emit('run.queueChanged', { paused: false, waiting: [waits(1), waits(2), waits(3)] });
    await queue.move(1 as RunId, 1);
    expect(before()).toEqual(waits(3));
    backend.emit('run.queueChanged', { paused: false, waiting: [waits(1), waits(2), waits(3)] });
    await queue.move(1 as RunId, 2);
    expect(before()).toBeNull();
  });

  it('is paused and goes on', async () => {
    const { queue } = await open();
    await queue.pause(true);
    expect(queue.paused).toBe(true);
  });
});

describe('presets', () => {
  const preset = (id: number, name: string, seed = 1) => ({
    presetId: id as PresetId,
    name,
    config: { ...sample.config, seed },
    createdAt: '2026-01-02T03:04:05.000Z',
  });

  it('stay sorted, and say which one a name replaces', async () => {
    const backend = createFakeBackend({
      'preset.list': async () => [preset(1, 'Long')],
      'preset.save': async ({ name, config }) => preset(name.toLowerCase() === 'long' ? 1 : 2, name, config.seed),
    });
    const presets = new PresetList(createFakeApi(backend), projectId);
    await presets.read();
    expect(await presets.save('a short one', sample.config)).toBeNull();
    expect(presets.byName(' LONG ')?.name).toBe('Long');
    const replaced = await presets.save('long', { ...sample.config, seed: 5 });
    expect(replaced?.config.seed).toBe(1);
    expect(presets.all?.map(({ name, config }) => [name, config.seed])).toEqual([
      ['a short one', 1],
      ['long', 5],
    ]);
    await presets.delete(presets.all![0]!);
    expect(presets.all?.map(({ name }) => name)).toEqual(['long']);
  });

  it('are summed up by what differs from the defaults', () => {
    const knob = (path: string, label: string, defaultValue: number | boolean) => ({
      path,
      label,
      explanation: '',
      group: 'plan' as const,
      control: { kind: 'integer' as const, min: 0, max: 9 },
      defaultValue,
    });
    const knobs = [
      knob('batchSize', 'Batch size', 32),
      knob('seed', 'Seed', 1),
      knob('accumulation', 'Accumulation', 2),
      knob('augmentation.flipHorizontal', 'Flip', true),
      knob('augmentation.shift', 'Shift', 4),
    ];
    const settings = settingsOf(sample.config, knobs);
    expect(settings.filter(({ changed }) => changed).map((setting) => setting.knob.path)).toEqual([
      'batchSize',
      'accumulation',
      'augmentation.flipHorizontal',
      'augmentation.shift',
    ]);
    expect(differencesText(settings)).toBe('Batch size 64, Accumulation 1, Flip 0 and 1 more');
    expect(differencesText(settingsOf(sample.config, knobs.slice(1, 2)))).toBe('All settings at their defaults');
  });

  it('have names that every system takes as a file', () => {
    expect(fileNameOf('Größe: 3/4 "x"', 'json')).toBe('Größe- 3-4 -x-.json');
    expect(fileNameOf('???', 'json')).toBe('-.json');
    expect(fileNameOf(' ', 'json')).toBe('fovea.json');
  });
});

describe('finding runs', () => {
  const run = (runId: number, changes: Partial<RunSummary>): RunSummary => ({
    ...sample.run,
    runId: runId as RunId,
    name: `run ${runId}`,
    ...changes,
  });
  const runs = [
    run(1, { tags: ['baseline', 'chapter 3'], pinned: true }),
    run(2, { notes: 'Overfits early', status: 'failed' }),
    run(3, { archived: true, tags: ['chapter 3'] }),
  ];
  const found = (search: string, archived = false) => findRuns(runs, search, archived).map(({ runId }) => runId);

  it('looks through names, tags and notes; every word must be there', () => {
    expect(found('')).toEqual([1, 2]);
    expect(found('overfits RUN')).toEqual([2]);
    expect(found('overfits baseline')).toEqual([]);
    expect(found('chapter')).toEqual([1]);
  });

  it('narrows down by tag, status and state, and leaves out with a minus', () => {
    expect(found('tag:base')).toEqual([1]);
    expect(found('tag:"chapter 3"')).toEqual([1]);
    expect(found('status:fail')).toEqual([2]);
    expect(found('is:pinned')).toEqual([1]);
    expect(found('-is:pinned')).toEqual([2]);
    expect(found('is:nonsense')).toEqual([]);
  });

  it('shows archived ones only when they are wanted', () => {
    expect(found('', true)).toEqual([1, 2, 3]);
    expect(found('is:archived')).toEqual([3]);
  });

  it('puts pinned runs first in whatever order', () => {
    const order = sortRuns(runs, { column: 'name', descending: true }).map(({ runId }) => runId);
    expect(order).toEqual([1, 3, 2]);
  });

  it('counts tags, the most used first', () => {
    expect(tagsOf(runs)).toEqual([
      { tag: 'chapter 3', count: 2 },
      { tag: 'baseline', count: 1 },
    ]);
  });
});

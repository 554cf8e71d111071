import { describe, expect, it } from 'vitest';
import type { CategoryId, RunId } from '../../../src-main/contract/model/ids.ts';
import { ChartView } from '../../../src-renderer/charts/chart-view.svelte.ts';
import { KernelView } from '../../../src-renderer/charts/kernel-view.svelte.ts';
import { CompareState } from '../../../src-renderer/state/compare-state.svelte.ts';
import { KernelLoader } from '../../../src-renderer/state/kernel-loader.svelte.ts';
import { PredictionBrowser } from '../../../src-renderer/state/prediction-browser.svelte.ts';
import { createFakeApi } from './fake-api.ts';
import { createFakeBackend, sample } from '../../helpers/fake-backend.ts';

const { projectId } = sample.project;
const { runId } = sample.run;
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

describe('ChartView', () => {
  it('forgets zoom and cursor with the axis they belong to', () => {
    const view = new ChartView();
    view.zoom({ from: 2, to: 4 });
    view.cursor = 3;
    view.setXAxis('time');
    expect([view.range, view.cursor]).toEqual([null, null]);
  });

  it('takes no empty range', () => {
    const view = new ChartView();
    view.zoom({ from: 2, to: 4 });
    view.zoom({ from: 3, to: 3 });
    expect(view.range).toEqual({ from: 2, to: 4 });
  });

  it('smooths steps, and leaves epochs as they are until it is told otherwise', () => {
    const view = new ChartView();
    expect(view.smoothing).toBe(0);
    view.detail = 'step';
    expect(view.smoothing).toBe(0.98);
  });
});

describe('KernelView', () => {
  const set = {
    layer: 'c',
    label: 'C',
    outChannels: 2,
    inChannels: 3,
    kernelHeight: 1,
    kernelWidth: 1,
    values: Float32Array.of(-2, 1, 1, 1, 1, 1),
  };

  it('begins with what fits the layer, and again when the layer changes', () => {
    const view = new KernelView();
    expect([view.modeOf(set), view.weightPxOf(set, 900)]).toEqual(['rgb', 20]);
    view.chooseMode(1);
    view.chooseWeightPx(5);
    expect([view.modeOf(set), view.weightPxOf(set, 900)]).toEqual([1, 5]);
    view.chooseLayer(1);
    expect([view.modeOf(set), view.weightPxOf(set, 900)]).toEqual(['rgb', 20]);
  });

  it('has the largest magnitude as its common scale, or none', () => {
    const view = new KernelView();
    expect(view.limitOf(set)).toBe(2);
    view.commonScale = false;
    expect(view.limitOf(set)).toBeNull();
  });
});

describe('KernelLoader', () => {
  it('keeps the latest asked checkpoint, whichever answer comes last', async () => {
    const answers = new Map<string, () => void>();
    const backend = createFakeBackend({
      'run.kernels': ({ checkpoint }) =>
        new Promise((resolve) =>
          answers.set(checkpoint, () =>
            resolve([
              {
                layer: checkpoint,
                label: '',
                outChannels: 0,
                inChannels: 0,
                kernelHeight: 0,
                kernelWidth: 0,
                values: new Float32Array(),
              },
            ]),
          ),
        ),
    });
    const loader = new KernelLoader(createFakeApi(backend), projectId, runId);
    const readings = [loader.read('last'), loader.read('best')];
    answers.get('best')!();
    answers.get('last')!();
    await Promise.all(readings);
    expect(loader.sets?.map((set) => set.layer)).toEqual(['best']);
  });
});

describe('PredictionBrowser', () => {
  it('asks for what is filtered, wrong ones first, and knows the epoch', async () => {
    const backend = createFakeBackend();
    const browser = new PredictionBrowser(createFakeApi(backend), projectId, runId);
    browser.showMixUp(1 as CategoryId, 2 as CategoryId);
    await settled();
    expect(backend.requests.at(-1)?.request).toMatchObject({
      filter: { outcome: 'all', groundTruthCategoryId: 1, predictedCategoryId: 2, order: 'wrong-first' },
      offset: 0,
    });
    expect([browser.pages.total, browser.epoch]).toEqual([8, 3]);
    browser.selected = 0;
    expect(browser.selection?.probabilities).toEqual([0.25, 0.75]);
  });

  it('loses the selection with the list it belongs to, and the filter only when asked', async () => {
    const browser = new PredictionBrowser(createFakeApi(createFakeBackend()), projectId, runId);
    browser.narrow({ outcome: 'wrong', order: 'dataset' });
    await settled();
    browser.selected = 0;
    browser.reload();
    expect([browser.selected, browser.filter.outcome]).toEqual([null, 'wrong']);
    browser.showAll();
    expect(browser.filter).toEqual({
      outcome: 'all',
      groundTruthCategoryId: null,
      predictedCategoryId: null,
      order: 'dataset',
    });
  });
});

describe('CompareState', () => {
  it('compares in the order given and compares again when one of its runs changes', async () => {
    const backend = createFakeBackend();
    const comparing = new CompareState(createFakeApi(backend), projectId, [8, 7] as RunId[]);
    const stop = comparing.follow();
    await settled();
    const comparisons = () => backend.requests.filter((request) => request.name === 'run.compare');
    expect(comparisons().map(({ request }) => (request as { runIds: RunId[] }).runIds)).toEqual([[8, 7]]);
    expect(comparing.verdict).toMatchObject({ label: 'Test accuracy' });

    backend.emit('run.changed', { projectId, summary: { ...sample.run, runId: 99 as RunId } });
    expect(comparisons().length).toBe(1);
    backend.emit('run.changed', { projectId, summary: { ...sample.run, runId: 7 as RunId } });
    expect(comparisons().length).toBe(2);
    stop();
    expect(backend.subscriberCount()).toBe(0);
  });
});

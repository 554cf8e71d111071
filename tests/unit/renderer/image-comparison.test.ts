import { describe, expect, it } from 'vitest';
import type { RunId } from '../../../src-main/contract/model/ids.ts';
import type { ImageScores } from '../../../src-main/contract/model/run-results.ts';
import { shownBoxes } from '../../../src-main/contract/model/box-matching.ts';
import { CompareImages } from '../../../src-renderer/state/compare-images.svelte.ts';
import { byDisagreement, comparedImages, countsByOutcome } from '../../../src-renderer/state/image-comparison.ts';
import { createFakeBackend, sample } from '../../helpers/fake-backend.ts';
import { createFakeApi } from './fake-api.ts';

const scores = (imageIds: number[], values: number[], right: number[] | null = null): ImageScores => ({
  epoch: 1,
  meaning: 'mean IoU of the image',
  imageIds: Float64Array.from(imageIds),
  scores: Float64Array.from(values),
  right: right && Uint8Array.from(right),
});

describe('two runs on the same images', () => {
  const before = scores([1, 2, 3, 4, 5], [0.2, 0.9, 0.3, 0.8, NaN]);
  const after = scores([5, 4, 3, 2, 6], [NaN, 0.4, 0.9, 0.8, 1]);

  it('are told apart by what the second fixed and broke', () => {
    const images = comparedImages(before, after, 0.5);
    expect(images.map(({ imageId, outcome }) => [imageId, outcome])).toEqual([
      [2, 'both-right'],
      [3, 'fixed'],
      [4, 'broken'],
      // Nothing to find and nothing found.
      [5, 'both-right'],
    ]);
    expect(countsByOutcome(images)).toEqual({ all: 4, fixed: 1, broken: 1, 'both-wrong': 0, 'both-right': 2 });
    expect(comparedImages(before, after, 0.95)[1]!.outcome).toBe('both-wrong');
  });

  it('come in the order of their disagreement', () => {
    const images = comparedImages(before, after, 0.5);
    expect(byDisagreement(images, 'all').map(({ imageId }) => imageId)).toEqual([3, 4, 2, 5]);
    expect(byDisagreement(images, 'broken').map(({ imageId }) => imageId)).toEqual([4]);
  });

  it('are right where their task says so, whatever the score', () => {
    const [image] = comparedImages(scores([1], [0.9], [0]), scores([1], [0.4], [1]), 0.5);
    expect(image!.outcome).toBe('fixed');
  });
});

describe('the compare room', () => {
  it('narrows to what was fixed, and shows that image in every run', async () => {
    const asked: [number, number][] = [];
    const backend = createFakeBackend({
      'run.scores': async ({ runId }) => (runId === 1 ? scores([1, 2], [0.9, 0.1]) : scores([1, 2], [0.1, 0.8])),
      'run.masks': async ({ runId, imageId }) => {
        asked.push([runId, imageId]);
        return {
          widthPx: 1,
          heightPx: 1,
          predicted: new Uint8Array(1),
          confidence: null,
          groundTruth: null,
          placement: [0, 0, 1, 1],
        };
      },
    });
    const runs = [1, 2].map((runId) => ({ runId: runId as RunId, task: 'segmentation' as const }));
    const images = new CompareImages(createFakeApi(backend), sample.project.projectId, runs);
    await images.read();
    expect(images.selected).toBe(1);
    images.narrow('fixed');
    expect([images.selected, images.counts.broken]).toEqual([2, 1]);
    await Promise.resolve();
    await Promise.resolve();
    expect(asked).toEqual([
      [1, 1],
      [2, 1],
      [1, 2],
      [2, 2],
    ]);
    expect([images.scoreOf(0), images.scoreOf(1)]).toEqual([
      { score: 0.1, right: false },
      { score: 0.8, right: true },
    ]);
  });
});

describe('stored boxes', () => {
  // Two that overlap almost wholly, one of another class on an object, one of nothing.
  const boxes = {
    candidates: Float32Array.of(
      0,
      0,
      10,
      10,
      0.9,
      0,
      0,
      0,
      10,
      11,
      0.8,
      0,
      20,
      20,
      30,
      30,
      0.6,
      1,
      40,
      40,
      50,
      50,
      0.3,
      0,
    ),
    objects: Float64Array.of(0, 0, 0, 10, 10, 100, 0, 0, 20, 20, 30, 30, 100, 0, 1, 60, 60, 90, 90, 900, 1),
    head: null,
  };

  it('count at once as the sliders say', () => {
    const usual = shownBoxes(boxes, { scoreThreshold: 0.25, iouThreshold: 0.7 });
    expect(usual.detections.map(({ score, outcome }) => [Number(score.toFixed(1)), outcome])).toEqual([
      [0.9, 'right'],
      [0.6, 'mixed-up'],
      [0.3, 'made-up'],
    ]);
    expect(usual.objects.map(({ found, crowd }) => [found, crowd])).toEqual([
      [true, false],
      [false, false],
      [false, true],
    ]);
    expect(shownBoxes(boxes, { scoreThreshold: 0.7, iouThreshold: 0.7 }).detections).toHaveLength(1);
    expect(shownBoxes(boxes, { scoreThreshold: 0.7, iouThreshold: 0.95 }).detections).toHaveLength(2);
  });
});

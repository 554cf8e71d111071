import { describe, expect, it } from 'vitest';
import type { PredictionSetId } from '../../../src-main/contract/model/ids.ts';
import type { Seen } from '../../../src-main/contract/model/image-prediction.ts';
import { confidencePixels, scaleColour } from '../../../src-renderer/features/results/confidence-scale.ts';
import { packed } from '../../../src-renderer/features/results/mask-pictures.ts';
import { PredictedImages } from '../../../src-renderer/state/predicted-images.svelte.ts';
import { createFakeBackend, sample } from '../../helpers/fake-backend.ts';
import { createFakeApi } from './fake-api.ts';

const id = '00000000-0000-4000-8000-000000000009' as PredictionSetId;
const boxes: Seen = {
  kind: 'boxes',
  boxes: [
    { category: 0, score: 0.9, bboxXyxy: [0, 0, 10, 10] },
    { category: 0, score: 0.6, bboxXyxy: [1, 0, 11, 10] },
    { category: 1, score: 0.2, bboxXyxy: [0, 0, 10, 10] },
  ],
};

async function open() {
  const asked: number[] = [];
  const answers = new Map<number, () => Promise<Seen>>();
  let count = 2;
  const backend = createFakeBackend({
    'predict.get': async () => {
      const [set] = await createFakeBackend().handlers['predict.list']({ projectId: sample.project.projectId });
      const images = Array.from({ length: count }, (_, i) => ({ file: `/photos/${i}.jpg`, widthPx: 8, heightPx: 8 }));
      return { ...set!, images, classes: [], isRunning: true };
    },
    'predict.image': ({ index }) => {
      asked.push(index);
      return answers.get(index)?.() ?? Promise.resolve(boxes);
    },
  });
  const predicted = new PredictedImages(createFakeApi(backend), sample.project.projectId, id);
  await predicted.read();
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
  await settle();
  return { predicted, asked, answers, settle, grow: (to: number) => (count = to) };
}

describe('images that a network looked at', () => {
  it('begin with the first, and what was asked for once is not asked for again', async () => {
    const { predicted, asked, settle } = await open();
    expect([predicted.selected, predicted.images.length]).toEqual([0, 2]);
    predicted.step(1);
    await settle();
    predicted.step(1);
    predicted.step(-1);
    await settle();
    expect([predicted.selected, asked]).toEqual([0, [0, 1]]);
  });

  it('grow without moving on from the one that is looked at', async () => {
    const { predicted, grow } = await open();
    predicted.select(1);
    grow(5);
    await predicted.read();
    expect([predicted.selected, predicted.images.length]).toEqual([1, 5]);
  });

  it('show the boxes that count at the settings', async () => {
    const { predicted } = await open();
    expect(predicted.boxes.map(({ score }) => score)).toEqual([0.9]);
    predicted.change({ iouThreshold: 0.95 });
    expect(predicted.boxes.map(({ score }) => score)).toEqual([0.9, 0.6]);
    predicted.change({ scoreThreshold: 0.1 });
    expect(predicted.boxes.map(({ score }) => score)).toEqual([0.9, 0.6, 0.2]);
  });

  it('keep a late answer to themselves, and ask again after an error', async () => {
    const { predicted, answers, asked, settle } = await open();
    let fail: (reason: Error) => void = () => {};
    answers.set(1, () => new Promise((_resolve, reject) => (fail = reject)));
    predicted.select(1);
    predicted.select(0);
    fail(new Error('late'));
    await settle();
    expect([predicted.seenError, predicted.seen]).toEqual([null, boxes]);
    answers.set(1, () => Promise.reject(new Error('gone')));
    predicted.select(1);
    await settle();
    expect(predicted.seenError).toBeInstanceOf(Error);
    answers.delete(1);
    predicted.select(1);
    await settle();
    expect([predicted.seenError, asked]).toEqual([null, [0, 1, 1, 1]]);
  });
});

it('the heat map goes from chance to certainty', () => {
  const [low, high] = [packed(scaleColour(0)), packed(scaleColour(1))];
  expect([...confidencePixels(Uint8Array.of(0, 51, 255), 5)]).toEqual([low, low, high]);
  expect([...confidencePixels(Uint8Array.of(51, 128), 2)]).toEqual([low, packed(scaleColour((128 / 255 - 0.5) / 0.5))]);
  expect(scaleColour(0.5)).toEqual([124, 123, 120]);
});

/** Sketches of large labels in sight: asked for when the grid is at rest, each once, and shown for their version only. */
import { beforeEach, expect, test, vi } from 'vitest';
import type { LabelSketch } from '../../../src-main/contract/model/annotation.ts';
import type { ImageSummary } from '../../../src-main/contract/model/dataset.ts';
import type { AnnotationId, CategoryId, ImageId, ProjectId } from '../../../src-main/contract/model/ids.ts';
import type { Api } from '../../../src-renderer/api/client.svelte.ts';
import { listedShape } from '../../../src-renderer/features/datasets/draw-labels.ts';
import { LabelSketches } from '../../../src-renderer/state/label-sketches.svelte.ts';

beforeEach(() => {
  vi.useFakeTimers();
  return () => vi.useRealTimers();
});

const rle = { widthPx: 2, heightPx: 2, counts: [1, 3] };

/** An image with `labels` large masks, and a box. */
function image(imageId: number, labels: number, labelVersion = 0): ImageSummary {
  const ids = (at: number) => ({ annotationId: (imageId * 1000 + at) as AnnotationId, categoryId: 1 as CategoryId });
  const bboxXyxy: [number, number, number, number] = [0, 0, 500, 500];
  return {
    ...{ imageId: imageId as ImageId, name: '', split: 'train', widthPx: 900, heightPx: 900, channels: 3 },
    ...{ review: 'done', labelVersion },
    annotations: [
      { ...ids(0), kind: 'bbox', bboxXyxy },
      ...Array.from({ length: labels }, (_, at) => ({ ...ids(at + 1), kind: 'mask' as const, bboxXyxy })),
    ],
  };
}

/** Answers after 30 ms: with `most` sketches of the version that labels have in `versions`, else 0. */
function sketches({ most = 100 } = {}) {
  const versions = new Map<number, number>();
  const call = vi.fn(
    async (_: string, { annotationIds }: { annotationIds: AnnotationId[] }): Promise<LabelSketch[]> => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return annotationIds.slice(0, most).map((annotationId) => {
        return { annotationId, version: versions.get(annotationId) ?? 0, sketch: { x: 0, y: 0, cellPx: 250, rle } };
      });
    },
  );
  const state = new LabelSketches({ call } as unknown as Api, 'p' as ProjectId);
  const asked = () => call.mock.calls.map(([, { annotationIds }]) => annotationIds);
  return { state, call, asked, versions };
}

test('a box becomes its shape when the grid has come to rest', async () => {
  const { state, asked } = sketches();
  const seen = image(1, 1);
  const [, mask] = seen.annotations;
  expect(listedShape(mask!, state.of(mask!, seen)).kind).toBe('bbox');
  // A wheel that is turned: a new range each frame.
  for (let frame = 0; frame < 60; frame++) {
    state.want([image(frame + 2, 3), seen]);
    await vi.advanceTimersByTimeAsync(16);
  }
  expect(asked()).toEqual([]);
  state.want([seen]);
  await vi.advanceTimersByTimeAsync(500);
  expect(asked()).toEqual([[1001]]);
  expect(listedShape(mask!, state.of(mask!, seen))).toEqual({ kind: 'sketch', x: 0, y: 0, cellPx: 250, rle });
  expect([state.arrivals, state.isComplete(seen)]).toEqual([1, true]);
  state.want([seen]);
  await vi.advanceTimersByTimeAsync(500);
  expect(asked()).toHaveLength(1);
});

test('many come some at a time, those that an answer leaves out again, and one request at once', async () => {
  const { state, asked } = sketches({ most: 20 });
  state.want([image(1, 50), image(2, 20)]);
  await vi.advanceTimersByTimeAsync(110);
  expect(asked().map((ids) => ids.length)).toEqual([24]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(asked().map((ids) => ids.length)).toEqual([24, 24, 24, 10]);
  expect([state.isComplete(image(1, 50)), state.isComplete(image(2, 20))]).toEqual([true, true]);
});

test('what scrolling has overtaken is not asked for', async () => {
  const { state, asked } = sketches();
  state.want([image(1, 90)]);
  await vi.advanceTimersByTimeAsync(110);
  state.want([image(2, 1)]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(asked().map((ids) => ids[0])).toEqual([1001, 2001]);
});

test('a sketch of another version is not shown, nor asked for over and over', async () => {
  const { state, asked, versions } = sketches();
  const [before, after] = [image(1, 1, 0), image(1, 1, 1)];
  const [, mask] = before.annotations;
  state.want([before]);
  await vi.advanceTimersByTimeAsync(500);
  expect(state.of(mask!, before)).not.toBeNull();
  expect([state.of(mask!, after), state.isComplete(after)]).toEqual([null, false]);
  // The list knows of the change before the answer does.
  state.want([after]);
  await vi.advanceTimersByTimeAsync(500);
  expect(asked()).toHaveLength(2);
  expect(state.of(mask!, after)).toBeNull();
  versions.set(1001, 1);
  state.want([after]);
  await vi.advanceTimersByTimeAsync(500);
  expect(state.of(mask!, after)).not.toBeNull();
  expect(state.of(mask!, before)).toBeNull();
});

test('where they cannot be read the boxes stay, until they are wanted again', async () => {
  const { state, call } = sketches();
  call.mockRejectedValueOnce(new Error('gone'));
  const seen = image(1, 1);
  state.want([seen]);
  await vi.advanceTimersByTimeAsync(500);
  expect([call.mock.calls.length, state.isComplete(seen)]).toEqual([1, false]);
  state.want([seen]);
  await vi.advanceTimersByTimeAsync(500);
  expect(state.isComplete(seen)).toBe(true);
});

test('those that were seen last are kept', async () => {
  const { state, asked } = sketches();
  for (let imageId = 1; imageId <= 40; imageId++) {
    state.want([image(imageId, 90)]);
    await vi.advanceTimersByTimeAsync(500);
  }
  expect([state.isComplete(image(40, 90)), state.isComplete(image(10, 90)), state.isComplete(image(1, 90))]).toEqual([
    ...[true, true, false],
  ]);
  const requests = asked().length;
  state.want([image(1, 90)]);
  await vi.advanceTimersByTimeAsync(500);
  expect(asked().length).toBeGreaterThan(requests);
});

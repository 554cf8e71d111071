/** Labels of a class as tiles: read as far as they were, whatever answer comes late. */
import { expect, test } from 'vitest';
import type { Events } from '../../../src-main/contract/ipc.ts';
import type { AnnotationId, CategoryId, DatasetId, ProjectId } from '../../../src-main/contract/model/ids.ts';
import type { Api } from '../../../src-renderer/api/client.svelte.ts';
import { LabelTileList } from '../../../src-renderer/state/label-tiles.svelte.ts';

const scope = { projectId: 'p' as ProjectId, datasetId: 1 as DatasetId, filter: { splits: [], categoryIds: [] } };
const [cats, dogs] = [1 as CategoryId, 2 as CategoryId];
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

/** Class c has `counts[c]` labels, of ids c000 and on. With `holding`, answers wait until they are let go. */
function listOf(counts: Record<number, number>) {
  const waiting: (() => void)[] = [];
  let changed: (event: Events['annotation.changed']) => void = () => undefined;
  const source = { holding: false, counts };
  const call = async (_: string, { categoryId, offset, limit }: Record<string, number>) => {
    const total = source.counts[categoryId!] ?? 0;
    const count = Math.max(0, Math.min(limit!, total - offset!));
    const items = Array.from({ length: count }, (_item, step) => ({
      annotationId: (categoryId! * 1000 + offset! + step) as AnnotationId,
    }));
    if (source.holding) await new Promise<void>((resolve) => waiting.push(resolve));
    return { total, items };
  };
  const on = (_: string, listener: typeof changed) => {
    changed = listener;
    return () => undefined;
  };
  const list = new LabelTileList({ call, on } as unknown as Api, scope, cats);
  const change = (projectId = scope.projectId) =>
    changed({ projectId, gestureId: 'g', images: [], untold: [], undoState: { undo: null, redo: null } });
  return { list, source, waiting, change };
}

test('an answer that comes late does not stand over the class that was chosen since', async () => {
  const { list, source, waiting } = listOf({ [cats]: 3, [dogs]: 2 });
  source.holding = true;
  list.follow();
  void list.show(dogs);
  await settled();
  const [ofCats, ofDogs] = waiting;
  ofDogs!();
  await settled();
  ofCats!();
  await settled();
  expect([list.categoryId, list.total, list.tiles.map(({ annotationId }) => annotationId)]).toEqual([
    2,
    2,
    [2000, 2001],
  ]);
});

test('a change of labels reads again what was read, and what is gone is not chosen any more', async () => {
  const { list, source, change } = listOf({ [cats]: 450 });
  list.follow();
  await settled();
  await list.more();
  expect(list.tiles).toHaveLength(400);
  list.choose(10, false);
  list.choose(12, true);
  expect([...list.chosen]).toEqual([1010, 1011, 1012]);
  list.choose(399, false);
  source.counts[cats] = 300;
  change('other' as ProjectId);
  await settled();
  expect(list.total).toBe(450);
  change();
  await settled();
  expect([list.total, list.tiles.length, list.chosen.size]).toEqual([300, 300, 3]);
});

test('“more” that a change overtook adds nothing twice', async () => {
  const { list, source, waiting, change } = listOf({ [cats]: 450 });
  list.follow();
  await settled();
  source.holding = true;
  const more = list.more();
  change();
  source.holding = false;
  for (const go of waiting.splice(0).toReversed()) go();
  await more;
  await settled();
  expect(list.tiles).toHaveLength(200);
  await list.more();
  expect(new Set(list.tiles.map(({ annotationId }) => annotationId)).size).toBe(400);
});

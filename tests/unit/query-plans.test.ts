/**
 * The plans of the queries that run while a person waits. Each goes by an index, and what is sorted or grouped is at most
 * one slice of ids or one page of images.
 */
import { expect, test } from 'vitest';
import { imageOrders, type ImageFilter } from '../../src-main/contract/model/dataset.ts';
import type { CategoryId, RunId } from '../../src-main/contract/model/ids.ts';
import { hotAnnotationQueries } from '../../src-main/store/annotation-repository.ts';
import { hotBulkEditQueries } from '../../src-main/store/bulk-edit-repository.ts';
import { hotLabelEditQueries } from '../../src-main/store/label-edit-repository.ts';
import { hotDeletedLabelQueries } from '../../src-main/store/deleted-labels.ts';
import { hotHistoryQueries } from '../../src-main/store/label-history-repository.ts';
import { hotDatasetQueries } from '../../src-main/store/dataset-repository.ts';
import { filterCondition } from '../../src-main/store/image-query.ts';
import { hotImageQueries } from '../../src-main/store/image-repository.ts';
import { hotFactQueries } from '../../src-main/store/label-facts.ts';
import { hotStatisticsQueries } from '../../src-main/store/label-statistics.ts';
import { hotLibraryQueries } from '../../src-main/store/library-repository.ts';
import { hotSweepQueries } from '../../src-main/store/sweep-repository.ts';
import { hotRunQueries } from '../../src-main/store/run-repository.ts';
import { hotTagQueries } from '../../src-main/store/tag-repository.ts';
import { hotSplitQueries } from '../../src-main/store/split-repository.ts';
import type { ProjectStore } from '../../src-main/store/project-store.ts';
import { hotTrainingQueries } from '../../src-main/store/training-repository.ts';
import { createStore } from '../helpers/store-fixture.ts';

/** The lines of the plan without those about the small JSON lists of a filter. */
function plan({ database }: ProjectStore, sql: string): string[] {
  const anyValue = Object.fromEntries([...sql.matchAll(/@(\w+)/g)].map(([, name]) => [name, null]));
  const positions = [...sql.matchAll(/\?/g)].map(() => null);
  const rows = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...positions, anyValue) as { detail: string }[];
  return rows
    .map(({ detail }) => detail)
    .filter((detail) => !/json_each|BLOOM FILTER|^(LIST|CORRELATED SCALAR|SCALAR) SUBQUERY/.test(detail));
}

const SLICE = 'SEARCH i USING COVERING INDEX image_by_dataset (dataset_id=? AND id>? AND id<?)';
/** Only where the image's own row does not tell. */
const HAS_CATEGORY = 'SEARCH a USING COVERING INDEX annotation_by_category (category_id=? AND image_id=?)';

const train = { splits: ['train' as const], categoryIds: [] };
const truck = 3 as CategoryId;

/** The condition of a filter in a data set whose classes all have the id 3. */
function condition(filter: Partial<ImageFilter>): string | null {
  return (
    filterCondition(
      { splits: [], categoryIds: [], ...filter },
      { category: () => truck, categories: () => [truck], run: () => 5 as RunId },
    )?.sql ?? null
  );
}

test('ids of a filtered list', async () => {
  const store = await createStore();
  const ids = (filter: Partial<ImageFilter>) => plan(store, hotImageQueries.ids(condition(filter)));
  expect(ids({})).toEqual([SLICE]);
  expect(ids({ categoryIds: [truck] })).toEqual([SLICE, HAS_CATEGORY]);
  expect(ids(train)).toEqual([SLICE]);
  expect(ids({ ...train, categoryIds: [truck] })).toEqual([SLICE, HAS_CATEGORY]);
});

const CHANGED = 'SEARCH a USING COVERING INDEX annotation_by_image (image_id=?)';
const LABELS_CHANGED = 'SEARCH a USING INDEX annotation_by_image (image_id=?)';
const OF_CLASS = 'SEARCH a USING COVERING INDEX annotation_by_category (category_id=? AND image_id>? AND image_id<?)';

test.each([
  ['class:truck', [HAS_CATEGORY]],
  ['count(truck)>3', [OF_CLASS]],
  ['count(truck)=0', [HAS_CATEGORY]],
  ['count(truck)=2..5', [OF_CLASS]],
  ['-class:truck or count(truck)>=2', [HAS_CATEGORY, OF_CLASS]],
  ['boxaspect(truck)>2', [OF_CLASS]],
  ['area(truck)<1024', [OF_CLASS]],
  // What an image's own row knows of its labels; the labels only where they have changed since.
  ['area<1024', [CHANGED]],
  ['area=32..1024', [CHANGED, CHANGED]],
  ['boxaspect>2', [CHANGED]],
  ['boxaspect=2..3', [CHANGED, CHANGED]],
  ['kind:mask', [LABELS_CHANGED]],
  ['flag:crowd', [LABELS_CHANGED]],
  ['by:person', [LABELS_CHANGED]],
  ['box:huge', [CHANGED]],
  [
    'edited>2024',
    [
      'SEARCH a USING INDEX annotation_by_edit (image_id>? AND image_id<?)',
      'SEARCH a USING INDEX annotation_by_edit (image_id=?)',
    ],
  ],
  ['split:val count>5 is:labelled review:done width>640 aspect>1.5 megapixels<12 date>2024', []],
])('the query %s looks only at its slice, by indices', async (query, labels) => {
  const store = await createStore();
  const lines = plan(store, hotImageQueries.ids(condition({ query })));
  expect(lines.filter((line) => /\ba\b/.test(line))).toEqual(labels);
  // One short row an image; never a whole table.
  expect(lines.filter((line) => line.startsWith('SCAN'))).toEqual([]);
  const one = SLICE.replace('id>? AND id<?', 'id=?'); // each that a class's labels name
  expect([[SLICE], [one]]).toContainEqual(lines.filter((line) => line.startsWith('SEARCH i ')));
});

test('sorted slices', async () => {
  const store = await createStore();
  for (const by of imageOrders) {
    const lines = plan(store, hotImageQueries.keys(null, by));
    expect(lines[0]?.replace('COVERING ', ''), by).toBe(SLICE.replace('COVERING ', ''));
  }
});

test('what label changes left open', async () => {
  const store = await createStore();
  expect(plan(store, hotFactQueries.someUnknown)).toEqual([
    'SEARCH image USING INDEX image_without_facts (dataset_id=?)',
  ]);
  const searches = plan(store, hotFactQueries.workOut).filter((line) => /SEARCH|SCAN/.test(line));
  expect(searches).toEqual(['SEARCH image USING INTEGER PRIMARY KEY (rowid=?)', LABELS_CHANGED, LABELS_CHANGED]);
});

test('facets', async () => {
  const store = await createStore();
  const grouped = 'USE TEMP B-TREE FOR GROUP BY';
  const withClass = condition({ categoryIds: [truck] });
  expect(plan(store, hotImageQueries.countBySplit(null))).toEqual([SLICE, grouped]);
  expect(plan(store, hotImageQueries.countBySplit(withClass))).toEqual([SLICE, HAS_CATEGORY, grouped]);
  expect(plan(store, hotImageQueries.countByReview(null))).toEqual([SLICE, grouped]);
  expect(plan(store, hotImageQueries.categoryCount).filter((line) => !/subquery/.test(line))).toEqual([
    'SEARCH annotation USING COVERING INDEX annotation_by_category (category_id=?)',
  ]);
  const classes = 'SEARCH a USING COVERING INDEX annotation_by_image (image_id=?)';
  expect(plan(store, hotImageQueries.countByCategory(null))).toEqual([
    SLICE,
    classes,
    grouped,
    'USE TEMP B-TREE FOR count(DISTINCT)',
  ]);
  expect(plan(store, hotImageQueries.countByCategory(condition(train)))).toEqual([
    SLICE,
    classes,
    grouped,
    'USE TEMP B-TREE FOR count(DISTINCT)',
  ]);
});

test('one page of images with their classes', async () => {
  const store = await createStore();
  expect(plan(store, hotImageQueries.summaries)).toEqual(['SEARCH i USING INTEGER PRIMARY KEY (rowid=?)']);
  expect(plan(store, hotImageQueries.annotations)).toEqual([
    'SEARCH annotation USING INDEX annotation_by_image (image_id=?)',
    'USE TEMP B-TREE FOR ORDER BY',
  ]);
});

test('the labels of images with all that is known of them', async () => {
  const store = await createStore();
  expect(plan(store, hotAnnotationQueries.ofImages)).toEqual([
    'SEARCH a USING INDEX annotation_by_image (image_id=?)',
    'SEARCH i USING INTEGER PRIMARY KEY (rowid=?)',
    'SEARCH d USING INTEGER PRIMARY KEY (rowid=?)',
    'USE TEMP B-TREE FOR ORDER BY',
  ]);
});

test('what a run trains on', async () => {
  const store = await createStore();
  const slice = /^SEARCH i USING (COVERING )?INDEX image_by_\w+ \(dataset_id=\?.* (row)?id>\? AND (row)?id<\?\)$/;
  const searches = (sql: string): string[] => plan(store, sql).filter((line) => /SEARCH|SCAN/.test(line));
  const ofImage = 'SEARCH a USING INDEX annotation_by_image (image_id=?)';
  const [images, ...packs] = searches(hotTrainingQueries.images);
  expect(images).toMatch(slice);
  expect(packs).toEqual(['SEARCH p USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN']);
  const [counted, ...labels] = searches(hotTrainingQueries.learnable);
  expect(counted).toMatch(slice);
  expect(labels).toEqual([ofImage, ofImage, ofImage, 'SCAN counted']);
  const [classes, ...ofClasses] = searches(hotTrainingQueries.byClass);
  expect(classes).toMatch(slice);
  expect(ofClasses).toEqual([ofImage]);
  // Labels of a few images; to find these takes no look at a label where what there are is known.
  const [pointed, found] = searches(hotTrainingQueries.mostPoints);
  expect(pointed).toBe('SEARCH a USING INDEX annotation_by_image (image_id=?)');
  expect(found).toMatch(/^SEARCH i USING COVERING INDEX image_by_dataset \(dataset_id=\?\)$/);
});

test('counts and sizes of a data set', async () => {
  const store = await createStore();
  expect(plan(store, hotDatasetQueries.splitCounts)).toEqual([
    'SEARCH image USING COVERING INDEX image_by_split (dataset_id=?)',
  ]);
  const searches = plan(store, hotDatasetQueries.sizes).filter((line) => /SEARCH|SCAN/.test(line));
  expect(searches).toEqual([
    'SEARCH pack USING INDEX pack_by_dataset (dataset_id=?)',
    'SEARCH image USING INDEX image_by_file_size (dataset_id=?)',
  ]);
});

test('the list of runs with latest and best values, and a series', async () => {
  const store = await createStore();
  expect(plan(store, hotRunQueries.list)).toEqual(['SCAN run']);
  expect(plan(store, hotSweepQueries.runs)).toEqual(['SEARCH run USING INDEX run_by_sweep (sweep_id=?)']);
  expect(plan(store, hotRunQueries.latest)).toEqual(['SEARCH metric_point USING PRIMARY KEY (run_id=? AND series=?)']);
  const best = [
    'SEARCH metric_point USING COVERING INDEX metric_point_by_value (run_id=? AND series=? AND value=?)',
    'SEARCH metric_point USING COVERING INDEX metric_point_by_value (run_id=? AND series=?)',
  ];
  expect(plan(store, hotRunQueries.highest)).toEqual(best);
  expect(plan(store, hotRunQueries.lowest)).toEqual(best);
  expect(plan(store, hotRunQueries.series)).toEqual(['SEARCH metric_point USING PRIMARY KEY (run_id=? AND series=?)']);
});

test('undo, history and review states of labels', async () => {
  const store = await createStore();
  const next = [
    'SEARCH g USING INDEX gesture_by_state (state=?)',
    'SEARCH c USING INDEX label_change_by_gesture (gesture_id=?)',
    'SEARCH i USING INTEGER PRIMARY KEY (rowid=?)',
    'SEARCH d USING INTEGER PRIMARY KEY (rowid=?)',
    // A gesture on classes.
    'SEARCH c USING INTEGER PRIMARY KEY (rowid=?)',
    'SEARCH d USING INTEGER PRIMARY KEY (rowid=?)',
  ];
  expect(plan(store, hotLabelEditQueries.newestDone)).toEqual(next);
  expect(plan(store, hotLabelEditQueries.oldestUndone)).toEqual(next);
  expect(plan(store, hotLabelEditQueries.settleUndone)).toEqual([
    'SEARCH gesture USING INDEX gesture_by_state (state=?)',
  ]);
  const since = 'SEARCH label_change USING INDEX sqlite_autoindex_label_change_1 (image_id=? AND version>?)';
  expect(plan(store, hotLabelEditQueries.changedSince)).toEqual([since]);
  expect(plan(store, hotHistoryQueries.changesAfter)).toEqual([since]);
  expect(plan(store, hotHistoryQueries.entries)).toEqual([
    'SEARCH c USING INDEX sqlite_autoindex_label_change_1 (image_id=?)',
    'SEARCH g USING INTEGER PRIMARY KEY (rowid=?)',
  ]);
  const queue = (compared: string): string[] => [
    `SEARCH image USING COVERING INDEX image_by_review (dataset_id=? AND review=? AND rowid${compared}?)`,
  ];
  expect(plan(store, hotHistoryQueries.next)).toEqual(queue('>'));
  expect(plan(store, hotHistoryQueries.previous)).toEqual(queue('<'));
  expect(plan(store, hotHistoryQueries.reviewCounts)).toEqual([
    'SEARCH image USING COVERING INDEX image_by_review (dataset_id=?)',
  ]);
  expect(plan(store, hotAnnotationQueries.byIds)).toEqual([
    'SEARCH a USING INTEGER PRIMARY KEY (rowid=?)',
    'SEARCH i USING INTEGER PRIMARY KEY (rowid=?)',
    'SEARCH d USING INTEGER PRIMARY KEY (rowid=?)',
  ]);
});

test('changes of very many labels: each step reads what it changes, and nothing before it', async () => {
  const store = await createStore();
  const steps = (compared: string): string[] => [
    `SEARCH label_change USING INDEX label_change_by_gesture (gesture_id=? AND rowid${compared}?)`,
  ];
  expect(plan(store, hotBulkEditQueries.undo)).toEqual(steps('<'));
  expect(plan(store, hotBulkEditQueries.redo)).toEqual(steps('>'));
  expect(plan(store, hotBulkEditQueries.ofClass)).toEqual([
    'SEARCH annotation USING COVERING INDEX annotation_by_category (category_id=?)',
  ]);
  expect(plan(store, hotBulkEditQueries.tags)[0]).toBe('SEARCH annotation USING INTEGER PRIMARY KEY (rowid=?)');
  expect(plan(store, hotBulkEditQueries.unlike)).toEqual([
    'SEARCH i USING INTEGER PRIMARY KEY (rowid=?)',
    'SEARCH a USING INDEX annotation_by_category (category_id=? AND image_id=?)',
    'SEARCH a USING INDEX annotation_by_image (image_id=?)',
  ]);
  expect(plan(store, hotBulkEditQueries.ofImages)[0]).toBe(
    'SEARCH annotation USING INDEX annotation_by_image (image_id=?)',
  );
  expect(plan(store, hotLabelEditQueries.firstNotThere)).toEqual([
    'SEARCH i USING INTEGER PRIMARY KEY (rowid=?)',
    'SEARCH d USING INTEGER PRIMARY KEY (rowid=?)',
  ]);
  expect(plan(store, hotLabelEditQueries.firstOfOtherClasses)[0]).toBe(
    'SEARCH image USING INTEGER PRIMARY KEY (rowid=?)',
  );
  expect(plan(store, hotBulkEditQueries.tagged)[0]).toBe(
    'SEARCH annotation USING INDEX annotation_by_category (category_id=? AND image_id=?)',
  );
});

test('deleted labels: only changes that deleted something are looked at, and only an image’s own to forget them', async () => {
  const store = await createStore();
  expect(plan(store, hotDeletedLabelQueries.deletions).slice(0, 4)).toEqual([
    'SCAN c USING INDEX label_change_by_deletion',
    'SEARCH g USING INTEGER PRIMARY KEY (rowid=?)',
    'SEARCH i USING INTEGER PRIMARY KEY (rowid=?)',
    'SEARCH d USING INTEGER PRIMARY KEY (rowid=?)',
  ]);
  expect(plan(store, hotDeletedLabelQueries.deletions)).not.toContain('USE TEMP B-TREE FOR ORDER BY');
  expect(plan(store, hotDeletedLabelQueries.wide)[0]).toBe(
    'SCAN label_change USING COVERING INDEX label_change_by_deletion',
  );
  expect(plan(store, hotDeletedLabelQueries.touching)[0]).toBe(
    'SEARCH label_change USING INDEX sqlite_autoindex_label_change_1 (image_id=?)',
  );
});

test('statistics of labels', async () => {
  const store = await createStore();
  const slice = 'image_by_split (dataset_id=? AND split=? AND rowid>? AND rowid<?)';
  const grouped = 'USE TEMP B-TREE FOR GROUP BY';
  expect(plan(store, hotStatisticsQueries.counts)).toEqual([
    `SEARCH i USING COVERING INDEX ${slice}`,
    'SEARCH a USING INDEX annotation_by_image (image_id=?)',
    grouped,
  ]);
  expect(plan(store, hotStatisticsQueries.images)).toEqual([
    `SEARCH i USING COVERING INDEX ${slice}`,
    'SEARCH a USING COVERING INDEX annotation_by_image (image_id=?)',
    grouped,
  ]);
  expect(plan(store, hotStatisticsQueries.area)).toEqual([SLICE]);
});

test('what a plan of splits reads, and labels as tiles', async () => {
  const store = await createStore();
  expect(plan(store, hotSplitQueries.images)).toEqual(['SEARCH image USING INTEGER PRIMARY KEY (rowid=?)']);
  expect(plan(store, hotSplitQueries.classes)[0]).toBe(
    'SEARCH annotation USING COVERING INDEX annotation_by_image (image_id=?)',
  );
  expect(plan(store, hotLibraryQueries.labelsOfClass)[0]).toBe(
    'SEARCH annotation USING COVERING INDEX annotation_by_category (category_id=? AND image_id=?)',
  );
  expect(plan(store, hotLibraryQueries.crops)).toEqual(['SEARCH annotation USING INTEGER PRIMARY KEY (rowid=?)']);
  const byKey = ['a', 'i'].map((table) => `SEARCH ${table} USING INTEGER PRIMARY KEY (rowid=?)`);
  expect(plan(store, hotAnnotationQueries.shape)).toEqual(byKey);
  expect(plan(store, hotAnnotationQueries.shapeSizes).slice(0, 2)).toEqual(byKey);
});

test('tags, and what runs found, look only at their slice', async () => {
  const store = await createStore();
  const ofQuery = (query: string) => plan(store, hotImageQueries.ids(condition({ query })));
  expect(ofQuery('tag:night').slice(1)).toEqual(['SEARCH t EXISTS USING PRIMARY KEY (image_id=? AND tag=?)']);
  expect(ofQuery('run:A.fp>0').filter((line) => line.includes(' r '))).toEqual([
    'SEARCH r USING PRIMARY KEY (run_id=? AND image_id>? AND image_id<?)',
  ]);
  for (const query of ['tag:night', '-tag:night', 'run:A', 'folder:a date>2026', 'edited=2026']) {
    expect(
      ofQuery(query).filter((line) => line.startsWith('SCAN')),
      query,
    ).toEqual([]);
  }
  expect(plan(store, hotTagQueries.ofImages)).toEqual(['SEARCH image_tag USING PRIMARY KEY (image_id=?)']);
  const ofRange = plan(store, hotTagQueries.ofRange).filter((line) => line.startsWith('S'));
  expect(ofRange[0]).toMatch(
    /^SEARCH i USING COVERING INDEX \w+ \(dataset_id=\? AND (rowid|id)>\? AND (rowid|id)<\?\)/,
  );
  expect(ofRange[1]).toBe('SEARCH t USING PRIMARY KEY (image_id=?)');
});

/**
 * The plans of the queries that run while a person waits. Each goes by an index, and what is sorted or grouped is at most
 * one slice of ids or one page of images.
 */
import { expect, test } from 'vitest';
import { hotAnnotationQueries } from '../../src-main/store/annotation-repository.ts';
import { hotDatasetQueries } from '../../src-main/store/dataset-repository.ts';
import { hotImageQueries } from '../../src-main/store/image-repository.ts';
import { hotRunQueries } from '../../src-main/store/run-repository.ts';
import type { ProjectStore } from '../../src-main/store/project-store.ts';
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

const SLICE = 'SEARCH i USING INDEX image_by_dataset (dataset_id=? AND rowid>? AND rowid<?)';
const SLICE_OF_IDS = 'SEARCH i USING COVERING INDEX image_by_dataset (dataset_id=? AND rowid>? AND rowid<?)';
const HAS_CATEGORY = 'SEARCH a EXISTS USING COVERING INDEX annotation_by_category (category_id=? AND image_id=?)';

test('ids of a filtered list', async () => {
  const store = await createStore();
  expect(plan(store, hotImageQueries.ids({ splits: false, categories: false }))).toEqual([SLICE_OF_IDS]);
  expect(plan(store, hotImageQueries.ids({ splits: false, categories: true }))).toEqual([SLICE_OF_IDS, HAS_CATEGORY]);
  expect(plan(store, hotImageQueries.ids({ splits: true, categories: false }))).toEqual([SLICE]);
  expect(plan(store, hotImageQueries.ids({ splits: true, categories: true }))).toEqual([SLICE, HAS_CATEGORY]);
});

test('facets', async () => {
  const store = await createStore();
  const grouped = 'USE TEMP B-TREE FOR GROUP BY';
  expect(plan(store, hotImageQueries.countBySplit({ categories: false }))).toEqual([SLICE, grouped]);
  expect(plan(store, hotImageQueries.countBySplit({ categories: true }))).toEqual([SLICE, HAS_CATEGORY, grouped]);
  const classes = 'SEARCH a USING COVERING INDEX annotation_by_image (image_id=?)';
  expect(plan(store, hotImageQueries.countByCategory({ splits: false }))).toEqual([
    SLICE_OF_IDS,
    classes,
    grouped,
    'USE TEMP B-TREE FOR count(DISTINCT)',
  ]);
  expect(plan(store, hotImageQueries.countByCategory({ splits: true }))).toEqual([
    'SEARCH i USING COVERING INDEX image_by_split (dataset_id=? AND split=? AND rowid>? AND rowid<?)',
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
  expect(plan(store, hotImageQueries.training)).toEqual([
    SLICE,
    'SEARCH a USING INDEX annotation_by_image (image_id=?) LEFT-JOIN',
    'SEARCH c USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN',
  ]);
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
  expect(plan(store, hotRunQueries.latest)).toEqual(['SEARCH metric_point USING PRIMARY KEY (run_id=? AND series=?)']);
  const best = [
    'SEARCH metric_point USING COVERING INDEX metric_point_by_value (run_id=? AND series=? AND value=?)',
    'SEARCH metric_point USING COVERING INDEX metric_point_by_value (run_id=? AND series=?)',
  ];
  expect(plan(store, hotRunQueries.highest)).toEqual(best);
  expect(plan(store, hotRunQueries.lowest)).toEqual(best);
  expect(plan(store, hotRunQueries.series)).toEqual(['SEARCH metric_point USING PRIMARY KEY (run_id=? AND series=?)']);
});

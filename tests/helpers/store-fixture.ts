/** A project's database in a temporary folder, and ways to put a small data set and runs into it without an import. */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Split } from '../../src-main/contract/model/dataset.ts';
import type { CategoryId, DatasetId, ImageId, ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import { createProjectStore, type ProjectStore } from '../../src-main/store/project-store.ts';
import { imagesAsTheyAre } from '../../src-main/contract/model/run-images.ts';
import { temporaryFolder } from './service-fixture.ts';
import { phase, smallConfig } from './run-config.ts';

export const PROJECT_ID = '4b1e7f6c-0d1a-4c39-9e2b-6f1f0a5d7c11' as ProjectId;

export async function createStore(): Promise<ProjectStore> {
  const file = join(await temporaryFolder(), 'project.sqlite');
  const store = createProjectStore(file, { projectId: PROJECT_ID, name: 'Fixture', createdAt: '2026-01-02T03:04:05Z' });
  onTestFinished(() => store.close());
  return store;
}

export interface AddedDataset {
  datasetId: DatasetId;
  categoryIds: CategoryId[];
  /** In the order they were added: train, then test. */
  imageIds: ImageId[];
}

/** A visible data set with the classes "a", "b", "c" … whose images have the given labels. */
export function addDataset(
  store: ProjectStore,
  labels: { train: readonly number[]; test: readonly number[] },
  name = 'Letters',
): AddedDataset {
  const datasetId = store.datasets.begin({
    name,
    format: 'cifar10',
    source: '/data',
    createdAt: '2026-01-02T03:04:05Z',
  });
  const classCount = Math.max(...labels.train, ...labels.test) + 1;
  const categoryIds = store.datasets.addCategories(
    datasetId,
    Array.from({ length: classCount }, (_, index) => String.fromCharCode(97 + index)),
  );
  const add = (split: Split, values: readonly number[]): void => {
    if (values.length === 0) return;
    const size = { channels: 3, heightPx: 32, widthPx: 32 };
    const packId = store.datasets.addPack(datasetId, {
      file: `dataset-${datasetId}-${split}.u8`,
      count: values.length,
      ...size,
    });
    store.images.insert({
      ...{ datasetId, split, packId, firstRow: 0, ...size, sourceFile: `${split}.bin`, firstNumber: 0, categoryIds },
      labels: Uint8Array.from(values),
    });
  };
  add('train', labels.train);
  add('test', labels.test);
  store.datasets.publish(datasetId);
  const range = store.images.idRange(datasetId);
  const imageIds = range ? store.images.idsInRange(datasetId, { splits: [], categoryIds: [] }, range) : [];
  return { datasetId, categoryIds, imageIds };
}

export function runConfig(datasetId: DatasetId, epochs: readonly number[] = [3]): RunConfig {
  return smallConfig({
    model: { id: 'lenet5', options: { batchNorm: true } },
    data: { datasetId, trainSplit: 'train', evaluationSplit: 'test', ...imagesAsTheyAre },
    batchSize: 64,
    phases: epochs.map((count) => phase({ epochs: count, learningRate: 0.001 })),
    seed: 1,
  });
}

export function addRun(
  store: ProjectStore,
  datasetId: DatasetId,
  name: string,
  epochs: readonly number[] = [3],
): RunId {
  return store.runs.insert({
    name,
    config: runConfig(datasetId, epochs),
    datasetName: 'Letters',
    folder: `runs/${name}`,
    createdAt: '2026-01-02T03:04:05Z',
  });
}

/** Collects what a run trains on from the store: which images of which packs belong to each split, and their classes. */
import { join } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { Split } from '../../contract/model/dataset.ts';
import type { DatasetId, ImageId } from '../../contract/model/ids.ts';
import type { SplitData, TrainingData } from '../../engine/data/training-data.ts';
import type { PackId } from '../../store/dataset-repository.ts';
import type { OpenProject } from '../open-projects.ts';
import { packsFolder } from './discard-dataset.ts';
import { idSlices } from './id-slices.ts';

/**
 * Images are in the order of the data set. Throws `not-found` for an unknown data set, and `bad-input` where a split is
 * empty or an image does not have exactly one class.
 */
export async function buildTrainingData(
  opened: OpenProject,
  datasetId: DatasetId,
  trainSplit: Split,
  evaluationSplit: Split,
): Promise<TrainingData> {
  const { datasets } = opened.store;
  const { categories, name } = datasets.get(datasetId);
  const packs = datasets.packs(datasetId);
  const packIndex = new Map(packs.map((pack, index) => [pack.packId, index]));
  return {
    categories: categories.map((category) => category.name),
    packs: packs.map(({ file, count, channels, heightPx, widthPx }) => ({
      file: join(packsFolder(opened.folder), file),
      ...{ count, channels, heightPx, widthPx },
    })),
    train: await collectSplit(opened, datasetId, name, trainSplit, packIndex),
    evaluation: await collectSplit(opened, datasetId, name, evaluationSplit, packIndex),
  };
}

async function collectSplit(
  { store }: OpenProject,
  datasetId: DatasetId,
  datasetName: string,
  split: Split,
  packIndex: ReadonlyMap<PackId, number>,
): Promise<SplitData> {
  const data: SplitData = { imageIds: [], packs: [], rows: [], labels: [] };
  for await (const range of idSlices(store, datasetId)) {
    for (const { imageId, packId, packRow, label } of store.images.trainingRowsInRange(datasetId, split, range)) {
      const pack = packId === null ? undefined : packIndex.get(packId);
      if (pack === undefined || packRow === null) throw unusable(imageId, 'its pixels are not in a pack');
      if (label === null) throw unusable(imageId, 'it has no class');
      if (data.imageIds.at(-1) === imageId) throw unusable(imageId, 'it has more than one class');
      data.imageIds.push(imageId);
      data.packs.push(pack);
      data.rows.push(packRow);
      data.labels.push(label);
    }
  }
  if (data.imageIds.length === 0) {
    throw new FoveaError(
      'bad-input',
      `The data set “${datasetName}” has no images in its split “${split}”. Choose another split.`,
      {
        datasetId,
        split,
      },
    );
  }
  return data;
}

function unusable(imageId: ImageId, reason: string): FoveaError {
  return new FoveaError('bad-input', `Image ${imageId} cannot be used to train a classifier: ${reason}.`, { imageId });
}

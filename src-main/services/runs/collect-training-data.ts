/** Reads which images a run trains on and is measured by, piece by piece, so that a large data set holds nobody up. */
import { join } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { Split } from '../../contract/model/dataset.ts';
import type { RunConfig } from '../../contract/model/run.ts';
import type { SplitData, TrainingData } from '../../engine/data/training-data.ts';
import type { Pack } from '../../store/dataset-repository.ts';
import { yieldToEventLoop } from '../event-loop.ts';
import type { OpenProject } from '../open-projects.ts';

const PACKS = 'packs';
const idsPerPiece = 5_000;

/**
 * The images of the two splits in the order of their ids; images without a class are left out.
 * Throws FoveaError `unsupported` for an image with several classes, or with a file of its own.
 */
export async function collectTrainingData(opened: OpenProject, config: RunConfig['data']): Promise<TrainingData> {
  const { datasets } = opened.store;
  const { datasetId, trainSplit, evaluationSplit } = config;
  const packs = datasets.packs(datasetId);
  return {
    categories: datasets.categories(datasetId).map(({ name }) => name),
    packs: packs.map(({ file, count, channels, heightPx, widthPx }) => ({
      file: join(opened.folder, PACKS, file),
      count,
      channels,
      heightPx,
      widthPx,
    })),
    train: await collectSplit(opened, datasetId, trainSplit, packs),
    evaluation: await collectSplit(opened, datasetId, evaluationSplit, packs),
  };
}

async function collectSplit(
  { store }: OpenProject,
  datasetId: RunConfig['data']['datasetId'],
  split: Split,
  packs: readonly Pack[],
): Promise<SplitData> {
  const data: SplitData = { imageIds: [], packs: [], rows: [], labels: [] };
  const packIndex = new Map(packs.map(({ packId }, index) => [packId, index]));
  const whole = store.images.idRange(datasetId);
  for (let after = whole?.after ?? 0; whole && after < whole.last; after += idsPerPiece) {
    const range = { after, last: Math.min(after + idsPerPiece, whole.last) };
    for (const { imageId, packId, packRow, label } of store.images.trainingRowsInRange(datasetId, split, range)) {
      if (label === null) continue;
      const pack = packId === null ? undefined : packIndex.get(packId);
      if (pack === undefined || packRow === null) throw unsupported(imageId, 'lies in a file of its own');
      if (data.imageIds.at(-1) === imageId) throw unsupported(imageId, 'has several classes');
      data.imageIds.push(imageId);
      data.packs.push(pack);
      data.rows.push(packRow);
      data.labels.push(label);
    }
    await yieldToEventLoop();
  }
  return data;
}

function unsupported(imageId: number, what: string): FoveaError {
  return new FoveaError(
    'unsupported',
    `Image ${imageId} ${what}. This version trains on packed images with one class each.`,
    { imageId },
  );
}

/**
 * The worker process's work on a run's artifacts: curves, confusion, labels and mosaics under the names that people know
 * from other tools.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FoveaError } from '../../../../contract/errors.ts';
import type { TrainingData } from '../../../../engine/data/training-data.ts';
import { runFiles } from '../../../../engine/train/run-folder.ts';
import { readTrainingData } from '../../../../engine/train/training-data-file.ts';
import { fileError } from '../../../file-errors.ts';
import { imageCodec } from '../../../image-codec.ts';
import { confusionSvg } from './confusion-picture.ts';
import { confidenceSvg, precisionRecallSvg, resultsSvg } from './curve-pictures.ts';
import { labelsSvg } from './labels-picture.ts';
import type { PicturesMessage, PicturesTask } from './messages.ts';
import { mosaicJpeg, type MosaicTile } from './mosaic.ts';
import { answerTiles, evaluationTiles, trainTiles } from './tiles.ts';

const trainBatches = 3;

/** Throws FoveaError `io` where nothing can be written. */
export async function drawPictures(task: PicturesTask, post: (message: PicturesMessage) => void): Promise<void> {
  const { target, folder, config, series, confusion, detection } = task;
  const put = async (name: string, content: Buffer): Promise<void> => {
    const file = join(target, name);
    await writeFile(file, content).catch((error: unknown) =>
      Promise.reject(fileError(error, 'write the picture', file)),
    );
  };
  const draw = async (name: string, svg: string | null): Promise<void> => {
    if (svg !== null) await put(name, await rastered(svg, name.endsWith('.jpg')));
  };
  await draw('results.png', resultsSvg(config.task, series));
  if (confusion !== null) {
    await draw('confusion_matrix.png', confusionSvg(confusion, false));
    await draw('confusion_matrix_normalized.png', confusionSvg(confusion, true));
  }
  if (detection !== null) {
    await draw('PR_curve.png', precisionRecallSvg(detection));
    await draw('F1_curve.png', confidenceSvg(detection, 'f1'));
    await draw('P_curve.png', confidenceSvg(detection, 'precision'));
    await draw('R_curve.png', confidenceSvg(detection, 'recall'));
  }
  const data = await readTrainingData(runFiles.data(folder));
  await draw('labels.jpg', labelsSvg(data.train, data.categories));
  const mosaic = async (name: string, tiles: readonly MosaicTile[]): Promise<void> => {
    if (tiles.length > 0) await put(name, await mosaicJpeg(tiles, networkOf(data), data.categories));
  };
  // Packs are a cache that a person may have emptied.
  try {
    for (let batch = 0; batch < trainBatches; batch++)
      await mosaic(`train_batch${batch}.jpg`, trainTiles(data, config, batch));
    await mosaic('val_batch0_labels.jpg', await evaluationTiles(data));
    await mosaic('val_batch0_pred.jpg', await answerTiles(data, config.task, runFiles.predictions(folder)));
  } catch (error) {
    if (!(error instanceof FoveaError) || error.code === 'io') throw error;
    post({ leftOut: `Mosaics of images: ${error.message}` });
  }
}

function networkOf({ packs, train, evaluation }: TrainingData) {
  const [first = evaluation.packs[0]!] = train.packs;
  const { widthPx, heightPx } = packs[first]!;
  return { widthPx, heightPx };
}

async function rastered(svg: string, asJpeg: boolean): Promise<Buffer> {
  const sharp = await imageCodec();
  const picture = sharp(Buffer.from(svg));
  return asJpeg ? picture.flatten({ background: '#fff' }).jpeg({ quality: 92 }).toBuffer() : picture.png().toBuffer();
}

/** The first training images of an epoch, made as a run would make them, of as few photographs as that takes. */
import { toErrorData } from '../../contract/errors.ts';
import type { PreviewBatch } from '../../contract/model/preview-batch.ts';
import { trainedClasses } from '../../contract/model/trained-classes.ts';
import { drawMask } from '../../engine/data/draw-mask.ts';
import { epochOrder } from '../../engine/data/epoch-order.ts';
import { padding } from '../../engine/data/letterbox.ts';
import { objectNumbers } from '../../engine/data/samples/boxes.ts';
import { renderSample, type TileImage } from '../../engine/data/samples/render.ts';
import { SampleSplit, sampleSettings } from '../../engine/data/samples/sample-split.ts';
import type { SplitData } from '../../engine/data/training-data.ts';
import type { ProjectReader } from '../../store/project-store.ts';
import type { TrainingImage } from '../../store/training-repository.ts';
import { readPackImages } from '../pack-pixels.ts';
import { collectSplit, shapesOf, uncoveredValue } from './collect.ts';
import { decodeImage, preparedChannels } from './decode-image.ts';
import type { DataTask } from './messages.ts';
import { trainedPose } from './pose-layout.ts';
import { inputGeometry, isTakenAsItIs } from './prepare.ts';

type PreviewTask = Extract<DataTask, { kind: 'preview' }>;

export async function preview(
  store: ProjectReader,
  task: PreviewTask,
  throwIfStopped: () => void,
): Promise<PreviewBatch> {
  const { config, folder, count, epoch } = task;
  const { images, labels, objects, maskDigest } = collectSplit(store, config, config.data.trainSplit, throwIfStopped);
  const geometry = inputGeometry(store, config);
  const { network, fit } = geometry;
  const classes = trainedClasses(config, store.datasets.categories(config.data.datasetId));
  const answer: PreviewBatch = {
    ...network,
    classes: classes.map(({ name }) => name),
    items: [],
    failures: [],
  };
  if (images.length === 0) return answer;
  const asTheyAre = isTakenAsItIs(config, images);
  const channels = asTheyAre
    ? (store.datasets.get(config.data.datasetId).imageSize?.channels ?? preparedChannels)
    : preparedChannels;
  // As they would lie in one pack.
  const split: SplitData = {
    imageIds: images.map(({ imageId }) => imageId),
    packs: images.map(() => 0),
    rows: [...images.keys()],
    labels,
    ...(!asTheyAre && { sizesPx: images.flatMap(({ widthPx, heightPx }) => [widthPx, heightPx]) }),
    ...(objects && { objects }),
  };
  const pack = { file: '', count: images.length, channels, ...network };
  const samples = new SampleSplit(
    { packs: [pack], fit, pose: trainedPose(store, config) },
    split,
    sampleSettings(config),
  );
  const uncovered = uncoveredValue(config, classes) ?? padding.mask;

  const read = async (image: TrainingImage): Promise<Uint8Array> => {
    const source = store.images.pixelSource(image.imageId);
    if (asTheyAre && source.kind === 'pack') return (await readPackImages(folder, [source.packed]))[0]!;
    return decodeImage(folder, source, image, geometry).catch((error: unknown) => {
      answer.failures.push(toErrorData(error).message);
      return new Uint8Array(channels * network.widthPx * network.heightPx).fill(padding.image);
    });
  };
  const known = new Map<number, Promise<TileImage>>();
  const tileAt = (position: number): Promise<TileImage> => {
    const image = images[position]!;
    const made =
      known.get(position) ??
      read(image).then((planes) => ({
        planes,
        mask:
          maskDigest === null
            ? null
            : drawMask(shapesOf(store, config, [image.imageId])[0]!, samples.placementOf(position), uncovered),
        contentXyxy: samples.contentOf(position),
        numbers: null,
      }));
    known.set(position, made);
    return made;
  };

  for (const position of epochOrder(images.length, config.seed, epoch).subarray(0, count)) {
    throwIfStopped();
    const recipe = samples.recipe(epoch, position);
    const boxes = samples.boxes(recipe);
    const numbers = objects && objectNumbers(boxes, recipe.tiles.length);
    const tiles = await Promise.all(
      recipe.tiles.map(async ({ position: at }, tile) => ({ ...(await tileAt(at)), numbers: numbers?.[tile] ?? null })),
    );
    const area = network.widthPx * network.heightPx;
    const planes = new Uint8Array(channels * area);
    const mask = maskDigest === null ? null : new Uint8Array(area);
    renderSample(recipe, tiles, network, planes, mask);
    const points = new Float32Array(boxes.length * samples.pointsWidth);
    samples.writePoints(recipe, boxes, points);
    answer.items.push({
      rgb: interleaved(planes, area),
      // Of the objects in a map, the class of each.
      mask: objects && mask ? mask.map((value) => boxes[value - 1]?.category ?? padding.mask) : mask,
      boxes: boxes.map(({ category, bboxXyxy: [x1, y1, x2, y2] }, row) => ({
        category,
        bboxXyxy: [x1, y1, x2, y2] as const,
        points: points.slice(row * samples.pointsWidth, (row + 1) * samples.pointsWidth),
      })),
      category: labels[position] ?? null,
    });
  }
  return answer;
}

/** [C, H, W] → [H, W, 3]; a grey image has its only channel three times. */
function interleaved(planes: Uint8Array, area: number): Uint8Array {
  const channels = planes.length / area;
  const rgb = new Uint8Array(3 * area);
  for (let at = 0; at < area; at++) {
    for (let channel = 0; channel < 3; channel++) rgb[3 * at + channel] = planes[(channel % channels) * area + at]!;
  }
  return rgb;
}

/** The results of a detection: the boxes of one image as they are stored, and measures, worked out in a child process. */
import { FoveaError } from '../../contract/errors.ts';
import type { ImageId } from '../../contract/model/ids.ts';
import {
  joinPayloads,
  objectSizes,
  payloadAt,
  type DetectionMeasures,
  type DetectionSettings,
  type ImageBoxes,
} from '../../contract/model/run-results.ts';
import { readCandidates, readDetectionPredictions } from '../../engine/train/detection-predictions-file.ts';
import { runFiles } from '../../engine/train/run-folder.ts';
import type { HostPorts } from '../backend.ts';
import { runTask } from '../devices/run-task.ts';
import { FileCache, measuredEpochsKept, predictionsModified, type ResultPlace } from './result-files.ts';

const deadlineMs = 300_000;
const objectWidth = 7;

export class DetectionResults {
  readonly #launchTask: HostPorts['launchTask'];
  readonly #files = new FileCache(readDetectionPredictions);
  /** By settings, then by file. */
  readonly #measures = new Map<string, FileCache<DetectionMeasures>>();

  constructor(launchTask: HostPorts['launchTask']) {
    this.#launchTask = launchTask;
  }

  /** Throws FoveaError `not-found` for an image that the run was not measured by. */
  async boxes({ predictions: file }: ResultPlace, imageId: ImageId): Promise<ImageBoxes> {
    const predictions = await this.#files.get(file, await predictionsModified(file));
    const index = Array.prototype.indexOf.call(predictions.imageIds, imageId);
    if (index < 0) throw new FoveaError('not-found', `The run was not measured by image ${imageId}.`, { imageId });
    const { firstObject, objects, head } = predictions;
    const [from, to] = [firstObject[index]!, firstObject[index + 1]!];
    const { rows, payloads } = await readCandidates(file, predictions, index, 1);
    const ofObjects = head && Array.from({ length: to - from }, (_, i) => payloadAt(head.objects, from + i));
    return {
      candidates: rows,
      objects: objects.slice(from * objectWidth, to * objectWidth),
      head: head && payloads && { kind: head.kind, candidates: payloads, objects: joinPayloads(ofObjects!) },
    };
  }

  /** Which sizes of objects each image has (`objectSizes`), crowds left out. */
  async sizes({ predictions: file }: ResultPlace): Promise<Uint8Array> {
    const { imageIds, firstObject, objects } = await this.#files.get(file, await predictionsModified(file));
    return Uint8Array.from(imageIds, (_, image) => {
      let sizes = 0;
      for (let at = firstObject[image]!; at < firstObject[image + 1]!; at++) {
        const [area, isCrowd] = objects.subarray(at * objectWidth + 5, at * objectWidth + 7);
        if (isCrowd !== 1) sizes |= objectSizes[area! < 32 ** 2 ? 'small' : area! < 96 ** 2 ? 'medium' : 'large'];
      }
      return sizes;
    });
  }

  /** Throws FoveaError `not-found` before the first evaluation. */
  async measures({ folder, predictions: file }: ResultPlace, settings: DetectionSettings): Promise<DetectionMeasures> {
    const key = `${settings.scoreThreshold} ${settings.iouThreshold}`;
    const cache =
      this.#measures.get(key) ??
      new FileCache((path) => {
        const request = { file: path, data: runFiles.data(folder), ...settings };
        return runTask(() => this.#launchTask(), { name: 'measure-detections', request }, { deadlineMs });
      }, measuredEpochsKept);
    this.#measures.set(key, cache);
    return cache.get(file, await predictionsModified(file));
  }
}

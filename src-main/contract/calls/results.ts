/** What a run has measured and learned, and runs beside each other. */
import * as v from 'valibot';
import { imageId, runId } from '../model/ids.ts';
import { runHistory, type LayerNorms, type TensorSpread } from '../model/monitoring.ts';
import type { FeatureMaps, NetworkInside } from '../model/network-inside.ts';
import {
  detectionSettings,
  type ClassAnswers,
  type DetectionReport,
  type ImageBoxes,
  type ImageMasks,
  type ImageScores,
  type PixelResults,
} from '../model/run-results.ts';
import {
  checkpointName,
  confusionMatrix,
  logLine,
  prediction,
  predictionFilter,
  runComparison,
  seriesNames,
  type KernelSet,
  type Series,
} from '../model/run.ts';
import { inEpoch, inProject, inRun, isObject, page } from './fields.ts';

const kernelSets = v.custom<readonly KernelSet[]>((value) => Array.isArray(value));
const imageScores = v.custom<ImageScores>(isObject);
const pixelResults = v.custom<PixelResults>(isObject);
const imageMasks = v.custom<ImageMasks>(isObject);
const imageBoxes = v.custom<ImageBoxes>(isObject);
const detectionMeasures = v.custom<DetectionReport>(isObject);
const networkInside = v.custom<NetworkInside>(isObject);
const featureMaps = v.custom<FeatureMaps>(isObject);
const layerNorms = v.custom<LayerNorms>(isObject);
const tensorSpread = v.custom<TensorSpread>(isObject);
const classAnswers = v.custom<ClassAnswers>(isObject);
const seriesList = v.custom<readonly Series[]>((value) => Array.isArray(value));

export const resultCalls = {
  'run.series': { request: v.object({ ...inRun, series: v.array(v.picklist(seriesNames)) }), response: seriesList },
  'run.log': { request: v.object(inRun), response: v.array(logLine) },
  'run.history': { request: v.object(inRun), response: runHistory },
  /** Of a past epoch those of the first layers only. */
  'run.kernels': { request: v.object({ ...inEpoch, checkpoint: checkpointName }), response: kernelSets },
  'run.predictions': {
    request: v.object({ ...inEpoch, filter: predictionFilter, ...page }),
    response: v.object({ total: v.number(), epoch: v.number(), items: v.array(prediction) }),
  },
  /** How well each image of the evaluation split was done, for every task. */
  'run.scores': { request: v.object(inEpoch), response: imageScores },
  /** Of a segmentation: which pixels of which class were called what, image by image. */
  'run.pixels': { request: v.object(inEpoch), response: pixelResults },
  'run.masks': { request: v.object({ ...inEpoch, imageId }), response: imageMasks },
  /** Of a detection: its measures, worked out anew from its predictions in a child process. */
  'run.detectionMeasures': {
    request: v.object({ ...inEpoch, settings: detectionSettings }),
    response: detectionMeasures,
  },
  'run.boxes': { request: v.object({ ...inEpoch, imageId }), response: imageBoxes },
  /** How the values of each layer are spread over some images of the evaluation split, in a child process. */
  'run.inside': { request: v.object({ ...inRun, checkpoint: checkpointName }), response: networkInside },
  'run.features': {
    request: v.object({ ...inRun, checkpoint: checkpointName, layer: v.string(), imageId }),
    response: featureMaps,
  },
  /** What was measured of the layers after each epoch. Throws `not-found` for a run whose layers were not watched. */
  'run.layers': { request: v.object(inRun), response: layerNorms },
  'run.layerSpread': { request: v.object({ ...inRun, tensor: v.string() }), response: tensorSpread },
  'run.answers': { request: v.object(inEpoch), response: classAnswers },
  'run.confusion': { request: v.object(inEpoch), response: confusionMatrix },
  'run.compare': {
    request: v.object({ ...inProject, runIds: v.pipe(v.array(runId), v.minLength(2), v.maxLength(8)) }),
    response: runComparison,
  },
  /** A run or a comparison as one document with its curves as SVG and example images, to be kept and sent; needs no network. */
  'run.report': {
    request: v.object({
      ...inProject,
      runIds: v.pipe(v.array(runId), v.minLength(1), v.maxLength(8)),
      format: v.picklist(['html', 'markdown']),
    }),
    response: v.object({ text: v.string() }),
  },
} as const;

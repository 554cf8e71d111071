/** Networks that look at a person's images. */
import * as v from 'valibot';
import { predictionSetId } from '../model/ids.ts';
import { tiling, type Seen } from '../model/image-prediction.ts';
import { job } from '../model/job.ts';
import { predictionForms, predictionSet, type OpenPredictionSet } from '../model/prediction-set.ts';
import { detectionSettings } from '../model/run-results.ts';
import { checkpointName } from '../model/run.ts';
import { inProject, inRun, isObject, nothing, path } from './fields.ts';

const seen = v.custom<Seen>(isObject);
const openPredictionSet = v.custom<OpenPredictionSet>(isObject);

export const predictionCalls = {
  /**
   * Has the network look at image files, and at those in folders, and writes what it says of them (PredictionDocument) into
   * `output`, a .json file. Boxes below `scoreThreshold` are left out.
   */
  'run.predict': {
    request: v.object({
      ...inRun,
      checkpoint: checkpointName,
      paths: v.pipe(v.array(path), v.minLength(1), v.maxLength(10_000)),
      scoreThreshold: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
      /** Large images in tiles, at their own size; null or absent: made to fit. */
      tiles: v.optional(v.nullable(tiling)),
      output: path,
      overwrite: v.boolean(),
    }),
    response: job,
  },
  /** The same, kept in the project: what it says of each image can be asked for as soon as it has been looked at. */
  'predict.start': {
    request: v.object({
      ...inRun,
      checkpoint: checkpointName,
      paths: v.pipe(v.array(path), v.minLength(1), v.maxLength(10_000)),
      tiles: v.nullable(tiling),
    }),
    response: v.object({ predictionSetId, job }),
  },
  /** Newest first. */
  'predict.list': { request: v.object(inProject), response: v.array(predictionSet) },
  'predict.get': { request: v.object({ ...inProject, predictionSetId }), response: openPredictionSet },
  /** `index`: place in the set's images. */
  'predict.image': {
    request: v.object({ ...inProject, predictionSetId, index: v.pipe(v.number(), v.integer(), v.minValue(0)) }),
    response: seen,
  },
  /** For good; the image files are not touched. */
  'predict.delete': { request: v.object({ ...inProject, predictionSetId }), response: nothing },
  /** Into `target`: a new .json file for `json`, a new or empty folder for the others. */
  'predict.write': {
    request: v.object({
      ...inProject,
      predictionSetId,
      form: v.picklist(predictionForms),
      settings: detectionSettings,
      target: path,
    }),
    response: job,
  },
} as const;

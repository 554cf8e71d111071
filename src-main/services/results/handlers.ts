/** The calls about what a run's network says of its images. Each task has its own results; scores and confusion all have. */
import type { Handlers } from '../../contract/ipc.ts';
import type { Category } from '../../contract/model/dataset.ts';
import type { ProjectId, RunId } from '../../contract/model/ids.ts';
import {
  usualDetectionSettings,
  type ClassAnswers,
  type DetectionReport,
  type DetectionSettings,
  type ImageScores,
} from '../../contract/model/run-results.ts';
import type { ConfusionMatrix, Task } from '../../contract/model/run.ts';
import { confusionOf } from '../../contract/model/segmentation-measures.ts';
import type { TrainedClass } from '../../contract/model/trained-classes.ts';
import { readLayerNorms, readTensorSpread } from '../../engine/train/layer-records.ts';
import { runFiles } from '../../engine/train/run-folder.ts';
import type { ServiceContext } from '../context.ts';
import type { PredictionReader } from '../runs/predictions.ts';
import { runFolder } from '../runs/restore-runs.ts';
import { classesOfRun } from './classes-of-run.ts';
import { DetectionResults } from './detection-results.ts';
import { NetworkInsides } from './network-inside.ts';
import { resultPlace, TrainingDataCache, type ResultPlace } from './result-files.ts';
import { SegmentationResults } from './segmentation-results.ts';

type ResultCalls =
  | 'run.inside'
  | 'run.features'
  | 'run.layers'
  | 'run.layerSpread'
  | 'run.answers'
  | 'run.scores'
  | 'run.confusion'
  | 'run.pixels'
  | 'run.masks'
  | 'run.boxes'
  | 'run.detectionMeasures';

/** A run as it is now, or after a past epoch. */
interface RunMoment {
  projectId: ProjectId;
  runId: RunId;
  epoch?: number | null | undefined;
}

/** Of one run. Its data set, or classes of it, may be gone. */
interface RunPlace extends ResultPlace {
  /** Those of `classes` that there are, in their order. */
  categories: Category[];
  /** As the network sees them. */
  classes: TrainedClass[];
}

interface TaskResults {
  scores(run: RunPlace): Promise<ImageScores>;
  confusion(run: RunPlace): Promise<ConfusionMatrix>;
  answers(run: RunPlace): Promise<ClassAnswers>;
}

export function createResultHandlers(
  { projects, ports }: ServiceContext,
  classified: PredictionReader,
): Pick<Handlers, ResultCalls> {
  const segmented = new SegmentationResults(new TrainingDataCache());
  const detected = new DetectionResults(() => ports.launchTask());
  const insides = new NetworkInsides(() => ports.launchTask());
  async function report(
    place: ResultPlace,
    classes: TrainedClass[],
    settings: DetectionSettings,
  ): Promise<DetectionReport> {
    const measures = await detected.measures(place, settings);
    const known = measures.perCategory.map((_, i) => classes[i] ?? { name: `class ${i}`, categoryId: null });
    return { ...measures, classes: [...known, { name: 'background', categoryId: null }] };
  }

  const objects: TaskResults = {
    scores: async (run) => {
      const { epoch, imageIds, scores } = await detected.measures(run, usualDetectionSettings);
      return { epoch, meaning: 'F1 of the image’s boxes', imageIds, scores, right: null };
    },
    confusion: async (run) => {
      const { cells, classes: named } = await report(run, run.classes, usualDetectionSettings);
      return { classes: named, unit: 'objects', counts: confusionOf(cells, named.length) };
    },
    answers: async (run) => {
      const measured = await report(run, run.classes, usualDetectionSettings);
      const { epoch, classes, imageIds, cells, perCategory } = measured;
      const precisionAtRecall = [...perCategory.map((category) => category.precisionAtRecall), null];
      const sizes = await detected.sizes(run);
      return { epoch, classes, unit: 'objects', imageIds, cells, sizes, precisionAtRecall };
    },
  };
  const results: Record<Task, TaskResults> = {
    classification: {
      scores: ({ predictions }) => classified.scores(predictions),
      confusion: ({ predictions, categories }) => classified.confusion(predictions, categories),
      answers: ({ predictions, classes }) => classified.answers(predictions, classes),
    },
    segmentation: {
      scores: (run) => segmented.scores(run),
      confusion: async (run) => {
        const { classes, pairs } = await segmented.pixels(run, run.classes);
        return { classes, unit: 'pixels', counts: confusionOf(pairs, classes.length) };
      },
      answers: async (run) => {
        const { epoch, classes, imageIds, pairs } = await segmented.pixels(run, run.classes);
        const precisionAtRecall = await segmented.precisionAtRecall(run);
        return { epoch, classes, unit: 'pixels', imageIds, cells: pairs, sizes: null, precisionAtRecall };
      },
    },
    detection: objects,
    'instance-segmentation': objects,
    pose: objects,
  };

  async function place({ projectId, runId, epoch = null }: RunMoment): Promise<RunPlace & { task: Task }> {
    const opened = projects.get(projectId);
    const { task } = opened.store.runs.config(runId);
    const at = resultPlace(runFolder(opened, runId), epoch);
    return { task, ...at, ...(await classesOfRun(opened, runId)) };
  }

  return {
    'run.scores': async (run) => {
      const at = await place(run);
      return results[at.task].scores(at);
    },
    'run.confusion': async (run) => {
      const at = await place(run);
      return results[at.task].confusion(at);
    },
    'run.inside': async ({ checkpoint, ...run }) => insides.spread((await place(run)).folder, checkpoint),
    'run.features': async ({ checkpoint, layer, imageId, ...run }) =>
      insides.maps((await place(run)).folder, checkpoint, layer, imageId),
    'run.layers': async ({ projectId, runId }) =>
      readLayerNorms(runFiles.layers(runFolder(projects.get(projectId), runId))),
    'run.layerSpread': async ({ projectId, runId, tensor }) =>
      readTensorSpread(runFiles.layers(runFolder(projects.get(projectId), runId)), tensor),
    'run.answers': async (run) => {
      const at = await place(run);
      return results[at.task].answers(at);
    },
    'run.pixels': async (run) => {
      const at = await place(run);
      return segmented.pixels(at, at.classes);
    },
    'run.masks': async ({ imageId, ...run }) => segmented.masks(await place(run), imageId),
    'run.boxes': async ({ imageId, ...run }) => detected.boxes(await place(run), imageId),
    'run.detectionMeasures': async ({ settings, ...run }) => {
      const at = await place(run);
      return report(at, at.classes, settings);
    },
  };
}

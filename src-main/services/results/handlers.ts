/** The calls about what a run's network says of its images. Each task has its own results; scores and confusion all have. */
import type { Handlers } from '../../contract/ipc.ts';
import type { Category } from '../../contract/model/dataset.ts';
import type { ProjectId, RunId } from '../../contract/model/ids.ts';
import {
  usualDetectionSettings,
  type DetectionReport,
  type DetectionSettings,
  type ImageScores,
} from '../../contract/model/run-results.ts';
import type { ConfusionMatrix, Task } from '../../contract/model/run.ts';
import { confusionOf } from '../../contract/model/segmentation-measures.ts';
import { trainedClasses, type TrainedClass } from '../../contract/model/trained-classes.ts';
import { runFiles } from '../../engine/train/run-folder.ts';
import type { ServiceContext } from '../context.ts';
import type { PredictionReader } from '../runs/predictions.ts';
import { runFolder } from '../runs/restore-runs.ts';
import { DetectionResults } from './detection-results.ts';
import { TrainingDataCache } from './result-files.ts';
import { SegmentationResults } from './segmentation-results.ts';

type ResultCalls = 'run.scores' | 'run.confusion' | 'run.pixels' | 'run.masks' | 'run.boxes' | 'run.detectionMeasures';

/** Of one run. Its data set may be gone: then it has no classes. */
interface RunPlace {
  folder: string;
  categories: Category[];
  /** As the network sees them. */
  classes: TrainedClass[];
}

interface TaskResults {
  scores(run: RunPlace): Promise<ImageScores>;
  confusion(run: RunPlace): Promise<ConfusionMatrix>;
}

export function createResultHandlers(
  { projects, ports }: ServiceContext,
  classified: PredictionReader,
): Pick<Handlers, ResultCalls> {
  const segmented = new SegmentationResults(new TrainingDataCache());
  const detected = new DetectionResults(() => ports.launchTask());
  async function report(
    folder: string,
    classes: TrainedClass[],
    settings: DetectionSettings,
  ): Promise<DetectionReport> {
    const measures = await detected.measures(folder, settings);
    const known = measures.perCategory.map((_, i) => classes[i] ?? { name: `class ${i}`, categoryId: null });
    return { ...measures, classes: [...known, { name: 'background', categoryId: null }] };
  }

  const results: Record<Task, TaskResults> = {
    classification: {
      scores: ({ folder }) => classified.scores(runFiles.predictions(folder)),
      confusion: ({ folder, categories }) => classified.confusion(runFiles.predictions(folder), categories),
    },
    segmentation: {
      scores: ({ folder }) => segmented.scores(folder),
      confusion: async ({ folder, classes: known }) => {
        const { classes, pairs } = await segmented.pixels(folder, known);
        return { classes, unit: 'pixels', counts: confusionOf(pairs, classes.length) };
      },
    },
    detection: {
      scores: async ({ folder }) => {
        const { epoch, imageIds, scores } = await detected.measures(folder, usualDetectionSettings);
        return { epoch, meaning: 'F1 of the image’s boxes', imageIds, scores, right: null };
      },
      confusion: async ({ folder, classes }) => {
        const { cells, classes: named } = await report(folder, classes, usualDetectionSettings);
        return { classes: named, unit: 'objects', counts: confusionOf(cells, named.length) };
      },
    },
  };

  function place({ projectId, runId }: { projectId: ProjectId; runId: RunId }): RunPlace & { task: Task } {
    const opened = projects.get(projectId);
    const { runs, datasets } = opened.store;
    const config = runs.config(runId);
    const categories = datasets.categories(config.data.datasetId).toSorted((a, b) => a.ordinal - b.ordinal);
    const classes = trainedClasses(config, categories);
    return { task: config.task, folder: runFolder(opened, runId), categories, classes };
  }

  return {
    'run.scores': async (run) => {
      const at = place(run);
      return results[at.task].scores(at);
    },
    'run.confusion': async (run) => {
      const at = place(run);
      return results[at.task].confusion(at);
    },
    'run.pixels': async (run) => {
      const { folder, classes } = place(run);
      return segmented.pixels(folder, classes);
    },
    'run.masks': async ({ imageId, ...run }) => segmented.masks(place(run).folder, imageId),
    'run.boxes': async ({ imageId, ...run }) => detected.boxes(place(run).folder, imageId),
    'run.detectionMeasures': async ({ settings, ...run }) => {
      const { folder, classes } = place(run);
      return report(folder, classes, settings);
    },
  };
}

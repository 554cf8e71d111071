/**
 * What is said and shown of each task's runs, as data: its name, what labels it learns from, the metric that stands for a
 * run, and the charts. Lists, verdicts, reports, the CLI and the window follow it and name no task.
 */
import type { ShapeKind } from './annotation.ts';
import { metricDefinitions, type MetricName, type Task } from './run.ts';

/** One plot over the epochs. Where `step` is there, it stands for the train line while steps are shown. */
export interface MetricChart {
  title: string;
  /** What the number is; the direction that is better follows from the metric. */
  note: string | null;
  train: MetricName | null;
  test: MetricName | null;
  step?: 'step/loss';
}

export interface TaskDefinition {
  label: string;
  /** What the network says of an image, in a sentence that begins with "says". */
  explanation: string;
  /** What an answer is about: an image as a whole, its pixels, or objects in boxes. */
  answer: 'class' | 'pixels' | 'objects';
  /** Labels that it can be learned from, the most fitting first. */
  learnsFrom: readonly ShapeKind[];
  headline: MetricName;
  charts: readonly MetricChart[];
}

const loss: MetricChart = { title: 'Loss', note: null, train: 'train/loss', test: 'test/loss', step: 'step/loss' };
/** What every detector has, whatever its head says beside the boxes. */
const boxScores: readonly MetricChart[] = [
  { title: 'mAP50-95', note: 'over IoU 0.50 to 0.95, mean over classes', train: null, test: 'test/ap' },
  { title: 'mAP50', note: 'at IoU 0.50, mean over classes', train: null, test: 'test/ap50' },
];
const boxLosses: readonly MetricChart[] = [
  { title: 'Box loss', note: 'CIoU, with its gain', train: 'train/boxLoss', test: 'test/boxLoss' },
  { title: 'Class loss', note: 'with its gain', train: 'train/categoryLoss', test: 'test/categoryLoss' },
  {
    title: 'DFL loss',
    note: 'of the sides, with its gain',
    train: 'train/distributionLoss',
    test: 'test/distributionLoss',
  },
];

export const taskDefinitions: Readonly<Record<Task, TaskDefinition>> = {
  classification: {
    label: 'Classification',
    explanation: 'says which class an image shows',
    answer: 'class',
    learnsFrom: ['classification'],
    headline: 'test/accuracy',
    charts: [
      loss,
      { title: 'Accuracy', note: 'share of images that are right', train: 'train/accuracy', test: 'test/accuracy' },
    ],
  },
  segmentation: {
    label: 'Segmentation',
    explanation: 'says of every pixel which class it shows',
    answer: 'pixels',
    learnsFrom: ['polygon', 'mask', 'rotated-box', 'bbox'],
    headline: 'test/meanIou',
    charts: [
      loss,
      {
        title: 'Mean IoU',
        note: 'overlap with the truth, mean over classes',
        train: 'train/meanIou',
        test: 'test/meanIou',
      },
      { title: 'Accuracy', note: 'share of pixels that are right', train: null, test: 'test/accuracy' },
      { title: 'Dice', note: 'mean over classes', train: null, test: 'test/dice' },
    ],
  },
  detection: {
    label: 'Detection',
    explanation: 'says where objects are, and of which class',
    answer: 'objects',
    learnsFrom: ['bbox', 'polygon', 'mask', 'rotated-box'],
    headline: 'test/ap',
    charts: [
      loss,
      ...boxScores,
      { title: 'Precision', note: 'share of the boxes that are right', train: null, test: 'test/precision' },
      { title: 'Recall', note: 'share of the objects that are found', train: null, test: 'test/recall' },
      ...boxLosses,
    ],
  },
  'instance-segmentation': {
    label: 'Instance segmentation',
    explanation: 'says where objects are, of which class, and which pixels each covers',
    answer: 'objects',
    learnsFrom: ['polygon', 'mask', 'rotated-box', 'bbox'],
    headline: 'test/maskAp',
    charts: [
      loss,
      {
        title: 'Mask mAP50-95',
        note: 'over mask IoU 0.50 to 0.95, mean over classes',
        train: null,
        test: 'test/maskAp',
      },
      { title: 'Mask mAP50', note: 'at mask IoU 0.50, mean over classes', train: null, test: 'test/maskAp50' },
      ...boxScores,
      {
        title: 'Mask loss',
        note: 'cross-entropy in the boxes, with its gain',
        train: 'train/maskLoss',
        test: 'test/maskLoss',
      },
      ...boxLosses,
    ],
  },
  pose: {
    label: 'Pose',
    explanation: 'says where objects are, of which class, and where the points of each lie',
    answer: 'objects',
    learnsFrom: ['keypoints'],
    headline: 'test/poseAp',
    charts: [
      loss,
      { title: 'Pose mAP50-95', note: 'over OKS 0.50 to 0.95, mean over classes', train: null, test: 'test/poseAp' },
      { title: 'Pose mAP50', note: 'at OKS 0.50, mean over classes', train: null, test: 'test/poseAp50' },
      ...boxScores,
      { title: 'Pose loss', note: '1 − OKS, with its gain', train: 'train/positionLoss', test: 'test/positionLoss' },
      { title: 'Point loss', note: 'with its gain', train: 'train/visibilityLoss', test: 'test/visibilityLoss' },
      ...boxLosses,
    ],
  },
};

export const saysObjects = (task: Task): boolean => taskDefinitions[task].answer === 'objects';

export const headlineOf = ({ task }: { task: Task }): MetricName => taskDefinitions[task].headline;

const isSame = (a: MetricChart, b: MetricChart): boolean =>
  a.title === b.title && a.train === b.train && a.test === b.test;

/** Of any of the tasks, each once. */
export function chartsOf(tasks: readonly Task[]): MetricChart[] {
  const charts = tasks.flatMap((task) => taskDefinitions[task].charts);
  return charts.filter((chart, index) => charts.findIndex((other) => isSame(other, chart)) === index);
}

export const hasChart = (task: Task, chart: MetricChart): boolean =>
  taskDefinitions[task].charts.some((own) => isSame(own, chart));

/** "lower is better", for a chart's note. */
export function directionOf({ train, test }: MetricChart): 'higher' | 'lower' {
  const metric = test ?? train;
  return metric === null ? 'higher' : metricDefinitions[metric].better;
}

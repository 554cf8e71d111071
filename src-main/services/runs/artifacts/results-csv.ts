/** A run's numbers, a row an epoch, under the column names that tools of the field read (`results.csv`). Pure. */
import type { Series, SeriesName, Task } from '../../../contract/model/run.ts';
import { taskDefinitions } from '../../../contract/model/tasks.ts';

type Columns = readonly (readonly [column: string, series: SeriesName])[];

const learningRate = ['lr/pg0', 'epoch/learningRate'] as const;
const columnsOf: Readonly<Record<Task, Columns>> = {
  classification: [
    ['train/loss', 'train/loss'],
    ['train/accuracy_top1', 'train/accuracy'],
    ['metrics/accuracy_top1', 'test/accuracy'],
    ['val/loss', 'test/loss'],
    learningRate,
  ],
  segmentation: [
    ['train/loss', 'train/loss'],
    ['metrics/mIoU', 'test/meanIou'],
    ['metrics/dice', 'test/dice'],
    ['metrics/pixel_accuracy', 'test/accuracy'],
    ['val/loss', 'test/loss'],
    learningRate,
  ],
  detection: [
    ['train/box_loss', 'train/boxLoss'],
    ['train/cls_loss', 'train/categoryLoss'],
    ['train/dfl_loss', 'train/distributionLoss'],
    ['metrics/precision(B)', 'test/precision'],
    ['metrics/recall(B)', 'test/recall'],
    ['metrics/mAP50(B)', 'test/ap50'],
    ['metrics/mAP50-95(B)', 'test/ap'],
    ['val/box_loss', 'test/boxLoss'],
    ['val/cls_loss', 'test/categoryLoss'],
    ['val/dfl_loss', 'test/distributionLoss'],
    learningRate,
  ],
  'instance-segmentation': [
    ['train/box_loss', 'train/boxLoss'],
    ['train/seg_loss', 'train/maskLoss'],
    ['train/cls_loss', 'train/categoryLoss'],
    ['train/dfl_loss', 'train/distributionLoss'],
    ['metrics/precision(B)', 'test/precision'],
    ['metrics/recall(B)', 'test/recall'],
    ['metrics/mAP50(B)', 'test/ap50'],
    ['metrics/mAP50-95(B)', 'test/ap'],
    ['metrics/precision(M)', 'test/maskPrecision'],
    ['metrics/recall(M)', 'test/maskRecall'],
    ['metrics/mAP50(M)', 'test/maskAp50'],
    ['metrics/mAP50-95(M)', 'test/maskAp'],
    ['val/box_loss', 'test/boxLoss'],
    ['val/seg_loss', 'test/maskLoss'],
    ['val/cls_loss', 'test/categoryLoss'],
    ['val/dfl_loss', 'test/distributionLoss'],
    learningRate,
  ],
  pose: [
    ['train/box_loss', 'train/boxLoss'],
    ['train/pose_loss', 'train/positionLoss'],
    ['train/kobj_loss', 'train/visibilityLoss'],
    ['train/cls_loss', 'train/categoryLoss'],
    ['train/dfl_loss', 'train/distributionLoss'],
    ['metrics/precision(B)', 'test/precision'],
    ['metrics/recall(B)', 'test/recall'],
    ['metrics/mAP50(B)', 'test/ap50'],
    ['metrics/mAP50-95(B)', 'test/ap'],
    ['metrics/precision(P)', 'test/posePrecision'],
    ['metrics/recall(P)', 'test/poseRecall'],
    ['metrics/mAP50(P)', 'test/poseAp50'],
    ['metrics/mAP50-95(P)', 'test/poseAp'],
    ['val/box_loss', 'test/boxLoss'],
    ['val/pose_loss', 'test/positionLoss'],
    ['val/kobj_loss', 'test/visibilityLoss'],
    ['val/cls_loss', 'test/categoryLoss'],
    ['val/dfl_loss', 'test/distributionLoss'],
    learningRate,
  ],
};

/** Which series each column of a task's table is; also those of tables that other tools wrote. */
export const foreignColumns = (task: Task): Columns => columnsOf[task];

/** What the table and the charts of a run are made of. */
export function artifactSeries(task: Task): SeriesName[] {
  const charted = taskDefinitions[task].charts.flatMap(({ train, test }) => [train, test]);
  return [...new Set([...columnsOf[task].map(([, series]) => series), ...charted.filter((name) => name !== null)])];
}

/** `series`: those of `artifactSeries`, in any order. A value that was not measured is an empty field; time in seconds. */
export function resultsCsv(task: Task, series: readonly Series[]): string {
  const byName = new Map(series.map((each) => [each.series, each]));
  const epochs = [...new Set(series.flatMap((each) => Array.from(each.epochs)))].sort((a, b) => a - b);
  const valueAt = (name: SeriesName, epoch: number, of: 'values' | 'times'): number | undefined => {
    const found = byName.get(name);
    return found?.[of][found.epochs.indexOf(epoch)];
  };
  const rows = epochs.map((epoch) => {
    const times = series.map((each) => valueAt(each.series, epoch, 'times')).filter((time) => Number.isFinite(time));
    const seconds = times.length === 0 ? '' : (times[0]! / 1000).toFixed(3);
    const values = columnsOf[task].map(([, name]) => {
      const value = valueAt(name, epoch, 'values');
      return value === undefined ? '' : String(value);
    });
    return [epoch, seconds, ...values].join(',');
  });
  return [['epoch', 'time', ...columnsOf[task].map(([column]) => column)].join(','), ...rows, ''].join('\n');
}

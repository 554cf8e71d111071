/** The writer of each format. */
import type { ExportFormat } from '../../../contract/model/dataset-export.ts';
import { CocoWriter } from './coco-writer.ts';
import { CvatWriter } from './cvat-writer.ts';
import { FoldersWriter } from './folders-writer.ts';
import { LabelmeWriter } from './labelme-writer.ts';
import { MasksWriter } from './masks-writer.ts';
import { VocWriter } from './voc-writer.ts';
import type { ExportWriter, WriterTask } from './writer.ts';
import { YoloWriter } from './yolo-writer.ts';

const writers: Record<ExportFormat, (task: WriterTask) => ExportWriter> = {
  coco: (task) => new CocoWriter(task),
  'yolo-detect': (task) => new YoloWriter(task, 'detect'),
  'yolo-segment': (task) => new YoloWriter(task, 'segment'),
  'yolo-obb': (task) => new YoloWriter(task, 'obb'),
  'yolo-pose': (task) => new YoloWriter(task, 'pose'),
  voc: (task) => new VocWriter(task),
  labelme: (task) => new LabelmeWriter(task),
  cvat: (task) => new CvatWriter(task),
  'masks-index': (task) => new MasksWriter(task, 'grey'),
  'masks-palette': (task) => new MasksWriter(task, 'palette'),
  'masks-colour': (task) => new MasksWriter(task, 'colour'),
  'image-folders': (task) => new FoldersWriter(task),
};

/** Throws FoveaError `unsupported` where the format cannot hold the data set's classes. */
export function createWriter(format: ExportFormat, task: WriterTask): ExportWriter {
  return writers[format](task);
}

/** Writing a data set's labels and images into a folder, in the format of other tools. */
import * as v from 'valibot';

/** "detect" writes boxes, "segment" outlines too; COCO holds both at once. */
export const exportFormats = ['yolo-detect', 'yolo-segment', 'coco'] as const;
export const exportFormat = v.picklist(exportFormats);
export type ExportFormat = v.InferOutput<typeof exportFormat>;

export const exportFormatLabels = {
  'yolo-detect': 'YOLO, boxes',
  'yolo-segment': 'YOLO, outlines',
  coco: 'COCO JSON',
} as const satisfies Record<ExportFormat, string>;

/** What will be written, and what the format cannot hold, told before anything is. */
export const exportReport = v.object({
  imageCount: v.number(),
  labelCount: v.number(),
  /** One sentence each; empty where nothing is lost. */
  losses: v.array(v.string()),
});
export type ExportReport = v.InferOutput<typeof exportReport>;

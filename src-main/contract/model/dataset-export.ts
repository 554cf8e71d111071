/** Writing a data set's labels and images into a folder, in the format of other tools. */
import * as v from 'valibot';

/** In the order in which they are offered. */
export const exportFormats = [
  'coco',
  'yolo-detect',
  'yolo-segment',
  'yolo-obb',
  'yolo-pose',
  'voc',
  'labelme',
  'cvat',
  'masks-index',
  'masks-palette',
  'masks-colour',
  'image-folders',
] as const;
export const exportFormat = v.picklist(exportFormats);
export type ExportFormat = v.InferOutput<typeof exportFormat>;

export const exportFormatLabels = {
  coco: 'COCO JSON',
  'yolo-detect': 'YOLO, boxes',
  'yolo-segment': 'YOLO, outlines',
  'yolo-obb': 'YOLO, rotated boxes',
  'yolo-pose': 'YOLO, keypoints',
  voc: 'Pascal VOC',
  labelme: 'labelme',
  cvat: 'CVAT for images',
  'masks-index': 'Mask images, a grey value for each class',
  'masks-palette': 'Mask images with a palette',
  'masks-colour': 'Mask images in colour',
  'image-folders': 'A folder for each class (YOLO classify)',
} as const satisfies Record<ExportFormat, string>;

/** What becomes of the images: copies of them beside the labels, or nothing, where the labels go to somebody who has them. */
export const exportImages = v.picklist(['copy', 'none']);
export type ExportImages = v.InferOutput<typeof exportImages>;

/** What they are, the images themselves say by where they lie. */
export const imagesAreLabels: readonly ExportFormat[] = ['image-folders'];

/** What will be written, and what the format cannot hold, told before anything is. */
export const exportReport = v.object({
  imageCount: v.number(),
  labelCount: v.number(),
  /** One sentence each; empty where nothing is lost. */
  losses: v.array(v.string()),
});
export type ExportReport = v.InferOutput<typeof exportReport>;

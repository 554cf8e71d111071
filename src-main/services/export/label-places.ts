/** Where the labels of an image go, by where the image lies: as the tools of each format look for them. */
import type { ExportFormat } from '../../contract/model/dataset-export.ts';
import { withoutEnding } from '../../formats/image-files.ts';

type LabelPlace = (imagePath: string) => string;

/** YOLO's tools look into “labels” where the image is in “images”, else beside the image. */
const yolo: LabelPlace = (path) => {
  const segments = path.split('/');
  const at = segments.lastIndexOf('images');
  return `${withoutEnding((at < 0 ? segments : segments.with(at, 'labels')).join('/'))}.txt`;
};
const mask: LabelPlace = (path) => `${withoutEnding(inFolder(path, 'images', 'masks'))}.png`;

/** Null where all images share a document, or have none. */
export const labelPlaces: Record<ExportFormat, LabelPlace | null> = {
  coco: null,
  'yolo-detect': yolo,
  'yolo-segment': yolo,
  'yolo-obb': yolo,
  'yolo-pose': yolo,
  voc: (path) => `${withoutEnding(inFolder(path, 'JPEGImages', 'Annotations'))}.xml`,
  labelme: (path) => `${withoutEnding(path)}.json`,
  cvat: null,
  'masks-index': mask,
  'masks-palette': mask,
  'masks-colour': mask,
  'image-folders': null,
};

/** The same path in another folder at the top. */
function inFolder(path: string, from: string, to: string): string {
  return `${to}/${withoutFolder(path, from)}`;
}

export function withoutFolder(path: string, folder: string): string {
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path;
}

/** Where the images of an export lie that holds labels alone: where they are now, below their data set's folder. */
import type { ExportFormat } from '../../contract/model/dataset-export.ts';
import { splits } from '../../contract/model/dataset.ts';
import { sameNameAs } from '../../formats/image-files.ts';
import type { ExportedImage } from './exported-images.ts';
import { labelPlaces } from './label-places.ts';
import type { PlacedImage } from './writers/writer.ts';
import { fitsOnLine } from './writers/split-lists.ts';

type Place = Pick<PlacedImage, 'path' | 'labelPath'>;

/** Why an image has no place. */
export type NoPlace = 'taken' | 'unlistable';

/** Formats that list their images one a line. */
const listsImages: readonly ExportFormat[] = ['yolo-detect', 'yolo-segment', 'yolo-obb', 'yolo-pose', 'voc'];

/** A function that is asked once for each image: label files are the first one's that has them. */
export function ownPlaces(format: ExportFormat): (image: ExportedImage) => Place | NoPlace {
  const labelPlace = labelPlaces[format];
  const taken = new Set(splits.map((split) => `${split}.txt`)); // the lists of images
  return ({ ownPath: path }) => {
    if (listsImages.includes(format) && !fitsOnLine(path)) return 'unlistable';
    if (labelPlace === null) return { path, labelPath: null };
    const labelPath = labelPlace(path);
    if (taken.has(sameNameAs(labelPath))) return 'taken';
    taken.add(sameNameAs(labelPath));
    return { path, labelPath };
  };
}

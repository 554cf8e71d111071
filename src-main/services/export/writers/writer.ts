/** What every writer of a format does: it gets one image after the other, with a folder of its own to write into. */
import type { ExportImages } from '../../../contract/model/dataset-export.ts';
import type { Category } from '../../../contract/model/dataset.ts';
import type { ParsedSkeleton } from '../../../formats/skeleton.ts';
import type { YoloPoints } from '../../../formats/yolo.ts';
import type { ExportedImage } from '../exported-images.ts';

export interface WriterTask {
  /** Exists and is empty. */
  root: string;
  categories: readonly Category[];
  /** The numbers that the source gave the classes, in their order; null where it is the place. */
  sourceIds: readonly (number | null)[];
  /** What a class's objects consist of, in the order of the classes; null where nobody has said it. */
  skeletons: readonly (ParsedSkeleton | null)[];
  /** Of a format with one number of points for all objects; null for the others, and where no object has any. */
  points: YoloPoints | null;
  images: ExportImages;
}

export interface PlacedImage extends ExportedImage {
  /** Where the image lies, with forward slashes: below the root as a copy, else below the folder that the labels are for. */
  path: string;
  /** Where its own file of labels goes, below the root; null where the format has none. */
  labelPath: string | null;
}

export interface ExportWriter {
  /** Where a copy of the image goes, relative to the root; null where the format has no place for the image. */
  copyPath(image: ExportedImage): string | null;
  image(image: PlacedImage): Promise<void>;
  finish(): Promise<void>;
  /** Closes what is open. */
  abandon(): Promise<void>;
}

/** Nobody has said anything of the image, so that no file of labels may say that it shows nothing. */
export function isUnlabelled({ labels, review }: Pick<ExportedImage, 'labels' | 'review'>): boolean {
  return labels.length === 0 && review === 'to-do';
}

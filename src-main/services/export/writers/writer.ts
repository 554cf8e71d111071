/** What every writer of a format does: it gets one image after the other, with a folder of its own to write into. */
import type { Category } from '../../../contract/model/dataset.ts';
import type { ExportedImage } from '../exported-images.ts';

export interface WriterTask {
  /** Exists and is empty. */
  root: string;
  categories: readonly Category[];
  /** The numbers that the source gave the classes, in their order; null where it is the place. */
  sourceIds: readonly (number | null)[];
  /** Of the object with the most, 0 without any. */
  keypointCount: number;
}

export interface ExportWriter {
  /** Where the image's own file goes, relative to the root; null where the format has no place for the image. */
  imagePath(image: ExportedImage): string | null;
  image(image: ExportedImage): Promise<void>;
  finish(): Promise<void>;
  /** Closes what is open. */
  abandon(): Promise<void>;
}

/** Nobody has said anything of the image, so that no file of labels may say that it shows nothing. */
export function isUnlabelled({ labels, review }: Pick<ExportedImage, 'labels' | 'review'>): boolean {
  return labels.length === 0 && review === 'to-do';
}

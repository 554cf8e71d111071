/** Typed messages between the services and the process that draws pictures of image files. */
import type { ErrorData } from '../../contract/errors.ts';
import type { ImageFile } from '../../store/image-repository.ts';

/** Left, top, right and bottom, in pixels of the upright image. */
export type BboxXyxy = readonly [number, number, number, number];

export interface PictureTask {
  projectFolder: string;
  file: ImageFile;
  /** The whole image, at most so large on its longer side where that is not null; or a box of it. */
  part: { kind: 'whole'; maxPx: number | null } | { kind: 'crop'; bboxXyxy: BboxXyxy };
}

/** Tasks are done side by side, and answered as they are done. */
export interface PictureCommand {
  number: number;
  task: PictureTask;
}

export type PictureReply =
  | { kind: 'ready' }
  | { kind: 'drawn'; number: number; picture: Uint8Array }
  | { kind: 'failed'; number: number; error: ErrorData };

/** Typed messages between a worker process, which reads and checks, and the store's owner. */
import type { SampleSet } from '../../contract/model/sample.ts';
import type { DatasetFormat, ImportReport, Split } from '../../contract/model/dataset.ts';
import type { WeightsListing } from '../../contract/model/weights.ts';
import type { NewCategory, PackFacts } from '../../store/dataset-repository.ts';
import type { StagedFile } from '../../store/staged-images.ts';
import type { PartTags } from './dataset-sink.ts';
import type { JobProgress } from '../jobs.ts';
import type { LibraryTask } from '../library/questions.ts';

export type ImportTask =
  /** Reads and checks everything, writes nothing. */
  | { kind: 'inspect'; path: string; format: DatasetFormat | null; labelSource: string | null }
  /**
   * Writes packs named "<packPrefix>…" into `packsFolder`, or, of a data set of image files, copies the files into the
   * folder `copyTo` where that is given.
   */
  | {
      kind: 'import';
      path: string;
      format: DatasetFormat;
      labelSource: string | null;
      packsFolder: string;
      packPrefix: string;
      copyTo: string | null;
    }
  /** Draws a data set into the folder `path`, which can then be imported. */
  | { kind: 'draw-sample'; path: string; set: SampleSet }
  | LibraryTask
  /** Lists the tensors of a weights file. */
  | { kind: 'inspect-weights'; path: string };

/** Consecutive images of one source file and one pack. Rows come in the order of the data set. */
export interface RowBlock {
  split: Split;
  /** Name of the pack, as announced before. */
  pack: string;
  firstRow: number;
  sourceFile: string;
  /** Number of the first image in the source file, 0-based. */
  firstNumber: number;
  labels: Uint8Array;
  tags?: PartTags;
}

export type ImportMessage =
  /** `done` and `total` count images that were read and checked. */
  | ({ kind: 'progress'; step: string; done: number; total: number | null } & JobProgress)
  /** To a question of the library; parts come before the answer. */
  | { kind: 'part'; part: unknown }
  | { kind: 'answer'; answer: unknown }
  | { kind: 'report'; report: ImportReport }
  | { kind: 'weights'; listing: WeightsListing }
  | { kind: 'categories'; categories: (string | NewCategory)[] }
  | { kind: 'pack'; pack: PackFacts }
  | { kind: 'rows'; rows: RowBlock }
  /** The folder that the image files are in, where they stay. */
  | { kind: 'root'; folder: string }
  /** Images with their labels, in the order of the data set; the file is the receiver's to remove. */
  | ({ kind: 'staged' } & StagedFile)
  /** Everything is right and the packs are safely on disk under their final names. */
  | { kind: 'complete' };

/** Where a reader of a data set puts what it finds. One sink only counts (dry run), another writes packs. */
import type { Split } from '../../contract/model/dataset.ts';

export interface SplitFacts {
  split: Split;
  count: number;
  channels: number;
  heightPx: number;
  widthPx: number;
}

/** Images of one source file: rows `firstRow` … of their split. */
export interface LabelledPart {
  split: Split;
  sourceFile: string;
  firstRow: number;
  labels: Uint8Array;
  /** A tag an image, by its place among the names. */
  tags?: PartTags;
}

export interface PartTags {
  names: readonly string[];
  of: Uint8Array;
}

export interface DatasetSink {
  /** Called once, with the splits that will come, in the order of the data set. */
  begin(splits: readonly Split[]): void;
  /** Called once; class names in the order of the class index. */
  categories(names: readonly string[]): void;
  /** Called once a split, before any of its pixels. */
  split(facts: SplitFacts): Promise<void>;
  /** Whole images, uint8 [n, channels, heightPx, widthPx], that belong at `row` of their split. */
  pixels(split: Split, row: number, sourceFile: string, pixels: Uint8Array): Promise<void>;
  /** The part's pixels are all there and right, and these are their classes. Parts may come in any order. */
  labels(part: LabelledPart): void;
  /** A file that cannot be used. The sink decides whether reading goes on (it returns) or ends (it throws). */
  failure(source: string, error: unknown): void;
}

/**
 * What an import of image files will do, worked out before any image is opened: which images, in which split, with which
 * labels once their size is known. One planner a format makes it; they read the label files whole.
 */
import type { FileFormat, Split } from '../../../contract/model/dataset.ts';
import type { ImageSize, LabelProblem, ParsedCategory, ParsedLabel } from '../../../formats/labels.ts';
import type { Failure, SourceEntry } from '../../../formats/source-entry.ts';

/** Says what is being read; throws where nobody wants the plan any more. */
export type TellStep = (step: string) => void;

export interface PlannedImage {
  entry: SourceEntry;
  split: Split;
  /** Path of the file that the labels are in; what is wrong with one is reported there. */
  labelFile: string;
  /** Null where the source does not speak of the image. */
  labels: ((size: ImageSize & { orientation: number }) => PlacedLabels | Promise<PlacedLabels>) | null;
}

/** `labels` are null where what the source says of the image cannot be used, so that it counts as not labelled. */
export interface PlacedLabels {
  labels: ParsedLabel[] | null;
  problems: LabelProblem[];
}

export interface FilePlan {
  format: FileFormat;
  categories: ParsedCategory[];
  images: PlannedImage[];
  problems: Failure[];
  /** The places that could be meant, where there are several, and the one that was taken. */
  labelSources?: { all: string[]; taken: string };
}

/** Gives each name a place, in the order in which they come. */
export class NameList {
  readonly names: string[] = [];
  #places = new Map<string, number>();

  placeOf(name: string): number {
    let place = this.#places.get(name);
    if (place === undefined) {
      place = this.names.push(name) - 1;
      this.#places.set(name, place);
    }
    return place;
  }

  /** The names as categories, those that are listed first, the others in alphabetical order; and each one's place. */
  sorted(listed: readonly string[] = []): { categories: ParsedCategory[]; placeOf: (name: string) => number } {
    const others = this.names.filter((name) => !listed.includes(name));
    const names = [...listed, ...others.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))];
    const places = new Map(names.map((name, place) => [name, place]));
    return {
      categories: names.map((name) => ({ name, sourceId: null })),
      placeOf: (name) => places.get(name) ?? 0,
    };
  }
}

/** Which colour a label has: by its class, by itself, or by who made it. */
import type { Annotation } from '../../../src-main/contract/model/annotation.ts';
import type { Category } from '../../../src-main/contract/model/dataset.ts';
import type { CategoryId } from '../../../src-main/contract/model/ids.ts';
import type { Label } from '../../canvas/editor/types.ts';
import type { Colouring } from '../../state/annotate-view.svelte.ts';
import { resolveColour, seriesColour, seriesColourCount } from '../../ui/series-colour.ts';

/** Place in the palette of who made a label: far apart for every kind of sight. */
export const sourceColours = { person: 1, import: 7, model: 0 } as const satisfies Record<
  Annotation['provenance']['by'],
  number
>;

export class LabelColours {
  readonly #palette: readonly string[];
  readonly #categories: ReadonlyMap<CategoryId, Category>;
  readonly #colouring: Colouring;

  /** Reads the palette of the theme that holds now. */
  constructor(categories: ReadonlyMap<CategoryId, Category>, colouring: Colouring) {
    this.#palette = Array.from({ length: seriesColourCount }, (_, place) => resolveColour(seriesColour(place)));
    this.#categories = categories;
    this.#colouring = colouring;
  }

  of({ annotationId, categoryId, provenance }: Label): string {
    if (this.#colouring === 'instance') return this.#at(annotationId);
    if (this.#colouring === 'source') return this.#at(sourceColours[provenance.by]);
    return this.ofClass(categoryId);
  }

  ofClass(categoryId: CategoryId): string {
    const category = this.#categories.get(categoryId);
    return this.#at(category === undefined ? 7 : (category.colour ?? category.ordinal));
  }

  #at(place: number): string {
    return this.#palette[place % this.#palette.length] ?? 'rgb(128 128 128)';
  }
}

export function rgbOf(colour: string): [number, number, number] {
  const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return [red, green, blue];
}

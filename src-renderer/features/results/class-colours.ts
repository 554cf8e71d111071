/** The colours of a network's classes: those of the data set's, so that they are the same everywhere; none for the background. */
import type { Category } from '../../../src-main/contract/model/dataset.ts';
import type { TrainedClass } from '../../../src-main/contract/model/trained-classes.ts';
import { classColour, resolveColour, seriesColour } from '../../ui/series-colour.ts';
import type { Rgb } from './mask-pictures.ts';

/** CSS values, in the order of the classes; null for the background. */
export function classColours(classes: readonly TrainedClass[], categories: readonly Category[]): (string | null)[] {
  return classes.map(({ name, categoryId }, index) => {
    const category = categories.find((candidate) => candidate.categoryId === categoryId);
    if (category !== undefined) return classColour(category);
    return name === 'background' ? null : seriesColour(index);
  });
}

/** Of a CSS value in the theme that holds now. */
export function rgbOf(css: string): Rgb {
  const [red = 0, green = 0, blue = 0] =
    resolveColour(css)
      .match(/[\d.]+/g)
      ?.map(Number) ?? [];
  return [red, green, blue];
}

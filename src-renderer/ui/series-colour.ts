/** Stable colours for classes and runs, the same in grid, charts and tables. The list itself is in tokens.css. */

export const seriesColourCount = 16;

/** A CSS value for the n-th class or run; after the palette's end it begins again, so never rely on colour alone. */
export function seriesColour(ordinal: number): string {
  return `var(--series-${ordinal % seriesColourCount})`;
}

interface ColouredClass {
  ordinal: number;
  colour?: number;
}

/** Place of a class's colour in the palette: the one that a person chose, or that of its place in the list. */
export function palettePlace({ ordinal, colour }: ColouredClass): number {
  return colour ?? ordinal;
}

/** A CSS value for a class. */
export function classColour(of: ColouredClass): string {
  return seriesColour(palettePlace(of));
}

/** A colour of tokens.css as a canvas understands it ("rgb(…)"), in the theme that holds now. `css`: "var(--border)". */
export function resolveColour(css: string): string {
  const probe = document.createElement('span');
  probe.style.color = css;
  document.body.append(probe);
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  return resolved;
}

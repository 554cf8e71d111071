/** The colours of both themes stand out from what lies under them, as WCAG 2.2 asks: 4.5:1 for words, 3:1 for controls. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync(new URL('../../../src-renderer/ui/tokens.css', import.meta.url), 'utf8');
type Rgba = readonly [red: number, green: number, blue: number, opacity: number];

function colour(token: string, theme: 'light' | 'dark'): Rgba {
  const value = new RegExp(`--${token}: (?:light-dark\\((#\\w+), (#\\w+)\\)|(#\\w+));`).exec(css);
  const hex = value?.[3] ?? value?.[theme === 'light' ? 1 : 2];
  if (hex === undefined) throw new Error(`tokens.css has no colour --${token}`);
  const [red, green, blue, opacity] = [1, 3, 5, 7].map((at) => parseInt(hex.slice(at, at + 2) || 'ff', 16) / 255);
  return [red!, green!, blue!, opacity!];
}

/** What is seen of a colour that lies over an opaque one. */
const over = ([red, green, blue, opacity]: Rgba, under: Rgba): Rgba => [
  red * opacity + under[0] * (1 - opacity),
  green * opacity + under[1] * (1 - opacity),
  blue * opacity + under[2] * (1 - opacity),
  1,
];

function luminance([red, green, blue]: Rgba): number {
  const [r, g, b] = [red, green, blue].map((part) =>
    part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(a: Rgba, b: Rgba): number {
  const [darker, lighter] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (lighter! + 0.05) / (darker! + 0.05);
}

const surfaces = ['surround', 'surface', 'surface-sunken', 'surface-raised', 'field'];
const series = Array.from({ length: 16 }, (_, at) => `series-${at}`);

describe.each(['light', 'dark'] as const)('in the %s theme', (theme) => {
  const of = (token: string): Rgba => colour(token, theme);
  /** Pairs that stand out less than they must, each with its contrast. */
  const tooWeak = (pairs: readonly (readonly [string, Rgba, string, Rgba])[], least: number): string[] =>
    pairs
      .map(([name, front, where, back]) => [`${name} on ${where}`, contrast(over(front, back), back)] as const)
      .filter(([, ratio]) => ratio < least)
      .map(([pair, ratio]) => `${pair}: ${ratio.toFixed(2)}`);
  const onSurfaces = (tokens: readonly string[]) =>
    tokens.flatMap((token) => surfaces.map((surface) => [token, of(token), surface, of(surface)] as const));

  it('words can be read on every surface', () => {
    const words = ['text', 'text-muted', 'text-faint', 'accent', 'danger', 'warning', 'good'];
    expect(tooWeak(onSurfaces(words), 4.5)).toEqual([]);
  });

  it('words can be read on what is tinted, hovered or filled', () => {
    const tinted = [
      ...['accent', 'danger', 'warning', 'good'].map((tone) => [tone, `${tone}-soft`] as const),
      ...['text', 'text-muted'].flatMap((text) => [
        [text, 'surface-hover'] as const,
        [text, 'surface-pressed'] as const,
        [text, 'accent-soft'] as const,
      ]),
    ].flatMap(([text, tint]) =>
      ['surface', 'surface-raised'].map((surface) => {
        return [text, of(text), `${tint} over ${surface}`, over(of(tint), of(surface))] as const;
      }),
    );
    const filled = ['accent-fill', 'accent-fill-hover', 'danger-fill'].map(
      (fill) => ['on-accent', of('on-accent'), fill, of(fill)] as const,
    );
    expect(tooWeak([...tinted, ...filled], 4.5)).toEqual([]);
  });

  it('outlines of controls and the colours of classes and runs can be seen', () => {
    const outlines = onSurfaces(['border-control', 'accent']);
    const curves = series.map((token) => [token, of(token), 'surface', of('surface')] as const);
    expect(tooWeak([...outlines, ...curves], 3)).toEqual([]);
  });
});

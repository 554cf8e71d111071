/**
 * Which areas and aspects the boxes of an image's labels have, in its row, equally spaced in the logarithm: coarsely, as bits of
 * area_bits and aspect_bits, one a bin; and finely, as texts area_levels and aspect_levels with a character a box. A range of values
 * holds some bins whole, so that one of those decides quickly; of the other images the text is searched, and only where a
 * box is within a level of the range's ends the labels must be looked at.
 */

const PART_BITS = 31;
/** Of a place. JavaScript's logarithm and SQLite's may differ in the last digit, which may put a value in the bin beside. */
const TOLERANCE = 1e-6;

export type BoxMeasure = 'area' | 'aspect';

/**
 * A value's place is `perOctave` · log2(value) + `shift`, and its bin or level the whole number below, from 0 to `count` - 1;
 * the first and the last have no end.
 */
interface Scale {
  count: number;
  perOctave: number;
  shift: number;
}

/** Powers of two, which people ask for, are in the middle of a bin or level. */
const bins = {
  area: { count: 62, perOctave: 4, shift: -15.5 },
  aspect: { count: 62, perOctave: 8, shift: 31.5 },
} as const satisfies Record<BoxMeasure, Scale>;

/** From U+0800 to U+D7FF: characters that have three bytes each. */
const FIRST_LEVEL = 0x0800;
const levels = {
  area: { count: 53_248, perOctave: 1664, shift: 4 * 1664 + 0.5 },
  aspect: { count: 53_248, perOctave: 3328, shift: 8 * 3328 + 0.5 },
} as const satisfies Record<BoxMeasure, Scale>;

/** Where many boxes may have the same value, that has a character of its own, so that no label need be looked at. */
const SQUARE = { measure: 'aspect', value: 1, level: FIRST_LEVEL - 1 } as const;

/** With more boxes the text would not fit into its place in the index. */
const MOST_LEVELS = 128;

function placeOf({ perOctave, shift }: Scale, value: number): number {
  return value > 0 ? perOctave * Math.log2(value) + shift : -Infinity;
}

function whole({ count }: Scale, place: number): number {
  return Math.max(0, Math.min(count - 1, Math.floor(place)));
}

/** Of an image's boxes. */
export interface BoxSummary {
  /** Two parts of 31 bits, which are numbers that JavaScript reckons with quickly. */
  parts: [number, number];
  levels: string;
}

export function addBox(summary: BoxSummary, measure: BoxMeasure, value: number): void {
  const octaves = value > 0 ? Math.log2(value) : -Infinity;
  const at = (scale: Scale): number => whole(scale, scale.perOctave * octaves + scale.shift);
  const bin = at(bins[measure]);
  summary.parts[bin < PART_BITS ? 0 : 1] |= 1 << (bin % PART_BITS);
  const isSquare = measure === SQUARE.measure && value === SQUARE.value;
  summary.levels += String.fromCharCode(isSquare ? SQUARE.level : FIRST_LEVEL + at(levels[measure]));
}

/** The text's column; null where it cannot be held, or there is none. */
export function boxLevels({ levels }: BoxSummary): string | null {
  return levels === '' || levels.length > MOST_LEVELS ? null : levels;
}

/** The bits' column in SQL, of columns that hold a summary's parts. */
export function boxWordOfParts(measure: BoxMeasure): string {
  return `(${measure}_part_1 | (${measure}_part_2 << ${PART_BITS}))`;
}

/** The bits' column as an aggregate over labels, whose measure the SQL `value` gives; 0 where there are none. */
export function boxWordOfLabels(measure: BoxMeasure, value: string): string {
  const bin = wholeInSql(bins[measure], value);
  return `coalesce(sum(DISTINCT CASE WHEN ${value} > 0 THEN 1 << ${bin} WHEN ${value} IS NOT NULL THEN 1 END), 0)`;
}

/** The text's column in the same way. */
export function boxLevelsOfLabels(measure: BoxMeasure, value: string): string {
  const square = measure === SQUARE.measure ? `WHEN ${value} = ${SQUARE.value} THEN char(${SQUARE.level})` : '';
  const level = `char(${FIRST_LEVEL} + ${wholeInSql(levels[measure], value)})`;
  const one = `CASE ${square} WHEN ${value} > 0 THEN ${level} WHEN ${value} IS NOT NULL THEN char(${FIRST_LEVEL}) END`;
  return `CASE WHEN count(${value}) <= ${MOST_LEVELS} THEN group_concat(${one}, '') END`;
}

function wholeInSql({ count, perOctave, shift }: Scale, value: string): string {
  return `max(0, min(${count - 1}, CAST(floor(${perOctave} * log2(${value}) + ${shift}) AS INTEGER)))`;
}

/** From a bin or level to another; null where there is none. */
type Span = readonly [number, number] | null;

/** Those in which values from `least` to `most` may be, and of these those that have no other values. */
function share(scale: Scale, least: number, most: number): { possible: NonNullable<Span>; certain: Span } {
  const [from, to] = [placeOf(scale, least), placeOf(scale, most)];
  const first = Math.max(1, Math.ceil(from + TOLERANCE));
  const last = Math.min(scale.count - 2, Math.floor(to - TOLERANCE) - 1);
  return {
    possible: [whole(scale, from - TOLERANCE), whole(scale, to + TOLERANCE)],
    certain: first <= last ? [first, last] : null,
  };
}

export interface BoxRange {
  least: number;
  most: number;
  /** Whether `most` itself is wanted. */
  hasMost: boolean;
}

/** Bins whose boxes all are in the range, and others in which some may be. */
export function boxShares(
  measure: BoxMeasure,
  { least, most }: Pick<BoxRange, 'least' | 'most'>,
): { certain: bigint; possible: bigint } {
  const { possible, certain } = share(bins[measure], least, most);
  const whole = bitsOf(certain);
  return { certain: whole, possible: bitsOf(possible) & ~whole };
}

function bitsOf(span: Span): bigint {
  const [first, last] = span ?? [1, 0];
  if (first > last) return 0n;
  return ((1n << BigInt(last - first + 1)) - 1n) << BigInt(first);
}

/** Patterns of GLOB that the text matches where a box may be in the range, and where one surely is; null: it cannot tell. */
export function boxPatterns(
  measure: BoxMeasure,
  { least, most, hasMost }: BoxRange,
): { possible: string; certain: string | null } {
  const { possible, certain } = share(levels[measure], least, most);
  const square =
    measure === SQUARE.measure && least <= SQUARE.value && (hasMost ? most >= SQUARE.value : most > SQUARE.value);
  const own = square ? String.fromCharCode(SQUARE.level) : '';
  const pattern = (span: Span): string =>
    `*[${own}${span === null ? '' : span.map((level) => String.fromCharCode(FIRST_LEVEL + level)).join('-')}]*`;
  return { possible: pattern(possible), certain: certain === null && !square ? null : pattern(certain) };
}

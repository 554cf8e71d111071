/**
 * Which areas and aspects the boxes of an image's labels have, as bits in two columns of its row: area_bits and aspect_bits.
 * Each bit is a bin, and bins are equally wide in the logarithm. A range of values holds some bins whole, so that one of
 * those decides; only an image whose boxes are in a bin at the range's ends must have its labels looked at.
 */

const BINS = 62;
const PART_BITS = 31;
/** Of a bin. JavaScript's logarithm and SQLite's may differ in the last digit, which may put a value in the bin beside. */
const TOLERANCE = 1e-6;

export type BoxMeasure = 'area' | 'aspect';

/**
 * A value's place is `binsPerOctave` · log2(value) + `shift`, and its bin the whole number below, from 0 to 61. Powers of
 * two, which people ask for, are in the middle of a bin.
 */
const scales = {
  area: { binsPerOctave: 4, shift: -15.5 },
  aspect: { binsPerOctave: 8, shift: 31.5 },
} as const satisfies Record<BoxMeasure, { binsPerOctave: number; shift: number }>;

function placeOf(measure: BoxMeasure, value: number): number {
  const { binsPerOctave, shift } = scales[measure];
  return value > 0 ? binsPerOctave * Math.log2(value) + shift : -Infinity;
}

function binAt(place: number): number {
  return Math.max(0, Math.min(BINS - 1, Math.floor(place)));
}

/** Two parts of 31 bits, which are numbers that JavaScript reckons with quickly. */
export type BoxParts = [number, number];

export function addBox(parts: BoxParts, measure: BoxMeasure, value: number): void {
  const bin = binAt(placeOf(measure, value));
  parts[bin < PART_BITS ? 0 : 1] |= 1 << (bin % PART_BITS);
}

/** The column in SQL, of columns that hold `BoxParts`. */
export function boxWordOfParts(measure: BoxMeasure): string {
  return `(${measure}_part_1 | (${measure}_part_2 << ${PART_BITS}))`;
}

/** The column as an aggregate over labels, whose measure the SQL `value` gives; 0 where there are none. */
export function boxWordOfLabels(measure: BoxMeasure, value: string): string {
  const { binsPerOctave, shift } = scales[measure];
  const bin = `max(0, min(${BINS - 1}, CAST(floor(${binsPerOctave} * log2(${value}) + ${shift}) AS INTEGER)))`;
  return `coalesce(sum(DISTINCT CASE WHEN ${value} > 0 THEN 1 << ${bin} WHEN ${value} IS NOT NULL THEN 1 END), 0)`;
}

/** Bins whose boxes all are from `least` to `most`, and others in which some may be. */
export function boxShares(measure: BoxMeasure, least: number, most: number): { certain: bigint; possible: bigint } {
  const [from, to] = [placeOf(measure, least), placeOf(measure, most)];
  let [certain, possible] = [0n, 0n];
  for (let bin = binAt(from - TOLERANCE); bin <= binAt(to + TOLERANCE); bin++) {
    // The first and the last have no end.
    const hasEnds = bin > 0 && bin < BINS - 1;
    const isWhole = hasEnds && bin >= from + TOLERANCE && bin + 1 <= to - TOLERANCE;
    if (isWhole) certain |= 1n << BigInt(bin);
    else possible |= 1n << BigInt(bin);
  }
  return { certain, possible };
}

/**
 * Which classes an image's labels have, as bits in two columns of its row: class_bits and more_class_bits. A class's bit is
 * its id modulo 124; the classes of a data set have consecutive ids, so that up to 124 of them share no bit.
 */
import type { CategoryId } from '../contract/model/ids.ts';

/** An integer of SQLite has 64 bits, of which one is the sign. */
const WORD_BITS = 62;
const BITS = 2 * WORD_BITS;
const PART_BITS = 31;
const WORD = `${2n ** BigInt(WORD_BITS) - 1n}`;

/** The values of class_bits and more_class_bits. */
export type ClassWords = readonly [bigint, bigint];

export function classWords(categoryIds: Iterable<CategoryId>): ClassWords {
  const words: [bigint, bigint] = [0n, 0n];
  for (const id of categoryIds) {
    const bit = id % BITS;
    words[bit < WORD_BITS ? 0 : 1] |= 1n << BigInt(bit % WORD_BITS);
  }
  return words;
}

/** Of the wanted classes, those whose bit no other class of the data set has, and the rest. */
export function classShares(
  wanted: readonly CategoryId[],
  all: readonly CategoryId[],
): { certain: CategoryId[]; shared: CategoryId[] } {
  const isWanted = new Set(wanted);
  const others = new Set(all.filter((id) => !isWanted.has(id)).map((id) => id % BITS));
  return {
    certain: wanted.filter((id) => !others.has(id % BITS)),
    shared: wanted.filter((id) => others.has(id % BITS)),
  };
}

/** Both columns as aggregates over labels `a`, in SQL; 0 where there are none. */
export const classWordsOfLabels = [
  `coalesce(sum(DISTINCT CASE WHEN a.category_id % ${BITS} < ${WORD_BITS} THEN 1 << (a.category_id % ${BITS}) END), 0)`,
  `coalesce(sum(DISTINCT CASE WHEN a.category_id % ${BITS} >= ${WORD_BITS}
    THEN 1 << (a.category_id % ${BITS} - ${WORD_BITS}) END), 0)`,
] as const;

/** Four parts of 31 bits, which are numbers that JavaScript reckons with quickly; `place` counts a data set's classes. */
export type ClassParts = [number, number, number, number];

export function addClass(parts: ClassParts, place: number): void {
  const bit = place % BITS;
  const part = Math.floor(bit / PART_BITS) as 0 | 1 | 2 | 3;
  parts[part] |= 1 << (bit % PART_BITS);
}

/**
 * Both columns in SQL, of the columns class_part_1 to class_part_4 that hold `ClassParts`: all bits are moved up by
 * `@classTurn`, the first class's id modulo 62, those at the end to the beginning; and the words swapped where `@classSwap`.
 */
export const classWordsOfParts = (() => {
  const low = `(class_part_1 | (class_part_2 << ${PART_BITS}))`;
  const high = `(class_part_3 | (class_part_4 << ${PART_BITS}))`;
  const turned = (word: string, other: string): string =>
    `(((${word} << @classTurn) & ${WORD}) | (${other} >> (${WORD_BITS} - @classTurn)))`;
  const [first, second] = [turned(low, high), turned(high, low)];
  return [
    `CASE WHEN @classSwap THEN ${second} ELSE ${first} END`,
    `CASE WHEN @classSwap THEN ${first} ELSE ${second} END`,
  ] as const;
})();

export function classTurn(firstCategory: number): { classTurn: number; classSwap: number } {
  const bit = firstCategory % BITS;
  return { classTurn: bit % WORD_BITS, classSwap: bit < WORD_BITS ? 0 : 1 };
}

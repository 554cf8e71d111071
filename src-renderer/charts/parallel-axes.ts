/** Where the axes of parallel coordinates and the values on them lie: numbers on a scale, words one above the other. Pure. */
import { formatPlain } from '../ui/format-number.ts';

export interface ParallelAxis {
  label: string;
  /** One for each line: what it is called, and its number where it is one; null where the line has none. */
  values: readonly ({ label: string; number: number | null } | null)[];
  /** Words from the top down; in the order of the lines where absent. */
  order?: readonly string[];
  /** Numbers are on a scale; the higher end is on top unless this says that lower is better. */
  lowerIsBetter?: boolean;
  /** Numbers that were measured, not chosen: ticks are round ones. */
  measured?: boolean;
}

export interface PlacedAxis {
  label: string;
  logarithmic: boolean;
  /** `at`: 0 at the bottom to 1 on top. */
  ticks: readonly { label: string; at: number }[];
  /** Of each line; null where it has no value. */
  places: readonly (number | null)[];
}

/** Numbers of a scale that spreads over more than this are shown by their logarithms. */
const wide = 50;
const mostTicks = 7;

export function placeAxis({
  label,
  values,
  order = [],
  lowerIsBetter = false,
  measured = false,
}: ParallelAxis): PlacedAxis {
  const known = values.filter((value) => value !== null);
  const numbers = known.map(({ number }) => number);
  if (known.length > 0 && numbers.every((number) => number !== null))
    return onScale(
      label,
      values.map((value) => value?.number ?? null),
      { lowerIsBetter, measured },
    );
  const there = new Set(known.map((value) => value.label));
  const words = [...new Set([...order, ...there])].filter((word) => there.has(word));
  const at = (word: string): number => (words.length === 1 ? 0.5 : 1 - words.indexOf(word) / (words.length - 1));
  return {
    label,
    logarithmic: false,
    ticks: words.map((word) => ({ label: word, at: at(word) })),
    places: values.map((value) => (value === null ? null : at(value.label))),
  };
}

function onScale(
  label: string,
  numbers: readonly (number | null)[],
  { lowerIsBetter, measured }: { lowerIsBetter: boolean; measured: boolean },
): PlacedAxis {
  const known = numbers.filter((number) => number !== null && Number.isFinite(number)) as number[];
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const logarithmic = !measured && low > 0 && high / low >= wide;
  const scale = (value: number): number => (logarithmic ? Math.log(value) : value);
  const place = (value: number): number => {
    if (high === low) return 0.5;
    const share = (scale(value) - scale(low)) / (scale(high) - scale(low));
    return lowerIsBetter ? 1 - share : share;
  };
  const chosen = [...new Set(known)].toSorted((a, b) => a - b);
  const ticks = measured || chosen.length > mostTicks ? endsAndMiddle(low, high, logarithmic) : chosen;
  return {
    label,
    logarithmic,
    ticks: ticks.map((value) => ({ label: formatPlain(Number(value.toPrecision(3))), at: place(value) })),
    places: numbers.map((number) => (number === null || !Number.isFinite(number) ? null : place(number))),
  };
}

function endsAndMiddle(low: number, high: number, logarithmic: boolean): number[] {
  if (low === high) return [low];
  return [low, logarithmic ? Math.sqrt(low * high) : (low + high) / 2, high];
}

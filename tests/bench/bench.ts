/** What a bench is: figures it measured, bars it set itself, and the verdict that follows from both. */

export interface BenchContext {
  /** Fewer rounds, for a look while working; the bars stay. */
  quick: boolean;
  /** A folder for what takes hours to measure and is used again by later calls; --fresh empties it. */
  kept: string;
  /** Parts of the names of the trainings that are to go on now, as "imagenet-seed1"; all of them where null. */
  only: readonly string[] | null;
  /** A folder for pictures of curves. */
  pictures: string;
  /** Tells the person what goes on, on stderr. */
  progress(text: string): void;
}

export interface Figure {
  /** camelCase with its unit: `epochMs`, `rendererGzipBytes`, `timeOverPyTorch`. */
  name: string;
  /** Null where it could not be measured here, as when a peer is not installed. */
  value: number | null;
  explanation: string;
}

export interface Bar {
  /** Name of the figure that it is about. */
  figure: string;
  bar: number;
  direction: 'at-most' | 'at-least';
}

export interface BenchOutcome {
  figures: Figure[];
  bars: Bar[];
  /** For the person below the table: what was left out and what would bring it. */
  notes: string[];
}

export interface Bench {
  name: string;
  summary: string;
  run(context: BenchContext): Promise<BenchOutcome>;
}

export interface JudgedBar extends Bar {
  measured: number | null;
  /** Null where the figure could not be measured. */
  ok: boolean | null;
}

export interface Verdict {
  bars: JudgedBar[];
  /** False where a bar is missed, else null where one could not be judged, else true. */
  ok: boolean | null;
}

/** Throws where a bar names a figure that the bench does not have. */
export function judge({ figures, bars }: Pick<BenchOutcome, 'figures' | 'bars'>): Verdict {
  const judged = bars.map((bar): JudgedBar => {
    const figure = figures.find(({ name }) => name === bar.figure);
    if (!figure) throw new Error(`The bar on "${bar.figure}" has no figure of that name.`);
    return { ...bar, measured: figure.value, ok: figure.value === null ? null : clears(bar, figure.value) };
  });
  const oks = judged.map(({ ok }) => ok);
  return { bars: judged, ok: oks.includes(false) ? false : oks.includes(null) ? null : true };
}

function clears({ bar, direction }: Bar, value: number): boolean {
  return direction === 'at-most' ? value <= bar : value >= bar;
}

/** Of an even count, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('The median of nothing is not defined.');
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] as number;
  return Number.isInteger(middle) ? ((sorted[middle - 1] as number) + upper) / 2 : upper;
}

/**
 * Lets contenders take turns, so that a machine that slows down slows all of them: round by round, in an order that
 * turns around each time. Returns what each contender measured, in the order of rounds.
 */
export async function interleave<Name extends string>(
  rounds: number,
  contenders: Record<Name, () => Promise<number>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(contenders) as Name[];
  const measured = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) measured[name].push(await contenders[name]());
  }
  return measured;
}

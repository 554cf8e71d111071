/**
 * Masks as run lengths in COCO's convention: pixels in column-major order (down the first column, then the second), run
 * lengths beginning with the background's, which may be 0. Compressed strings are COCO's: 5 bits a character with a
 * continuation bit, from the fourth run on as the difference from the run two before. Source: cocoapi, maskApi.
 */
import type { BboxXyxy } from './box.ts';

export interface Rle {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Background, mask, background … ; they add up to widthPx · heightPx. */
  readonly counts: readonly number[];
}

export interface MaskSize {
  widthPx: number;
  heightPx: number;
}

/** Why these run lengths are no mask of their size, or null. */
export function rleProblem({ widthPx, heightPx, counts }: Rle): string | null {
  const total = widthPx * heightPx;
  let sum = 0;
  for (const count of counts) {
    if (!Number.isInteger(count) || count < 0) return `a run has the length ${count}`;
    sum += count;
    if (sum > total) break;
  }
  return sum === total
    ? null
    : sum > total
      ? `the runs cover more than ${total} pixels`
      : `the runs cover ${sum} of ${total} pixels`;
}

/** Collects runs and joins those of one value. */
class RunList {
  readonly counts: number[] = [];
  #value: 0 | 1 = 0;
  #length = 0;

  add(value: 0 | 1, length: number): void {
    if (length === 0) return;
    if (value !== this.#value) {
      this.counts.push(this.#length);
      this.#value = value;
      this.#length = 0;
    }
    this.#length += length;
  }

  finish(): number[] {
    if (this.#length > 0 || this.counts.length === 0) this.counts.push(this.#length);
    return this.counts;
  }
}

/** Spans [first, end) of rows in each column; they may overlap and come in any order, but lie inside the mask. */
export function rleFromColumns(
  { widthPx, heightPx }: MaskSize,
  spansOf: (x: number) => readonly (readonly [first: number, end: number])[],
): Rle {
  const runs = new RunList();
  for (let x = 0; x < widthPx; x++) {
    let done = 0;
    for (const [first, end] of [...spansOf(x)].sort((a, b) => a[0] - b[0])) {
      if (end <= done) continue;
      const start = Math.max(first, done);
      runs.add(0, start - done);
      runs.add(1, end - start);
      done = end;
    }
    runs.add(0, heightPx - done);
  }
  return { widthPx, heightPx, counts: runs.finish() };
}

/** `mask`: row-major, one byte a pixel, 0 for the background. */
export function encodeRle(mask: Uint8Array, { widthPx, heightPx }: MaskSize): Rle {
  const runs = new RunList();
  for (let x = 0; x < widthPx; x++) {
    for (let y = 0; y < heightPx; y++) runs.add(mask[y * widthPx + x] ? 1 : 0, 1);
  }
  return { widthPx, heightPx, counts: runs.finish() };
}

/** Row-major, one byte a pixel: 1 in the mask, 0 outside. */
export function decodeRle(rle: Rle): Uint8Array {
  const { widthPx, heightPx, counts } = rle;
  const mask = new Uint8Array(widthPx * heightPx);
  let at = 0;
  counts.forEach((count, index) => {
    if (index % 2 === 1) {
      for (let pixel = at; pixel < at + count; pixel++) {
        mask[(pixel % heightPx) * widthPx + Math.floor(pixel / heightPx)] = 1;
      }
    }
    at += count;
  });
  return mask;
}

/** Pixels in the mask. */
export function rleArea({ counts }: Rle): number {
  let area = 0;
  for (let index = 1; index < counts.length; index += 2) area += counts[index] ?? 0;
  return area;
}

/** The smallest box around the mask; null where it is empty. */
export function rleBounds({ heightPx, counts }: Rle): BboxXyxy | null {
  let [x1, y1, x2, y2] = [Infinity, Infinity, -Infinity, -Infinity];
  let at = 0;
  counts.forEach((count, index) => {
    if (index % 2 === 1 && count > 0) {
      const last = at + count - 1;
      const columns = [Math.floor(at / heightPx), Math.floor(last / heightPx)] as const;
      x1 = Math.min(x1, columns[0]);
      x2 = Math.max(x2, columns[1] + 1);
      const spansColumns = columns[0] !== columns[1];
      y1 = Math.min(y1, spansColumns ? 0 : at % heightPx);
      y2 = Math.max(y2, spansColumns ? heightPx : (last % heightPx) + 1);
    }
    at += count;
  });
  return x1 < x2 ? [x1, y1, x2, y2] : null;
}

/** Calls back for each stretch in which neither mask changes. */
function walkTogether(a: Rle, b: Rle, each: (inA: boolean, inB: boolean, length: number) => void): void {
  let [indexA, indexB] = [0, 0];
  let [leftA = 0, leftB = 0] = [a.counts[0], b.counts[0]];
  while (indexA < a.counts.length && indexB < b.counts.length) {
    const length = Math.min(leftA, leftB);
    if (length > 0) each(indexA % 2 === 1, indexB % 2 === 1, length);
    leftA -= length;
    leftB -= length;
    if (leftA === 0) leftA = a.counts[++indexA] ?? 0;
    if (leftB === 0) leftB = b.counts[++indexB] ?? 0;
  }
}

/** Pixels in any of the masks, or in all of them. All have one size; there is at least one. */
export function mergeRle(first: Rle, others: readonly Rle[], how: 'union' | 'intersection'): Rle {
  return others.reduce((merged, other) => {
    const runs = new RunList();
    walkTogether(merged, other, (inA, inB, length) => {
      runs.add((how === 'union' ? inA || inB : inA && inB) ? 1 : 0, length);
    });
    return { ...merged, counts: runs.finish() };
  }, first);
}

/** Intersection over union of two masks of one size, in [0, 1]; 0 where both are empty. */
export function rleIou(a: Rle, b: Rle): number {
  let [overlap, union] = [0, 0];
  walkTogether(a, b, (inA, inB, length) => {
    if (inA && inB) overlap += length;
    if (inA || inB) union += length;
  });
  return union === 0 ? 0 : overlap / union;
}

/** Run lengths as COCO's compressed string. */
export function compressRle(counts: readonly number[]): string {
  let text = '';
  counts.forEach((count, index) => {
    let value = index > 2 ? count - (counts[index - 2] ?? 0) : count;
    for (let more = true; more;) {
      const low = value & 0x1f;
      value >>= 5;
      more = low & 0x10 ? value !== -1 : value !== 0;
      text += String.fromCharCode((more ? low | 0x20 : low) + 48);
    }
  });
  return text;
}

/** The run lengths of COCO's compressed string; null where it is none. What they add up to is not checked. */
export function decompressRle(text: string): number[] | null {
  const counts: number[] = [];
  for (let at = 0; at < text.length;) {
    let value = 0;
    for (let shift = 0, more = true; more; shift += 5) {
      const code = text.charCodeAt(at++) - 48;
      if (!(code >= 0 && code < 64) || shift > 30) return null;
      value |= (code & 0x1f) << shift;
      more = (code & 0x20) !== 0;
      if (!more && code & 0x10 && shift + 5 < 32) value |= -1 << (shift + 5);
    }
    counts.push(counts.length > 2 ? value + (counts[counts.length - 2] ?? 0) : value);
  }
  return counts;
}

/** Rows [first, end). */
export type Span = readonly [first: number, end: number];

/** Spans of each column that has any, from the top down. */
export function columnSpans({ heightPx, counts }: Rle): Map<number, Span[]> {
  const spans = new Map<number, Span[]>();
  let at = 0;
  counts.forEach((count, index) => {
    if (index % 2 === 1) {
      for (let from = at; from < at + count;) {
        const x = Math.floor(from / heightPx);
        const end = Math.min(at + count, (x + 1) * heightPx);
        const span: Span = [from - x * heightPx, end - x * heightPx];
        const known = spans.get(x);
        if (known) known.push(span);
        else spans.set(x, [span]);
        from = end;
      }
    }
    at += count;
  });
  return spans;
}

/** Where a ruler's numbers stand: at round numbers of image pixels, far enough apart to be read. Pure. */

const leastGapPx = 56;

export interface RulerTick {
  /** Image pixels. */
  value: number;
  /** Screen pixels from the view's edge. */
  atPx: number;
  isNumbered: boolean;
}

/** `originPx`: where the image's edge is on the screen; `scale`: screen pixels an image pixel. */
export function rulerTicks(originPx: number, scale: number, lengthPx: number): RulerTick[] {
  const step = roundStep(leastGapPx / scale);
  const small = Math.max(1, step / 5);
  const first = Math.floor(-originPx / scale / small);
  const last = Math.ceil((lengthPx - originPx) / scale / small);
  const everyNth = Math.round(step / small);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, place) => {
    const number = first + place;
    const value = number * small;
    return { value, atPx: originPx + value * scale, isNumbered: number % everyNth === 0 };
  });
}

/** The smallest of 1, 2, 5, 10, 20 … that is no smaller. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least) ?? 10 * power;
}

/** A chart's curves as files: as a picture of what is in sight, and as all recorded values. Pure but for colours. */
import { curvesSvg } from '../../src-main/contract/curves-svg.ts';
import { csvOf } from '../ui/csv.ts';
import { thin, type Curve, type Range } from './curve.ts';

const mostPoints = 2000;

export interface PictureOptions {
  title: string;
  xLabel: string;
  shown: Range;
  logarithmic: boolean;
  /** Of a CSS colour. */
  resolve: (css: string) => string;
}

/** Null where nothing is in sight. */
export function pictureOfCurves(
  curves: readonly Curve[],
  { title, xLabel, shown, logarithmic, resolve }: PictureOptions,
): string | null {
  const drawn = curves.map((curve) => {
    const [x, y] = thin(curve.x, curve.y, shown, mostPoints);
    return { label: curve.label, colour: resolve(curve.colour), dashed: curve.dashed, x, y };
  });
  return curvesSvg(drawn, title, xLabel, logarithmic);
}

/** One line a value: curves do not share their x values. */
export function csvOfCurves(curves: readonly Curve[], title: string, xLabel: string): string {
  const rows = curves.flatMap(({ label, x, y }) => Array.from(x, (at, i) => [label, at, y[i]!]));
  return csvOf([['curve', xLabel, title], ...rows]);
}

/** Where labels, marks and the read-out of a line chart go, given where the plot has drawn. Pure. */
import { lastPoint, lowerBound, nearestIndex, spreadLabels, type Curve, type EventMark, type Range } from './curve.ts';

/** The drawn plot: its area, and where values lie in it, CSS px inside the chart. */
export interface PlotPlaces {
  area: { left: number; top: number; width: number; height: number };
  xToPx(x: number): number;
  yToPx(y: number): number;
}

/** A curve as it is drawn, smoothed perhaps, beside the one that was recorded. Both have the same x. */
export interface DrawnCurve {
  drawn: Curve;
  recorded: Curve;
}

export interface EndLabel {
  curve: Curve;
  /** Of the line as it is drawn. */
  value: number;
  topPx: number;
}

export interface EndLabels {
  leftPx: number;
  labels: EndLabel[];
}

export const labelHeightPx = 15;

/**
 * Labels in one column beside the line that reaches farthest; at the right edge where one runs on beyond the range.
 * Where not all fit above each other, those of the evaluation (dashed) stay.
 */
export function placeEndLabels(curves: readonly Curve[], shown: Range, places: PlotPlaces): EndLabels {
  const { area } = places;
  const ends = curves.flatMap((curve) => {
    const end = lastPoint(upTo(curve, shown.to));
    return end === null ? [] : [{ curve, value: end.y, leftPx: places.xToPx(end.x), wishPx: places.yToPx(end.y) }];
  });
  const room = Math.floor(area.height / labelHeightPx) + 1;
  const evaluationFirst = ends.toSorted((a, b) => Number(b.curve.dashed) - Number(a.curve.dashed));
  const kept = ends.length <= room ? ends : evaluationFirst.slice(0, room);
  const wishes = kept.map((end) => end.wishPx);
  const tops = spreadLabels(wishes, labelHeightPx, area.top, area.top + area.height);
  const runsOn = curves.some((curve) => (curve.x.at(-1) ?? 0) > shown.to);
  return {
    leftPx: runsOn ? area.left + area.width : Math.max(area.left, ...ends.map((end) => end.leftPx)),
    labels: kept.map(({ curve, value }, index) => ({ curve, value, topPx: tops[index]! })),
  };
}

function upTo(curve: Curve, to: number): Curve {
  let end = lowerBound(curve.x, to);
  while (curve.x[end] === to) end++;
  return { ...curve, x: curve.x.subarray(0, end), y: curve.y.subarray(0, end) };
}

export interface PlacedMark extends EventMark {
  leftPx: number;
  /** Its label, with those of marks so near that they have no room of their own; empty where its words stand at another. */
  words: string;
}

const characterPx = 5.5;
const leastWordsPx = 56;
/** Where more would come together than this, the rest keep their lines only. */
const mostCharacters = 40;
/** About how wide a mark's words are. */
const wordsPx = (words: string): number => Math.max(leastWordsPx, characterPx * words.length);

/** Whether a mark's words must stand before its line, because behind it they would run out of the chart. */
export const standsBefore = ({ leftPx, words }: PlacedMark, chartWidthPx: number): boolean =>
  leftPx + wordsPx(words) > chartWidthPx;

export function placeMarks(marks: readonly EventMark[], shown: Range, places: PlotPlaces): PlacedMark[] {
  const visible = marks.filter((mark) => mark.x >= shown.from && mark.x <= shown.to).toSorted((a, b) => a.x - b.x);
  const placed = visible.map((mark): PlacedMark => ({ ...mark, leftPx: places.xToPx(mark.x), words: '' }));
  let speaker: PlacedMark | null = null;
  for (const mark of placed) {
    const { leftPx, words } = speaker ?? { leftPx: -Infinity, words: '' };
    if (speaker === null || mark.leftPx >= leftPx + wordsPx(words)) {
      mark.words = mark.label;
      speaker = mark;
    } else if (!words.split(', ').includes(mark.label) && words.length + mark.label.length + 2 <= mostCharacters) {
      speaker.words = `${words}, ${mark.label}`;
    }
  }
  return placed;
}

export interface Reading {
  curve: Curve;
  value: number;
  /** Before smoothing; null where nothing was smoothed. */
  raw: number | null;
  leftPx: number;
  topPx: number;
}

/** The point of every curve that is nearest to the cursor, in the order in which they lie above each other. */
export function readAt(curves: readonly DrawnCurve[], cursor: number, places: PlotPlaces): Reading[] {
  return curves
    .flatMap(({ drawn, recorded }): Reading[] => {
      const at = nearestIndex(drawn.x, cursor);
      const value = drawn.y[at];
      if (value === undefined || !Number.isFinite(value)) return [];
      const raw = recorded.y[at]!;
      const leftPx = places.xToPx(drawn.x[at]!);
      return [{ curve: drawn, value, raw: raw === value ? null : raw, leftPx, topPx: places.yToPx(value) }];
    })
    .toSorted((a, b) => b.value - a.value);
}

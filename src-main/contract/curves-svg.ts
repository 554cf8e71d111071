/** Curves as an SVG picture that stands for itself: its own colours, no script, no font of its own. Pure. */

export interface ReportCurve {
  label: string;
  /** A CSS colour. */
  colour: string;
  dashed: boolean;
  x: ArrayLike<number>;
  /** As long as `x`; what is not finite is a gap. */
  y: ArrayLike<number>;
  /** The number beside its label; its last value where absent. */
  says?: number;
}

/** Of the picture, px. */
export const curvesSize = { widthPx: 760, heightPx: 300 } as const;
const { widthPx: width, heightPx: height } = curvesSize;
const area = { left: 52, top: 14, right: 560, bottom: 262 };
const labelGap = 15;
const ink = { text: '#444', faint: '#777', line: '#ddd' };
const ticksWanted = 5;

/** Null where no curve has a value. `yLabel`: "Test accuracy". `logarithmic`: of the y axis; values that are not positive are gaps. */
export function curvesSvg(
  given: readonly ReportCurve[],
  yLabel: string,
  xLabel = 'epoch',
  logarithmic = false,
): string | null {
  const curves = logarithmic ? given.map(inLogarithms) : given;
  const drawn = curves.filter((curve) => ends(curve) !== null);
  const xs = drawn.flatMap((curve) => Array.from(curve.x));
  const ys = drawn.flatMap((curve) => Array.from(curve.y)).filter(Number.isFinite);
  if (ys.length === 0) return null;
  const xTicks = niceTicks(Math.min(0, Math.min(...xs)), Math.max(...xs));
  const yTicks = niceTicks(Math.min(...ys), Math.max(...ys));
  const xToPx = scale(xTicks[0]!, xTicks.at(-1)!, area.left, area.right);
  const yToPx = scale(yTicks[0]!, yTicks.at(-1)!, area.bottom, area.top);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeXml(`${yLabel} over ${xLabel}`)}" font-family="system-ui, sans-serif" font-size="11">`,
    ...yTicks.map((tick) =>
      gridLine(yToPx(tick), logarithmic ? String(Number((10 ** tick).toPrecision(2))) : tickText(tick, yTicks)),
    ),
    ...xTicks.map((tick) => text(xToPx(tick), area.bottom + 16, tickText(tick, xTicks), 'middle')),
    text((area.left + area.right) / 2, height - 6, xLabel, 'middle'),
    ...drawn.map((curve) => polyline(curve, xToPx, yToPx)),
    ...endLabels(drawn, yToPx),
    '</svg>',
  ].join('\n');
}

/** What is said of it stays as it is. */
function inLogarithms(curve: ReportCurve): ReportCurve {
  const says = curve.says ?? ends(curve) ?? Number.NaN;
  return { ...curve, says, y: Float64Array.from(curve.y, (value) => (value > 0 ? Math.log10(value) : Number.NaN)) };
}

function endLabels(curves: readonly ReportCurve[], yToPx: (y: number) => number): string[] {
  const wished = curves.map((curve) => ({ curve, value: curve.says ?? ends(curve)!, top: yToPx(ends(curve)!) }));
  let free = area.top;
  const placed = wished
    .toSorted((a, b) => a.top - b.top)
    .map((label) => {
      const top = Math.max(label.top, free);
      free = top + labelGap;
      return { ...label, top };
    });
  const overflow = Math.max(0, free - labelGap - (height - 4));
  return placed.map(({ curve, value, top }) => {
    const y = top - overflow;
    const dash = curve.dashed ? ' stroke-dasharray="4 3"' : '';
    const swatch = `<line x1="${area.right + 8}" y1="${y}" x2="${area.right + 24}" y2="${y}" stroke="${escapeXml(curve.colour)}" stroke-width="2"${dash}/>`;
    return swatch + text(area.right + 29, y + 4, `${value.toFixed(3)} ${shortened(curve.label)}`, 'start', ink.text);
  });
}

const longestLabel = 26;
const keptAtEnd = 10;
/** Names that are alike differ at their end more often than not. */
const shortened = (label: string): string =>
  label.length <= longestLabel
    ? label
    : `${label.slice(0, longestLabel - keptAtEnd - 1).trimEnd()}…${label.slice(-keptAtEnd)}`;

function polyline(curve: ReportCurve, xToPx: (x: number) => number, yToPx: (y: number) => number): string {
  let path = '';
  let penUp = true;
  for (let index = 0; index < curve.x.length; index++) {
    const y = curve.y[index]!;
    if (Number.isFinite(y)) path += `${penUp ? 'M' : 'L'}${px(xToPx(curve.x[index]!))} ${px(yToPx(y))}`;
    penUp = !Number.isFinite(y);
  }
  // A point alone would be no line.
  const only =
    curve.x.length === 1
      ? `<circle cx="${px(xToPx(curve.x[0]!))}" cy="${px(yToPx(curve.y[0]!))}" r="2.5" fill="${escapeXml(curve.colour)}"/>`
      : '';
  const dash = curve.dashed ? ' stroke-dasharray="5 4"' : '';
  return `${only}<path d="${path}" fill="none" stroke="${escapeXml(curve.colour)}" stroke-width="1.5" stroke-linejoin="round"${dash}/>`;
}

function gridLine(y: number, label: string): string {
  const line = `<line x1="${area.left}" y1="${px(y)}" x2="${area.right}" y2="${px(y)}" stroke="${ink.line}"/>`;
  return line + text(area.left - 6, y + 4, label, 'end');
}

function text(x: number, y: number, words: string, anchor: string, colour = ink.faint): string {
  return `<text x="${px(x)}" y="${px(y)}" text-anchor="${anchor}" fill="${colour}">${escapeXml(words)}</text>`;
}

/** The last value. */
function ends(curve: ReportCurve): number | null {
  return Array.from(curve.y).findLast(Number.isFinite) ?? null;
}

const px = (value: number): string => String(Math.round(value * 10) / 10);

function scale(from: number, to: number, fromPx: number, toPx: number): (value: number) => number {
  return (value) => fromPx + ((value - from) / (to - from)) * (toPx - fromPx);
}

/** Round numbers from at or below the least to at or above the greatest. */
export function niceTicks(least: number, greatest: number): number[] {
  const span = greatest - least || Math.abs(greatest) || 1;
  const power = 10 ** Math.floor(Math.log10(span / ticksWanted));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => span / each <= ticksWanted)!;
  const first = Math.floor(least / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(greatest / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

function tickText(tick: number, ticks: readonly number[]): string {
  const step = ticks[1]! - ticks[0]!;
  return tick.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}

export function escapeXml(words: string): string {
  return words
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

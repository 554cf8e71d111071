/**
 * Draws curves on a canvas with uPlot and reports where things are; labels, read-out and table belong to
 * LineChart.svelte. Knows nothing of runs. The only importer of uPlot.
 */
import uPlot from 'uplot';
import { alignCurves, columnWidth, dividesWholes, thin, thinToMeans, type Curve, type Range } from './curve.ts';
import { bandsOf } from './value-band.ts';

/** Colours and font of everything but the curves, taken from the page so that the chart follows its theme. */
export interface PlotInk {
  text: string;
  line: string;
  font: string;
}

export interface PlotSettings {
  ink: PlotInk;
  /** A CSS colour as a canvas understands it. */
  resolveColour(colour: string): string;
  xLabel: string;
  logarithmic: boolean;
  /** The y axis begins at zero, with room above the highest value; a logarithmic one, close to the lowest. */
  fromZero: boolean;
  /** Few points get no dots. */
  unmarked: boolean;
  /** Epochs and steps: no ticks between two of them, unless so few are shown that something lies between. */
  wholeXTicks: boolean;
  /** `increment`: the distance between two ticks, which says how many decimals they need. */
  formatXTick(value: number, increment: number): string;
  formatYTick(value: number, increment: number): string;
}

export interface PlotContent {
  curves: readonly Curve[];
  /** What the curves were smoothed from, drawn faint behind them; empty where nothing is smoothed. */
  raw: readonly Curve[];
  /** What the x axis shows. */
  domain: Range;
}

/** The plotting area inside the host, CSS px. */
export interface PlotArea {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface PlotListener {
  /** The pointer is over this x, or has left (null). */
  cursor(x: number | null): void;
  /** The person dragged over a range, or asked for everything (null). */
  zoom(range: Range | null): void;
  /** The wheel was turned with Ctrl, or two fingers pinched, at this x: show `factor` times as much. */
  zoomBy(factor: number, x: number): void;
  /** The person moved along by this share of what is shown: with the wheel sideways, or dragging with Shift. */
  panBy(share: number): void;
  /** Drawn anew: positions may have changed. */
  drawn(area: PlotArea): void;
}

/** A chart with many curves draws fewer points of each. */
const pointsInAll = 8_000;
const mostPointsPerCurve = 2000;
/** Wheel units that double or halve what is shown. */
const wheelPerDoubling = 250;
/** Below so many points each is marked, so that a run of one or two epochs can be seen. */
const markedPoints = 12;
const rawOpacity = 0.28;

export class LinePlot {
  readonly #host: HTMLElement;
  readonly #listener: PlotListener;
  readonly #settings: PlotSettings;
  #content: PlotContent = { curves: [], raw: [], domain: { from: 0, to: 1 } };
  #shape = '';
  #plot: uPlot | null = null;
  #size = { width: 0, height: 0 };
  /** The next frame will draw: whatever comes until then is drawn once. */
  #request: number | null = null;
  /** The mouse moves the curves along: it points at nothing meanwhile. */
  #dragging = false;
  #lines: readonly Line[] = [];
  readonly #ends = new AbortController();

  constructor(host: HTMLElement, settings: PlotSettings, listener: PlotListener) {
    this.#host = host;
    this.#settings = settings;
    this.#listener = listener;
    const { signal } = this.#ends;
    host.addEventListener('wheel', (event) => this.#wheel(event), { passive: false, signal });
    // Before uPlot, which would begin to select a range.
    host.addEventListener('mousedown', (event) => this.#drag(event), { capture: true, signal });
  }

  resize(width: number, height: number): void {
    if (width <= 0 || height <= 0) return;
    this.#size = { width, height };
    if (this.#plot === null) this.#draw();
    else this.#plot.setSize(this.#size);
  }

  /** Drawn with the next frame. */
  show(content: PlotContent): void {
    this.#content = content;
    this.#ask();
  }

  /** Shows the cursor line at an x that may come from another chart; null hides it. */
  pointAt(x: number | null): void {
    const plot = this.#plot;
    if (plot === null) return;
    const left = x === null ? -10 : plot.valToPos(x, 'x');
    plot.setCursor({ left, top: left < 0 ? -10 : 0 }, false);
  }

  /** CSS px inside the host. */
  xToPx(x: number): number {
    return this.#plot === null ? 0 : this.#area(this.#plot).left + this.#plot.valToPos(x, 'x');
  }

  /** CSS px inside the host. */
  yToPx(y: number): number {
    return this.#plot === null ? 0 : this.#area(this.#plot).top + this.#plot.valToPos(y, 'y');
  }

  destroy(): void {
    if (this.#request !== null) cancelAnimationFrame(this.#request);
    this.#ends.abort();
    this.#remove();
  }

  #remove(): void {
    this.#plot?.destroy();
    this.#plot = null;
  }

  #ask(): void {
    this.#request ??= requestAnimationFrame(() => {
      this.#request = null;
      this.#draw();
    });
  }

  #draw(): void {
    if (this.#size.width === 0) return;
    const lines = this.#linesNow();
    this.#lines = lines;
    const shape = lines
      .map((line) => `${line.colour}|${line.dashed}|${line.raw}|${line.points.length <= markedPoints}`)
      .join();
    const table = alignCurves(
      lines.map((line) => [line.x, line.points]),
      this.#settings.logarithmic,
    );
    const data = [table.x, ...table.columns] as uPlot.AlignedData;
    if (this.#plot !== null && shape === this.#shape) {
      this.#plot.setData(data);
      return;
    }
    this.#remove();
    this.#shape = shape;
    this.#plot = new uPlot(this.#options(lines), data, this.#host);
  }

  /** Raw values first, so that what is smoothed lies above them. */
  #linesNow(): Line[] {
    const { curves, raw, domain } = this.#content;
    const dense = [...curves, ...raw].filter((curve) => curve.x.length > mostPointsPerCurve).length;
    const most = Math.min(mostPointsPerCurve, pointsInAll / Math.max(1, dense));
    const line = (curve: Curve, isRaw: boolean): Line => {
      const isSmoothed = !isRaw && raw.some(({ id }) => id === curve.id);
      const [x, points] = (isSmoothed ? thinToMeans : thin)(curve.x, curve.y, domain, most);
      const isDense = points.buffer !== curve.y.buffer;
      return {
        x,
        points,
        colour: curve.colour,
        dashed: curve.dashed && !isRaw,
        raw: isRaw,
        bandWidth: isDense && !isSmoothed && (isRaw || !curve.dashed) ? columnWidth(domain, most) : null,
      };
    };
    return [...raw.map((curve) => line(curve, true)), ...curves.map((curve) => line(curve, false))];
  }

  #options(lines: readonly Line[]): uPlot.Options {
    return {
      ...this.#size,
      legend: { show: false },
      padding: [10, 14, 0, 0],
      scales: {
        x: { time: false, range: () => [this.#content.domain.from, this.#content.domain.to] },
        y: this.#yScale(),
      },
      axes: [this.#axis('x'), this.#axis('y')],
      series: [{}, ...lines.map((line) => this.#series(line))],
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: false, dist: 4 },
        bind: {
          dblclick: () => () => {
            this.#listener.zoom(null);
            return null;
          },
        },
      },
      hooks: {
        setCursor: [(plot) => this.#moved(plot)],
        setSelect: [(plot) => this.#selected(plot)],
        draw: [(plot) => this.#listener.drawn(this.#area(plot))],
      },
    };
  }

  #yScale(): uPlot.Scale {
    const { logarithmic, fromZero } = this.#settings;
    if (!fromZero) return logarithmic ? { distr: 3 } : { range: (_plot, low, high) => valueRange(low, high) };
    const headroom = logarithmic ? 1.5 : 1.08;
    return {
      ...(logarithmic ? { distr: 3 as const } : {}),
      range: (_plot, low, high) => [logarithmic ? low / headroom : 0, high > 0 ? high * headroom : 1],
    };
  }

  /** A logarithmic axis has ten ticks to a power: where there are several powers, only they get a line. */
  #gridLines(splits: readonly number[]): (number | null)[] {
    const powers = splits.filter(isPowerOfTen);
    if (!this.#settings.logarithmic || powers.length < 2) return [...splits];
    return splits.map((value) => (powers.includes(value) ? value : null));
  }

  #axis(which: 'x' | 'y'): uPlot.Axis {
    const { ink, xLabel, wholeXTicks, formatXTick, formatYTick } = this.#settings;
    const format = which === 'x' ? formatXTick : formatYTick;
    const hairline = { stroke: ink.line, width: 1 };
    return {
      stroke: ink.text,
      font: ink.font,
      grid: which === 'y' ? { ...hairline, filter: (_plot, splits) => this.#gridLines(splits) } : { show: false },
      ticks: { ...hairline, show: which === 'x', size: 4 },
      border: { ...hairline, show: which === 'x' },
      size: which === 'x' ? 24 : 46,
      gap: 4,
      space: which === 'x' ? 56 : 32,
      ...(which === 'x' ? { label: xLabel, labelFont: ink.font, labelSize: 16, labelGap: 0 } : {}),
      ...(which === 'x' && wholeXTicks
        ? {
            incrs: (_plot, _axis, from, to) =>
              dividesWholes(this.#content.curves, { from, to }) ? roundIncrements(-3, 0) : roundIncrements(0, 9),
          }
        : {}),
      values: (_plot, splits, _axis, _space, increment) =>
        splits.map((value) => (value === null ? '' : format(value, increment))),
    };
  }

  #series(line: Line): uPlot.Series {
    const stroke = this.#settings.resolveColour(line.colour);
    return {
      stroke,
      fill: stroke,
      paths: this.#paths,
      width: lineWidth(line),
      alpha: line.raw ? rawOpacity : 1,
      ...(line.dashed ? { dash: [5, 4] } : {}),
      points: {
        show: !line.raw && !this.#settings.unmarked && line.points.length <= markedPoints,
        size: 5,
        fill: stroke,
        stroke,
        width: 0,
      },
    };
  }

  /** Dense curves as filled bands, as thick as a line at least; the others as lines. */
  #paths: uPlot.Series.PathBuilder = (plot, series, first, last) => {
    const line = this.#lines[series - 1];
    if (line === undefined || line.bandWidth === null) return { ...drawLine(plot, series, first, last)!, fill: null };
    const half = (lineWidth(line) * uPlot.pxRatio) / 2;
    const fill = new Path2D();
    for (const { x, low, high } of bandsOf(plot.data[0], plot.data[series]!, line.bandWidth, first, last)) {
      const lefts = x.map((value) => plot.valToPos(value, 'x', true));
      high.forEach((value, i) => fill.lineTo(lefts[i]!, plot.valToPos(value, 'y', true) - half));
      for (let i = x.length - 1; i >= 0; i--) fill.lineTo(lefts[i]!, plot.valToPos(low[i]!, 'y', true) + half);
      fill.closePath();
    }
    return { stroke: null, fill };
  };

  #area(plot: uPlot): PlotArea {
    const ratio = uPlot.pxRatio;
    const { left, top, width, height } = plot.bbox;
    return { left: left / ratio, top: top / ratio, width: width / ratio, height: height / ratio };
  }

  #moved(plot: uPlot): void {
    if (this.#dragging) return;
    const left = plot.cursor.left ?? -1;
    this.#listener.cursor(left < 0 ? null : plot.posToVal(left, 'x'));
  }

  /** Sideways (or with Shift) it moves along, with Ctrl it zooms; alone it scrolls the page, as everywhere. */
  #wheel(event: WheelEvent): void {
    const plot = this.#plot;
    if (plot === null) return;
    const width = this.#area(plot).width;
    if (event.ctrlKey || event.metaKey) {
      const left = event.clientX - plot.over.getBoundingClientRect().left;
      this.#listener.zoomBy(2 ** (event.deltaY / wheelPerDoubling), plot.posToVal(left, 'x'));
    } else {
      const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
      if (Math.abs(sideways) <= Math.abs(event.shiftKey ? 0 : event.deltaY)) return;
      this.#listener.panBy(sideways / width);
    }
    event.preventDefault();
  }

  /** With Shift or the middle button the curves move along with the mouse. */
  #drag(start: MouseEvent): void {
    const plot = this.#plot;
    if (plot === null || !(start.shiftKey || start.button === 1)) return;
    start.preventDefault();
    start.stopPropagation();
    const width = this.#area(plot).width;
    const dragEnds = new AbortController();
    const signal = AbortSignal.any([dragEnds.signal, this.#ends.signal]);
    this.#listener.cursor(null);
    this.#dragging = true;
    dragEnds.signal.addEventListener('abort', () => (this.#dragging = false));
    let lastX = start.clientX;
    const move = ({ clientX }: MouseEvent): void => {
      this.#listener.panBy((lastX - clientX) / width);
      lastX = clientX;
    };
    window.addEventListener('mousemove', move, { signal });
    window.addEventListener('mouseup', () => dragEnds.abort(), { signal });
    window.addEventListener('blur', () => dragEnds.abort(), { signal });
  }

  #selected(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width <= 0) return;
    this.#listener.zoom({ from: plot.posToVal(left, 'x'), to: plot.posToVal(left + width, 'x') });
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }
}

const drawLine = uPlot.paths.linear!();
/** CSS px */
const lineWidth = ({ raw }: Line): number => (raw ? 1 : 1.5);

function isPowerOfTen(value: number): boolean {
  const power = Math.log10(value);
  return Math.abs(power - Math.round(power)) < 1e-9;
}

interface Line {
  x: Float64Array;
  points: Float64Array;
  colour: string;
  dashed: boolean;
  /** Lies faint behind its smoothed self. */
  raw: boolean;
  /** Of the columns that it is drawn as a band of; null where it is drawn as a line. */
  bandWidth: number | null;
}

/** 1, 2 and 5 times each power of ten from 10^least to 10^most. */
function roundIncrements(least: number, most: number): number[] {
  const powers = Array.from({ length: most - least + 1 }, (_, i) => 10 ** (least + i));
  return powers.flatMap((power) => [power, 2 * power, 5 * power]);
}

/** uPlot's own range would end at 100 where every value is 0, as a run's measures may be for a while. */
function valueRange(low: number | null, high: number | null): uPlot.Range.MinMax {
  if (low === null || high === null) return [null, null];
  return low === 0 && high === 0 ? [0, 1] : uPlot.rangeNum(low, high, 0.1, true);
}

import { describe, expect, it } from 'vitest';
import type { Curve } from '../../../src-renderer/charts/curve.ts';
import {
  placeEndLabels,
  placeMarks,
  readAt,
  standsBefore,
  type PlotPlaces,
} from '../../../src-renderer/charts/plot-layout.ts';

/** One unit of x is 10 px; y = 1 lies at the top, y = 0 at 100 px. */
const places: PlotPlaces = {
  area: { left: 40, top: 0, width: 100, height: 100 },
  xToPx: (x) => 40 + 10 * x,
  yToPx: (y) => 100 * (1 - y),
};

function curve(id: string, x: number[], y: number[], dashed = false): Curve {
  return { id, label: id, colour: 'red', dashed, smoothable: false, x: Float64Array.from(x), y: Float64Array.from(y) };
}
const plain = (recorded: Curve) => ({ drawn: recorded, recorded });

describe('end labels', () => {
  it('stand in one column beside the line that reaches farthest', () => {
    const { leftPx, labels } = placeEndLabels(
      [curve('short', [0, 4], [0, 0.8]), curve('long', [0, 8], [0, 0.2])],
      { from: 0, to: 10 },
      places,
    );
    expect(leftPx).toBe(120);
    expect(labels.map(({ curve: { id }, value, topPx }) => [id, value, Math.round(topPx)])).toEqual([
      ['short', 0.8, 20],
      ['long', 0.2, 80],
    ]);
  });

  it('go to the right edge and to the last value in sight when the lines run on', () => {
    const { leftPx, labels } = placeEndLabels([curve('a', [0, 5, 20], [0, 0.5, 1])], { from: 0, to: 10 }, places);
    expect(leftPx).toBe(140);
    expect(labels[0]!.value).toBe(0.5);
  });

  it('keep those of the evaluation where not all fit', () => {
    const many = Array.from({ length: 10 }, (_, index) => curve(String(index), [1], [0.5], index >= 6));
    const { labels } = placeEndLabels(many, { from: 0, to: 1 }, places);
    expect(labels.map((label) => label.curve.id)).toEqual(['6', '7', '8', '9', '0', '1', '2']);
  });
});

describe('marks', () => {
  it('share their words where they stand close, and vanish outside of the range', () => {
    const marks = [
      { x: 3, label: 'resumed' },
      { x: 1, label: 'best' },
      { x: 30, label: 'later' },
    ];
    expect(placeMarks(marks, { from: 0, to: 10 }, places)).toEqual([
      { x: 1, label: 'best', leftPx: 50, words: 'best, resumed' },
      { x: 3, label: 'resumed', leftPx: 70, words: '' },
    ]);
    const alike = [0, 1, 2].map((x) => ({ x, label: 'rate × 0.1' }));
    expect(placeMarks(alike, { from: 0, to: 10 }, places).map(({ words }) => words)).toEqual(['rate × 0.1', '', '']);
    const crowd = Array.from({ length: 9 }, (_, index) => ({ x: index / 10, label: `phase number ${index}` }));
    expect(placeMarks(crowd, { from: 0, to: 10 }, places)[0]!.words).toBe('phase number 0, phase number 1');
  });

  it('stand before their line where they would run out of the chart behind it', () => {
    const [early, late] = placeMarks(
      [
        { x: 1, label: 'warmed up' },
        { x: 9, label: 'warmed up' },
      ],
      { from: 0, to: 10 },
      places,
    );
    expect([standsBefore(early!, 140), standsBefore(late!, 140), standsBefore(late!, 260)]).toEqual([
      false,
      true,
      false,
    ]);
  });
});

describe('the read-out', () => {
  it('takes the nearest point of each curve, highest first, and leaves out gaps', () => {
    const curves = [
      plain(curve('low', [0, 4, 8], [0.1, 0.2, 0.3])),
      plain(curve('high', [0, 5], [0.6, 0.9])),
      plain(curve('gap', [0, 5], [0.6, Number.NaN])),
    ];
    expect(
      readAt(curves, 4.6, places).map(({ curve: { id }, value, raw, leftPx }) => [id, value, raw, leftPx]),
    ).toEqual([
      ['high', 0.9, null, 90],
      ['low', 0.2, null, 80],
    ]);
  });

  it('shows the value before smoothing beside the smoothed one', () => {
    const recorded = curve('a', [0, 5], [0, 0.5]);
    const [reading] = readAt([{ recorded, drawn: { ...recorded, y: Float64Array.of(0, 0.25) } }], 5, places);
    expect([reading!.value, reading!.raw]).toEqual([0.25, 0.5]);
  });
});

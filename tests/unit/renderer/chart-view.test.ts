import { describe, expect, it } from 'vitest';
import { ChartView } from '../../../src-renderer/charts/chart-view.svelte.ts';

function viewOf(from: number, to: number): ChartView {
  const view = new ChartView();
  view.whole = { from, to };
  return view;
}

describe('zooming', () => {
  it('keeps what is under the pointer in its place', () => {
    const view = viewOf(0, 100);
    view.zoomBy(0.5, 20);
    expect(view.range).toEqual({ from: 10, to: 60 });
    view.zoomBy(0.5, 20);
    expect(view.range).toEqual({ from: 15, to: 40 });
  });

  it('goes by the cursor, or by the middle where there is none in sight', () => {
    const view = viewOf(0, 100);
    view.cursor = 0;
    view.zoomBy(0.5);
    expect(view.range).toEqual({ from: 0, to: 50 });
    view.cursor = 90;
    view.zoomBy(0.5);
    expect(view.range).toEqual({ from: 12.5, to: 37.5 });
  });

  it('out never shows what is beyond the axis, and ends with the whole of it', () => {
    const view = viewOf(0, 100);
    view.zoom({ from: 0, to: 20 });
    view.zoomBy(2, 20);
    expect(view.range).toEqual({ from: 0, to: 40 });
    view.zoomBy(4);
    expect(view.range).toBeNull();
  });

  it('in stops before there is nothing to see', () => {
    const view = viewOf(0, 100);
    for (let time = 0; time < 200; time++) view.zoomBy(0.5, 50);
    expect(view.range!.to - view.range!.from).toBeCloseTo(0.001, 9);
  });
});

describe('moving along', () => {
  it('stops at both ends, without a change of scale', () => {
    const view = viewOf(10, 110);
    view.zoom({ from: 20, to: 40 });
    view.panBy(0.5);
    expect(view.range).toEqual({ from: 30, to: 50 });
    view.panBy(-10);
    expect(view.range).toEqual({ from: 10, to: 30 });
    view.panBy(10);
    expect(view.range).toEqual({ from: 90, to: 110 });
  });

  it('does nothing where everything is shown', () => {
    const view = viewOf(0, 1);
    view.panBy(1);
    expect(view.range).toBeNull();
  });
});

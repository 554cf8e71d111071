import { describe, expect, it } from 'vitest';
import { csvOfCurves, pictureOfCurves } from '../../../src-renderer/charts/save-curves.ts';
import type { Curve } from '../../../src-renderer/charts/curve.ts';
import { csvOf } from '../../../src-renderer/ui/csv.ts';

const curve = (label: string, y: number[], dashed = false): Curve => ({
  id: label,
  label,
  colour: 'var(--series-1)',
  dashed,
  x: Float64Array.from(y, (_, i) => i + 1),
  y: Float64Array.from(y),
  smoothable: false,
});
const options = {
  title: 'Loss',
  xLabel: 'epoch',
  shown: { from: 0, to: 3 },
  logarithmic: false,
  resolve: () => 'rgb(1, 2, 3)',
};

describe('a plot as a file', () => {
  it('is an SVG with its own colours, the dashed line dashed', () => {
    const svg = pictureOfCurves([curve('train', [3, 2, 1]), curve('test', [3, 2.5, 2], true)], options)!;
    expect(svg).toMatch(/^<svg xmlns=/);
    expect(svg).not.toContain('var(');
    expect(svg.match(/stroke="rgb\(1, 2, 3\)" stroke-width="1.5"/g)).toHaveLength(2);
    expect(svg.match(/stroke-dasharray="5 4"/g)).toHaveLength(1);
  });

  it('keeps its logarithmic axis, and says the values themselves', () => {
    const svg = pictureOfCurves([curve('train', [1000, 0, 1])], { ...options, logarithmic: true })!;
    expect(svg).toContain('>1000<');
    expect(svg).toContain('>1.000 train<');
    expect(pictureOfCurves([curve('train', [0, -1])], { ...options, logarithmic: true })).toBeNull();
  });

  it('has every recorded value in its CSV', () => {
    const csv = csvOfCurves([curve('train, "a"', [0.5, Number.NaN])], 'Loss', 'epoch');
    expect(csv).toBe('curve,epoch,Loss\r\n"train, ""a""",1,0.5\r\n"train, ""a""",2,\r\n');
  });

  it('never begins a formula in a spreadsheet', () => {
    expect(csvOf([['=1+1', '-0.041', '-x', '+0.2', '@a']])).toBe("'=1+1,-0.041,'-x,+0.2,'@a\r\n");
  });
});

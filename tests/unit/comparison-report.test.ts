import { describe, expect, test } from 'vitest';
import type { RunId } from '../../src-main/contract/model/ids.ts';
import type { RunComparison, RunSummary } from '../../src-main/contract/model/run.ts';
import { comparisonReport, type ReportSource } from '../../src-main/services/runs/report/comparison-report.ts';
import { curvesSvg, niceTicks } from '../../src-main/contract/curves-svg.ts';
import type { ImageScores } from '../../src-main/contract/model/run-results.ts';
import { boxesSvg, detectedBoxes, trueBoxes } from '../../src-main/services/runs/report/example-boxes.ts';
import { chooseExamples } from '../../src-main/services/runs/report/example-images.ts';
import { reportHtml, reportMarkdown } from '../../src-main/services/runs/report/write-report.ts';
import { sample } from '../helpers/fake-backend.ts';

const hostile = `<script>alert(1)</script> | "x" & *y*`;

function source(accuracies: number[], batchNorm: string[], changes: Partial<RunSummary> = {}): ReportSource {
  const runs = accuracies.map((_, index) => ({
    ...sample.run,
    runId: (index + 1) as RunId,
    name: `run ${index + 1}`,
    ...changes,
  }));
  const comparison: RunComparison = {
    runs,
    metrics: [
      {
        metric: 'test/accuracy',
        label: 'Test accuracy',
        better: 'higher',
        final: accuracies,
        best: accuracies.map((value) => ({ value: value + 0.01, epoch: 2 })),
      },
      {
        metric: 'test/loss',
        label: 'Test loss',
        better: 'lower',
        final: runs.map(() => null),
        best: runs.map(() => null),
      },
    ],
    configuration: [
      { path: 'model.options.batchNorm', label: 'Batch norm', values: batchNorm },
      { path: 'seed', label: 'Seed', values: accuracies.map((_, index) => String(index)) },
    ],
  };
  const series = runs.map(() => [
    {
      series: 'test/accuracy' as const,
      steps: Float64Array.of(10, 20, 30),
      epochs: Float64Array.of(1, 2, 3),
      values: Float64Array.of(0.25, Number.NaN, 0.5),
      times: Float64Array.of(1, 2, 3),
    },
  ]);
  return {
    comparison,
    settings: [],
    series,
    examples: [],
    hashes: runs.map(() => 'abcdef0123456789'),
    version: '9.9.9',
    madeAt: '2026-05-06T07:08:09.000Z',
  };
}

describe('the report of one run', () => {
  const alone = (): ReportSource => ({
    ...source([0.6], ['on']),
    settings: [{ label: 'Batch norm', value: 'on' }],
    examples: [{ title: 'Image 7', source: 'data:image/png;base64,AAAA', words: ['wrong, 0.092'], boxes: null }],
  });

  test('says what it reached, all its settings, and shows images', () => {
    const report = comparisonReport(alone());
    expect(report.title).toBe('Run run 1');
    expect(report.lead).toEqual(['Test accuracy after the last epoch: 0.600.']);
    expect(report.tables.map(({ title }) => title)).toEqual(['Metrics', 'Settings', 'Run']);
    expect(report.tables[1]?.rows.map((row) => row.map(({ text }) => text))).toEqual([['Batch norm', 'on']]);
    expect(report.examples.images[0]?.words).toEqual(['wrong, 0.092']);
    expect(reportHtml(report)).toContain('<img src="data:image/png;base64,AAAA" alt="Image 7">');
    expect(reportMarkdown(report)).toContain('![Image 7](data:image/png;base64,AAAA) wrong, 0.092');
  });

  test('names the runs below the images of several', () => {
    const both = comparisonReport({
      ...source([0.6, 0.7], ['off', 'on']),
      examples: [
        {
          title: 'Image 7',
          source: 'data:image/png;base64,AAAA',
          words: ['wrong, 0.092', 'right, 1.000'],
          boxes: null,
        },
      ],
    });
    expect(both.examples.images[0]?.words).toEqual(['run 1: wrong, 0.092', 'run 2: right, 1.000']);
  });

  test('has the worst and the best images of a run, and those that several do most differently', () => {
    const scores = (values: number[], right: number[] | null = null): ImageScores =>
      ({
        imageIds: Float64Array.from(values, (_, place) => place + 1),
        scores: Float32Array.from(values),
        right: right && Uint8Array.from(right),
      }) as unknown as ImageScores;
    const ten = [0.5, 0.9, 0.1, Number.NaN, 0.8, 0.2, 0.7, 0.3, 0.6, 0.4, 1];
    expect(chooseExamples([scores(ten)]).map(({ imageId }) => imageId)).toEqual([3, 6, 8, 10, 7, 5, 2, 11]);
    const pair = [scores([0.1, 0.5, 0.5], [0, 1, 1]), scores([0.9, 0.5, 0.2], [1, 1, 0])];
    expect(chooseExamples(pair)).toEqual([
      { imageId: 1, words: ['wrong, 0.100', 'right, 0.900'] },
      { imageId: 3, words: ['right, 0.500', 'wrong, 0.200'] },
      { imageId: 2, words: ['right, 0.500', 'right, 0.500'] },
    ]);
    expect(chooseExamples([])).toEqual([]);
  });
});

describe('what a report says', () => {
  test('groups runs that differ in the seed alone, with mean and spread, and marks the winner', () => {
    const report = comparisonReport(source([0.6, 0.7, 0.62, 0.72], ['off', 'on', 'off', 'on']));
    const [metrics] = report.tables;
    expect(metrics?.head).toEqual(['Metric', 'run 1, run 3', 'run 2, run 4']);
    expect(metrics?.rows[0]?.map(({ text, wins }) => [text, wins])).toEqual([
      ['Test accuracy, last (higher is better)', false],
      ['0.610 ± 0.014 (2 seeds)', false],
      ['0.710 ± 0.014 (2 seeds)', true],
    ]);
    expect(report.lead).toEqual([
      'Test accuracy after the last epoch: run 2, run 4 with 0.710 ± 0.014 (2 seeds), before run 1, run 3 with 0.610 ± 0.014 (2 seeds).',
    ]);
  });

  test('warns where a setting was run once, and leaves out metrics that nobody has', () => {
    const report = comparisonReport(source([0.6, 0.7], ['off', 'on']));
    expect(report.lead[1]).toContain('one seed only');
    expect(report.tables[0]?.rows.map(([first]) => first?.text)).toEqual([
      'Test accuracy, last (higher is better)',
      'Test accuracy, best',
    ]);
  });

  test('knows runs that are nothing but repeats', () => {
    const { lead } = comparisonReport(source([0.6, 0.62], ['on', 'on']));
    expect(lead).toEqual(['The runs differ in nothing but the seed. Test accuracy: 0.610 ± 0.014 (2 seeds).']);
  });
});

describe('a report of runs of different tasks', () => {
  test('names no winner and marks none', () => {
    const given = source([0.6, 0.7], ['off', 'on']);
    const [first, second] = given.comparison.runs;
    const runs = [first!, { ...second!, task: 'segmentation' as const }];
    const report = comparisonReport({ ...given, comparison: { ...given.comparison, runs } });
    expect(report.lead).toEqual(['There is no winner: classification and segmentation have no score in common.']);
    expect(report.tables[0]?.rows[0]?.map(({ text, wins }) => [text, wins])).toEqual([
      ['Test accuracy, last (not comparable)', false],
      ['0.600', false],
      ['0.700', false],
    ]);
  });
});

describe('what a report is written as', () => {
  const report = comparisonReport(
    source([0.6, 0.7], ['off', 'on'], { name: hostile, notes: hostile, tags: [hostile] }),
  );

  test('HTML needs nothing from anywhere and lets no name be anything but text', () => {
    const html = reportHtml(report);
    expect(html).not.toContain('<script');
    expect(html).not.toMatch(/(?:src|href)=|url\(|@import/);
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt; | &quot;x&quot; &amp; *y*');
    expect(html).toContain('<svg');
    expect(html).toContain('Made by Fovea 9.9.9 on 2026-05-06 07:08 UTC.');
    expect(html).toContain("default-src 'none'");
  });

  test('Markdown keeps its tables whole whatever a name holds, and carries its pictures along', () => {
    const markdown = reportMarkdown(report);
    const rows = markdown.split('\n').filter((line) => line.startsWith('| '));
    const columns = rows.map((row) => row.replaceAll('\\|', '').split('|').length - 2);
    expect(columns).toEqual([3, 3, 3, 3, 3, 3, 3, 3, 10, 10, 10, 10].slice(0, columns.length));
    expect(markdown).toContain('\\<script\\>');
    const [, encoded] = /data:image\/svg\+xml;base64,([\w+/=]+)\)/.exec(markdown) ?? [];
    expect(Buffer.from(encoded!, 'base64').toString()).toMatch(/^<svg [^]*<\/svg>$/);
  });
});

describe('curves as a picture', () => {
  const curve = { label: 'test', colour: 'red', dashed: true, x: [1, 2, 3, 4], y: [1, 2, Number.NaN, 4] };

  test('break where there is no number', () => {
    const [, path] = /<path d="([^"]+)"/.exec(curvesSvg([curve], 'Loss')!)!;
    expect(path!.match(/M/g)).toHaveLength(2);
    expect(path!.match(/L/g)).toHaveLength(1);
  });

  test('are none without a value', () => {
    expect(curvesSvg([{ ...curve, y: [Number.NaN, Number.NaN, Number.NaN, Number.NaN] }], 'Loss')).toBeNull();
    expect(curvesSvg([], 'Loss')).toBeNull();
  });

  test('keep a label under each other within the picture', () => {
    const many = Array.from({ length: 16 }, (_, index) => ({ ...curve, label: `run ${index}` }));
    const tops = [...curvesSvg(many, 'Loss')!.matchAll(/y="([\d.-]+)" text-anchor="start"/g)].map(([, y]) => Number(y));
    expect(tops).toHaveLength(16);
    expect(Math.min(...tops)).toBeGreaterThan(0);
    expect(Math.max(...tops)).toBeLessThanOrEqual(300);
    expect(new Set(tops.slice(1).map((top, index) => Math.round(top - tops[index]!)))).toEqual(new Set([15]));
  });

  test('have round ticks around all values', () => {
    expect(niceTicks(0.13, 0.71)).toEqual([0, 0.2, 0.4, 0.6, 0.8]);
    expect(niceTicks(0, 20)).toEqual([0, 5, 10, 15, 20]);
    expect(niceTicks(3, 3).length).toBeGreaterThan(1);
  });
});

test('shows objects beside the truth in a pane of each run, with the image once and what is wrong dashed', () => {
  const said = {
    candidates: Float32Array.of(10, 10, 50, 50, 0.9, 0, 60, 60, 90, 90, 0.5, 1),
    objects: Float64Array.of(0, 10, 10, 50, 50, 1600, 0),
    head: null,
  };
  const names = ['car', '<b>'];
  const boxes = {
    size: { widthPx: 100, heightPx: 100 },
    truth: trueBoxes(said, names),
    runs: [detectedBoxes(said, names), []],
  };
  const html = reportHtml(
    comparisonReport({
      ...source([0.5, 0.6], ['on', 'off']),
      examples: [{ title: 'Image 7', source: 'data:image/png;base64,AAAA', words: ['0.667', '0.000'], boxes }],
    }),
  );
  expect(html.match(/data:image\/png;base64,AAAA/g)).toHaveLength(1);
  expect(html).toContain('aria-label="Image 7, Ground truth"');
  expect(html.match(/<use href="#example-0"\/>/g)).toHaveLength(2);
  expect(html.match(/>car<\/text>/g)).toHaveLength(1);
  expect(html).toContain('>car 0.90</text>');
  expect(html).toContain('>&lt;b&gt; 0.50</text>');
  expect(html.match(/fill="none" stroke="#[0-9a-f]{6}" stroke-width="[\d.]+" stroke-dasharray/g)).toHaveLength(1);
});

test('ends the words of a box at the right edge there, where they would be cut', () => {
  const box = { category: 0, words: 'person 0.92', dashed: false };
  const svg = boxesSvg(
    [
      { ...box, bboxXyxy: [480, 40, 520, 90] },
      { ...box, bboxXyxy: [10, 40, 520, 90] },
    ],
    { widthPx: 520, heightPx: 390 },
  );
  expect(svg.match(/<text x="\d+"( text-anchor="end")?/g)).toEqual(['<text x="514" text-anchor="end"', '<text x="10"']);
});

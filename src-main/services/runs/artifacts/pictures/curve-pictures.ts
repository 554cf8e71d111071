/** What was recorded of a run, and how a detector's measures change with the confidence asked for, as SVG. Pure. */
import type { DetectionReport } from '../../../../contract/model/run-results.ts';
import type { Series, SeriesName, Task } from '../../../../contract/model/run.ts';
import { taskDefinitions } from '../../../../contract/model/tasks.ts';
import { curvesSize, curvesSvg, escapeXml, type ReportCurve } from '../../../../contract/curves-svg.ts';
import { palette } from '../../report/palette.ts';

const titlePx = 34;
const columns = 2;
/** More lines than these cannot be told apart. */
const mostClasses = 8;

interface Panel {
  title: string;
  svg: string;
}

/** Every chart of the task over the epochs, the test split dashed as in the window. Null where nothing was measured. */
export function resultsSvg(task: Task, series: readonly Series[]): string | null {
  const byName = new Map(series.map((each) => [each.series, each]));
  const curve = (name: SeriesName | null, label: string, at: number): ReportCurve[] => {
    const found = name === null ? undefined : byName.get(name);
    return found === undefined
      ? []
      : [{ label, colour: palette[at]!, dashed: label === 'test', x: found.epochs, y: found.values }];
  };
  const panels = taskDefinitions[task].charts.flatMap(({ title, train, test }): Panel[] => {
    const svg = curvesSvg([...curve(train, 'train', 1), ...curve(test, 'test', 0)], title);
    return svg === null ? [] : [{ title, svg }];
  });
  return panels.length === 0 ? null : page(panels);
}

/** Precision over recall at IoU 0.5: the mean over the classes, and the classes where they are few. */
export function precisionRecallSvg({ all, perCategory, classes }: DetectionReport): string | null {
  const known = perCategory.flatMap(({ precisionAtRecall, ap50 }, at) =>
    precisionAtRecall === null ? [] : [{ name: classes[at]!.name, precision: precisionAtRecall, ap50 }],
  );
  const [first] = known;
  if (first === undefined) return null;
  const recall = first.precision.map((_, i) => i / (first.precision.length - 1));
  const mean = recall.map((_, i) => known.reduce((sum, { precision }) => sum + precision[i]!, 0) / known.length);
  const own = known.length > mostClasses ? [] : known;
  const curves: ReportCurve[] = [
    ...own.map(({ name, precision, ap50 }, at) => ({
      ...{ label: `AP50 ${name}`, colour: palette[at + 1]!, dashed: true },
      ...{ x: recall, y: precision, says: ap50 ?? 0 },
    })),
    { label: 'mAP50', colour: palette[0]!, dashed: false, x: recall, y: mean, says: all.ap50 ?? 0 },
  ];
  return pictureOf('Precision over recall, IoU 0.5', curvesSvg(curves, 'Precision', 'recall'));
}

const confidenceTitles = { precision: 'Precision', recall: 'Recall', f1: 'F1' } as const;

/** A mean over the classes, over the confidence asked for. Null without objects. */
export function confidenceSvg(
  { confidences, curves, best }: DetectionReport,
  measure: keyof typeof confidenceTitles,
): string | null {
  if (curves === null) return null;
  const title = confidenceTitles[measure];
  const where = best === null ? '' : `; the mean F1 is greatest at ${best.confidence.toFixed(3)}`;
  const curve: ReportCurve = {
    ...{
      label: best === null ? 'mean' : `mean at ${best.confidence.toFixed(3)}`,
      colour: palette[0]!,
      dashed: false,
      x: confidences,
    },
    ...(best !== null && { says: best[measure] ?? 0 }),
    y: curves[measure].map((value) => value ?? NaN),
  };
  return pictureOf(`${title} over confidence${where}`, curvesSvg([curve], title, 'confidence'));
}

const pictureOf = (title: string, svg: string | null): string | null => (svg === null ? null : page([{ title, svg }]));

/** Panels in two columns under their titles, on white. */
function page(panels: readonly Panel[]): string {
  const { widthPx, heightPx } = curvesSize;
  const across = Math.min(columns, panels.length);
  const rows = Math.ceil(panels.length / across);
  const [width, height] = [across * widthPx, rows * (heightPx + titlePx)];
  const placed = panels.map(({ title, svg }, at) => {
    const [x, y] = [(at % across) * widthPx, Math.floor(at / across) * (heightPx + titlePx)];
    const heading = `<text x="${x + 16}" y="${y + 24}" font-size="15" font-weight="600" fill="#222">${escapeXml(title)}</text>`;
    return heading + svg.replace('<svg ', `<svg x="${x}" y="${y + titlePx}" `);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="system-ui, sans-serif">`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...placed,
    '</svg>',
  ].join('\n');
}

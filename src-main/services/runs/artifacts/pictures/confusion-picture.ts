/** A confusion matrix as SVG: true classes in rows, predicted ones in columns, darker for more. Pure. */
import type { ConfusionMatrix } from '../../../../contract/model/run.ts';
import { escapeXml } from '../../../../contract/curves-svg.ts';

const margin = { left: 150, top: 70, right: 20, bottom: 120 };
const side = { least: 14, most: 64 };
const wantedPx = 900;
/** Numbers are written into cells of this size and more. */
const readablePx = 34;
const longestName = 20;

/** `normalised`: each as the share of its row. */
export function confusionSvg({ classes, unit, counts }: ConfusionMatrix, normalised: boolean): string {
  const cell = Math.max(side.least, Math.min(side.most, Math.floor(wantedPx / classes.length)));
  const grid = cell * classes.length;
  const [width, height] = [margin.left + grid + margin.right, margin.top + grid + margin.bottom];
  const totals = counts.map((row) => row.reduce((sum, count) => sum + count, 0));
  const greatest = Math.max(1, ...counts.flat());
  const cells = counts.flatMap((row, truth) =>
    row.flatMap((count, predicted) => {
      if (count === 0) return [];
      const value = normalised ? count / totals[truth]! : count / greatest;
      const [x, y] = [margin.left + predicted * cell, margin.top + truth * cell];
      const words = normalised ? value.toFixed(2) : shortCount(count);
      const text =
        cell < readablePx
          ? ''
          : `<text x="${x + cell / 2}" y="${y + cell / 2 + 4}" text-anchor="middle" fill="${value > 0.55 ? '#fff' : '#222'}">${words}</text>`;
      return [`<rect x="${x}" y="${y}" width="${cell}" height="${cell}" fill="${shade(value)}"/>${text}`];
    }),
  );
  const names = classes.flatMap(({ name }, at) => {
    const short = escapeXml(name.length <= longestName ? name : `${name.slice(0, longestName - 1)}…`);
    const [x, y] = [margin.left + (at + 0.5) * cell + 4, margin.top + grid + 10];
    return [
      `<text x="${margin.left - 8}" y="${margin.top + (at + 0.5) * cell + 4}" text-anchor="end" fill="#444">${short}</text>`,
      `<text x="${x}" y="${y}" text-anchor="end" fill="#444" transform="rotate(-60 ${x} ${y})">${short}</text>`,
    ];
  });
  const title = `Confusion of ${unit}${normalised ? ', shares of the true class' : ''}`;
  const middle = margin.top + grid / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12">`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    `<text x="16" y="26" font-size="15" font-weight="600" fill="#222">${title}</text>`,
    `<text x="16" y="46" fill="#777">rows: true class; columns: predicted class</text>`,
    ...cells,
    `<rect x="${margin.left}" y="${margin.top}" width="${grid}" height="${grid}" fill="none" stroke="#bbb"/>`,
    ...names,
    `<text x="16" y="${middle}" fill="#777" transform="rotate(-90 16 ${middle})" text-anchor="middle">true</text>`,
    `<text x="${margin.left + grid / 2}" y="${height - 8}" fill="#777" text-anchor="middle">predicted</text>`,
    '</svg>',
  ].join('\n');
}

/** White to blue. */
function shade(share: number): string {
  const channel = (full: number): number => Math.round(255 + (full - 255) * share);
  return `rgb(${channel(29)},${channel(79)},${channel(168)})`;
}

const shortCount = (count: number): string =>
  count.toLocaleString('en', { notation: 'compact', maximumFractionDigits: 1 });
